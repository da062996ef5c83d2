"""What an Autopilot job has done, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import autopilot

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def watch(*looks: tuple[float, str]) -> autopilot.Timeline:
    """A timeline that has looked at these seconds and found these statuses."""
    times = iter(CREATED + timedelta(seconds=seconds) for seconds, _ in looks)
    timeline = autopilot.Timeline(now=lambda: next(times))
    for _, status in looks:
        job = SimpleNamespace(auto_ml_job_secondary_status=status, creation_time=CREATED)
        assert timeline(job) == status
    return timeline


def test_a_stage_lasts_from_its_first_look_to_that_of_the_next() -> None:
    timeline = watch(
        (0.4, "Starting"), (1, "Starting"), (2, "TrainingModels"), (7, "TrainingModels"), (8, "Completed")
    )
    assert str(timeline) == "Starting → TrainingModels → Completed"
    assert timeline.table().to_dict("list") == {
        "stage": ["Starting", "TrainingModels", "Completed"],
        "begin": [0, 2, 8],
        "end": [2, 8, 8],
    }


def test_a_job_that_was_looked_at_once_or_never_has_a_table_too() -> None:
    assert watch((60, "Completed")).table().to_numpy().tolist() == [["Completed", 0.0, 60.0]]
    assert watch().table().empty and list(watch().table().columns) == ["stage", "begin", "end"]


def test_a_clock_that_lags_behind_the_service_gives_no_negative_times() -> None:
    table = watch((-3, "Starting"), (-1, "TrainingModels"), (2, "Completed")).table()
    assert (table["end"] >= table["begin"]).all() and (table["begin"] >= 0).all()


def test_importance_is_sorted_by_size() -> None:
    shap = {"global_shap_values": {"tempo": 0.1, "energy": 0.5, "genre": -0.3}, "expected_value": 3.5}
    found = autopilot.importance({"explanations": {"kernel_shap": {"label0": shap}}})
    assert found.to_dict() == {"energy": 0.5, "genre": 0.3, "tempo": 0.1}
    assert list(found.index) == ["energy", "genre", "tempo"]


def test_a_report_without_explanations_says_so() -> None:
    with pytest.raises(autopilot.NotExplained, match="no 'kernel_shap'"):
        autopilot.importance({"explanations": {}})


def test_errors_by_rating_are_predicted_minus_given() -> None:
    table = autopilot.errors_by_rating(pd.Series([1, 1, 5]), pd.Series([2.0, 4.0, 4.0]))
    assert table.loc[1].to_dict() == {
        "ratings": 2,
        "mean prediction": 3.0,
        "mean error": 2.0,
        "RMSE": pytest.approx(5**0.5),  # of errors 1 and 3
    }
    assert table.loc[5, "mean error"] == -1.0


def test_the_hardest_listener_comes_first() -> None:
    table = autopilot.errors_by_listener(
        pd.Series([7, 7, 8, 8]), pd.Series([1, 5, 3, 3]), pd.Series([1.0, 5.0, 2.0, 4.0])
    )
    assert list(table.index) == [8, 7]
    assert table["spread"].to_dict() == {8: 0.0, 7: 2.0}
    assert table["RMSE"].to_dict() == {8: 1.0, 7: 0.0}
