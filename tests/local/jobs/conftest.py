"""Fixtures of the jobs' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_harness import TWO_MODELS, RunningJob, State, automl_request, music_table


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A state directory of the test's own."""
    found = State(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[State, RunningJob]]:
    """A state directory with one finished regression job: two models and their ensemble.

    Add, do not change.
    """
    found = State(tmp_path_factory.mktemp("trained") / "state")
    table = music_table(700)
    table.loc[[3, 50], "Rating"] = float("nan")
    found.put("train/part-1.csv", table[:400].to_csv(index=False))
    found.put("train/part-2.csv", table[400:].to_csv(index=False))
    request = automl_request("ratings", "train/", **TWO_MODELS)
    job = found.start("automl", "ratings", request)
    job.follow()
    yield found, job
    found.close()
