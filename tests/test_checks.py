"""Checks say what is right, and for what is wrong what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import checks

RATED = pd.DataFrame({"userId": [7, 7, 8], "Rating": [3, 4, 5]})
TRAIN = pd.DataFrame({"Rating": [1.0] * 600, "energy": [0.5] * 600})


class Bucket:
    """Stands for a workshop's S3: the objects it holds."""

    def objects(self, uri: str) -> list[str]:
        return [name for name in ["s3://b/data/tracks.csv"] if name.startswith(uri)]


GOOD: list[tuple[Callable[[], Any], str]] = [
    (lambda: checks.objects_exist(Bucket(), "the data", "s3://b/data"), "the data: in S3"),
    (lambda: checks.columns_are(TRAIN, "train", ["Rating"]), "train begins with Rating"),
    (lambda: checks.enough_to_train(TRAIN), "600 training rows"),
    (lambda: checks.no_missing_values(TRAIN, "train"), "no missing values"),
    (lambda: checks.finished("Completed", "The job"), "The job: Completed"),
    (lambda: checks.finished("InService", "The endpoint", good="InService"), "InService"),
    (
        lambda: checks.beats(0.8, 1.0, "The model", "the mean"),
        "The model (0.800) is better than the mean (1.000)",
    ),
    (lambda: checks.is_described(7, pd.DataFrame(index=[7])), "the listener is known"),
    (lambda: checks.same_length([1.0, 2.0], 2, "The exam"), "one prediction for each of 2 rows"),
    (
        lambda: checks.knows_no_future(pd.DataFrame({"mean_rating": [3.5, 5.0]}, index=[7, 8]), RATED),
        "the averages of 2 listeners come from the 3 training ratings alone",
    ),
    (lambda: checks.all_unheard(pd.DataFrame({"trackId": ["a"]}), {"b"}), "1 tracks, none heard before"),
    (lambda: checks.nothing_left([]), "nothing is left"),
]
BAD: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: checks.knows_no_future(pd.DataFrame({"mean_rating": [3.5, 4.9]}, index=[7, 8]), RATED),
        "averages of 1 listeners, such as 8, are not those of their training ratings",
    ),
    (
        lambda: checks.knows_no_future(
            pd.DataFrame({"mean_rating": [3.5, 5.0, 1.0]}, index=[7, 8, 9]), RATED
        ),
        "such as 9, are not those of their training ratings",
    ),
    (
        lambda: checks.knows_no_future(pd.DataFrame({"mean_rating": [3.5]}, index=[7]), RATED),
        "such as 8, are not those of their training ratings",
    ),
    (
        lambda: checks.objects_exist(Bucket(), "the data", "s3://b/else"),
        "nothing at s3://b/else. Run the cells",
    ),
    (lambda: checks.columns_are(TRAIN, "train", ["userId"]), "begins with Rating, not with userId"),
    (lambda: checks.enough_to_train(TRAIN.head(3)), "Autopilot needs 500. Choose a larger scale"),
    (lambda: checks.no_missing_values(pd.DataFrame({"x": [None]}), "train"), "missing values in x"),
    (lambda: checks.finished("Stopped", "The job"), "The job: Stopped, not Completed"),
    (lambda: checks.is_described(8, pd.DataFrame(index=[7])), "Choose another, such as 7"),
    (lambda: checks.same_length([1.0], 2, "The exam"), "1 predictions for 2 rows"),
    (lambda: checks.all_unheard(pd.DataFrame({"trackId": ["a"]}), {"a"}), "already knows a"),
    (lambda: checks.nothing_left(["endpoint-1"]), "still there: endpoint-1"),
]


@pytest.mark.parametrize(("check", "said"), GOOD)
def test_what_is_right_gets_a_tick(check: Callable[[], Any], said: str, capsys: Any) -> None:
    check()
    shown = capsys.readouterr().out
    assert shown.startswith("✔ ")
    assert said in shown


@pytest.mark.parametrize(("check", "said"), BAD)
def test_what_is_wrong_stops_and_says_why(check: Callable[[], Any], said: str, capsys: Any) -> None:
    with pytest.raises(checks.StepNotDone) as caught:
        check()
    assert said in str(caught.value)
    assert caught.value._render_traceback_() == [f"✘ {caught.value}"]
    assert capsys.readouterr().out == ""


def test_a_model_that_loses_is_a_result_and_no_error(capsys: Any) -> None:
    checks.beats(1.0, 1.0, "The model", "the mean")
    assert capsys.readouterr().out.startswith("✘ The model (1.000) is no better than the mean (1.000)")
