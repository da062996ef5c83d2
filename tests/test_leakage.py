"""The lesson on leakage measures what it says: a flow that knows its test promises more than it keeps."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from helpers import flow, generator, leakage

FLOWS = Path(__file__).parents[1] / "notebooks" / "flows"


def test_dealing_shares_out_each_listeners_ratings_in_time() -> None:
    ratings = pd.DataFrame({"userId": [1, 1, 2, 1, 2], "ts": [30, 10, 5, 20, 6], "Rating": [1, 2, 3, 4, 5]})
    dealt = leakage.deal(ratings, 2)
    # Listener 1 at 10, 20 and 30: to the first, the second, the first hand; listener 2 at 5 and 6.
    assert list(dealt["userId"]) == [2, 2, 4, 3, 5]
    assert list(dealt["Rating"]) == list(ratings["Rating"])
    assert list(leakage.deal(ratings, 1)["userId"]) == list(ratings["userId"])


def test_nobody_can_be_dealt_to_no_hand() -> None:
    with pytest.raises(ValueError, match="hands is 0"):
        leakage.deal(pd.DataFrame({"userId": [1], "ts": [1]}), 0)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> leakage.Comparison:
    """Both flows on the smallest music, its listeners made strangers: five ratings each."""
    music = generator.generate("tiny", 0)
    folder = tmp_path_factory.mktemp("leakage")
    music.tracks.to_csv(folder / "tracks.csv", index=False)
    honest, leaky = (flow.read(FLOWS / name) for name in ("music.flow", "music_leaky.flow"))
    return leakage.compare(honest, leaky, folder / "tracks.csv", leakage.deal(music.ratings, 20), folder)


def test_only_the_honest_flow_keeps_what_it_promises(found: leakage.Comparison) -> None:
    table = found.table
    assert list(table.index) == [leakage.HONEST, leakage.LEAKY]
    assert table.loc[leakage.HONEST, "exam"] == table.loc[leakage.HONEST, "real life"]
    assert table.loc[leakage.LEAKY, "exam"] < table.loc[leakage.LEAKY, "real life"]
    too_much = table.loc[leakage.LEAKY, "real life"] - table.loc[leakage.LEAKY, "exam"]
    assert found.too_much == pytest.approx(too_much)
    assert 0 < found.at_least < found.too_much < found.at_most
