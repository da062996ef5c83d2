"""The pictures of the lesson on models show the numbers they are given."""

from __future__ import annotations

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import model_plots, plots


@pytest.fixture(autouse=True)
def _style() -> None:
    mpl.use("agg")
    plots.use_style()


def texts(figure: Figure) -> set[str]:
    """Every text of a drawn figure that a reader sees."""
    figure.savefig(io.BytesIO(), format="png")
    return {
        text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text()
    }


CANDIDATES = pd.DataFrame(
    {
        "candidate": ["worse", "best", "first"],
        "RMSE": [0.95, 0.8, 0.9],
        "begin": [10.0, 13.0, 4.0],
        "end": [13.0, 25.0, 10.0],
        "seconds": [3.0, 12.0, 6.0],
    }
)


def test_the_timeline_has_a_bar_from_begin_to_end_for_each_stage_and_candidate() -> None:
    stages = pd.DataFrame({"stage": ["Starting", "TrainingModels"], "begin": [0.0, 3.5], "end": [3.5, 25.0]})
    figure = model_plots.timeline(stages, CANDIDATES)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["Starting", "TrainingModels", "first", "worse", "best"]
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert bars == [(0, 3.5), (3.5, 25), (4, 10), (10, 13), (13, 25)]
    assert {"3.5", "21.5", "seconds since the job was created"} <= texts(figure)


def test_a_long_job_is_shown_in_minutes() -> None:
    stages = pd.DataFrame({"stage": ["TrainingModels"], "begin": [60.0], "end": [1260.0]})
    figure = model_plots.timeline(stages)
    assert {"20.0", "minutes since the job was created", "The stages of the job"} <= texts(figure)


def test_the_best_candidate_stands_on_top_and_apart() -> None:
    figure = model_plots.leaderboard(CANDIDATES)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["worse", "first", "best"]  # from the bottom
    colors = axes.collections[1].get_facecolors()
    assert np.allclose(colors[0], colors[1]) and not np.allclose(colors[1], colors[2])
    assert {"0.800  in 12 s", "0.950  in 3 s"} <= texts(figure)


def test_learning_steps_down_when_a_better_candidate_is_done() -> None:
    figure = model_plots.learning(CANDIDATES)
    (axes,) = figure.axes
    line = axes.lines[0].get_xydata()[:-1]  # the last point only draws the line on
    assert line.tolist() == [[10, 0.9], [13, 0.9], [25, 0.8]]
    shown = texts(figure)
    assert {"first  0.900", "best  0.800"} <= shown
    assert not any(text.startswith("worse") for text in shown)


def test_errors_show_their_numbers() -> None:
    assert {"1.000", "0.500", "the model"} <= texts(model_plots.errors({"the mean": 1.0, "the model": 0.5}))


def test_residuals_name_the_mean_error_and_calibration_compares_means() -> None:
    truth = pd.Series([1.0, 1.0, 5.0, 5.0] * 10)
    predicted = pd.Series([2.0, 3.0, 4.0, 4.5] * 10)
    figure = model_plots.residuals(truth, predicted)
    assert {"1\n+1.50", "5\n-0.75"} <= texts(figure)
    (dots,) = figure.axes[1].collections
    points = dots.get_offsets()
    assert len(points) == 10
    assert points[0].tolist() == [2.0, 1.0] and points[-1].tolist() == [4.5, 5.0]


def test_the_hardest_listeners_are_named() -> None:
    table = pd.DataFrame(
        {"ratings": [9, 9, 9], "spread": [1.0, 0.9, 0.8], "RMSE": [1.1, 0.7, 0.6]}, index=[11, 22, 33]
    )
    shown = texts(model_plots.listeners(table, named=1))
    assert "11" in shown and not {"22", "33"} & shown


def test_importance_shows_the_first_columns_and_tells_listener_from_track() -> None:
    values = pd.Series({"energy_taste": 0.5, "energy": 0.25, "tempo": 0.1})
    figure = model_plots.importance(values, {"energy_taste"}, most=2)
    shown = texts(figure)
    assert {"energy_taste", "energy", "0.50", "0.25"} <= shown and "tempo" not in shown
    (axes,) = figure.axes
    track, listener = (bar.get_facecolor() for bar in axes.patches[:2])  # from the bottom
    assert track != listener


def test_an_explanation_tells_for_from_against() -> None:
    figure = model_plots.explanation(pd.Series({"genre": 0.5, "tempo": -0.25}), "t1")
    assert {"genre", "tempo", "+0.50", "-0.25", "What speaks for t1"} <= texts(figure)
    against, for_it = figure.axes[0].patches[:2]  # from the bottom
    assert (against.get_width(), for_it.get_width()) == (-0.25, 0.5)
    assert against.get_facecolor() != for_it.get_facecolor()


def test_a_promise_that_is_kept_has_no_arrow() -> None:
    table = pd.DataFrame(
        {"validation": [0.8, 0.8], "exam": [0.9, 0.85], "real life": [0.9, 1.0]},
        index=["splits first", "averages first"],
    )
    shown = texts(model_plots.leakage({"few": table}))
    assert {"promised and kept 0.900", "promised 0.850", "in real life 1.000"} <= shown
    assert "few\naverages first" in shown


def test_figures_are_closed_so_that_a_notebook_shows_them_once() -> None:
    plt.close("all")
    model_plots.errors({"the model": 1.0})
    assert plt.get_fignums() == []
