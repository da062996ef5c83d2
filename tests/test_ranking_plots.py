"""The pictures of the lesson on rankings show the numbers they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from helpers import evaluation, plots, ranking_plots


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def ranked(values: list[float]) -> evaluation.Ranked:
    return evaluation.Ranked(pd.DataFrame({"NDCG@10": values}), 0.25)


def test_measures_show_means_intervals_and_the_limit() -> None:
    numbers = evaluation.table(
        {"the model": ranked([0.8, 0.9]), "popularity": ranked([0.5]), "the best order": ranked([1.0, 1.0])}
    )
    figure = ranking_plots.measures(numbers, ["NDCG@10", "coverage"], "Held out")
    assert {"0.850", "0.500", "0.250", "NDCG@10", "the best order: 1.000"} <= texts(figure)
    drawn = figure.axes[0].lines
    assert [list(line.get_xdata()) for line in drawn if len(set(line.get_xdata())) > 1] == [
        [numbers.loc["the model", ("NDCG@10", "low")], numbers.loc["the model", ("NDCG@10", "high")]]
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["popularity", "the model"]


def test_differences_are_coloured_by_who_is_ahead() -> None:
    table = pd.DataFrame(
        {"difference": [0.3, -0.2, 0.01], "low": [0.2, -0.3, -0.1], "high": [0.4, -0.1, 0.1]},
        index=["popularity", "ALS", "random order"],
    )
    figure = ranking_plots.differences({"one": table, "two": table}, "NDCG@10")
    axes = figure.axes[0]
    colors = [to_hex(dot.get_facecolor()[0]).upper() for dot in axes.collections]
    assert colors == [plots.GREY, plots.ORANGE, plots.BLUE]  # from the bottom
    assert {"+0.300", "-0.200", "+0.010", "against ALS", "one", "two"} <= texts(figure)


def test_the_cost_of_diversity_has_a_panel_for_each_measure() -> None:
    costs = pd.DataFrame(
        {("NDCG@10", "mean"): [0.9, 0.5], ("NDCG@10", "low"): [0.8, 0.4], ("NDCG@10", "high"): [1.0, 0.6]}
        | {("predicted stars", "mean"): [4.9, 4.1]},
        index=[0.0, 1.0],
    )
    figure = ranking_plots.diversity(costs)
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == [
        "NDCG@10",
        "predicted stars",
    ]
    assert np.array_equal(figure.axes[1].lines[0].get_ydata(), [4.9, 4.1])
    assert not plt.get_fignums()
