"""What the server keeps of those who look at the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.page import visits
from helpers.page.settings import Settings


def test_a_visit_is_found_again_and_others_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = visits.Visits()
    name, mine = kept.at(None)
    other_name, other = kept.at("an address somebody made up")
    assert kept.at(name) == (name, mine)
    assert other is not mine
    assert other_name not in (name, "an address somebody made up")
    monkeypatch.setattr(visits, "MOST_VISITS", 2)
    kept.at(name)
    kept.at(None)
    assert kept.at(name)[1] is mine  # the oldest went, not the one that was used last
    assert kept.at(other_name)[0] != other_name


def test_what_is_new_since_the_last_look() -> None:
    visit = visits.Visit()
    assert visit.see(("a", "b")) is None
    assert visit.see(("b", "c", "d")) == 2
    assert visit.see(("b", "c", "d")) == 0
    visit.begin(None)
    assert visit.see(("b",)) is None


def test_settings_reach_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKSHOP_PAGE", "{}")
    assert Settings.given() == Settings()
    given = Settings(prefix="anna", listener=3, endpoint="e", state=tmp_path)
    given.hand_over()
    assert Settings.given() == given
