"""The pictures of the lesson on rankings: measures and intervals, who beats whom, what diversity costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.plots import BLUE, GREY, INK, ORANGE, finished, subplots

BEST = "the best order"
MODEL = "the model"


def measures(numbers: pd.DataFrame, names: Sequence[str], title: str) -> Figure:
    """A panel for each measure in `names`, a dot for each ranking, and a line for its interval.

    `numbers` is what `helpers.evaluation.table` gives. A row called `the best order` becomes a dashed
    line, for it is a limit and no ranking.
    """
    rankings = [name for name in numbers.index if name != BEST][::-1]
    figure, grid = subplots(
        1, len(names), figsize=(10.5, 0.42 * len(rankings) + 1.4), sharey=True, squeeze=False
    )
    for axes, measure in zip(grid.flat, names, strict=True):
        for place, name in enumerate(rankings):
            _dot(axes, place, numbers.loc[name, measure], BLUE if name.startswith(MODEL) else GREY)
        axes.set(title=measure, ylim=(-0.6, len(rankings) - 0.2))
        axes.margins(x=0.12)
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#EEEEEE")
        if BEST in numbers.index:
            best = numbers[measure, "mean"].to_dict()[BEST]
            axes.set_xlabel(f"{BEST}: {best:.3f}", color=ORANGE)
            if best <= axes.get_xlim()[1]:
                axes.axvline(best, color=ORANGE, linestyle="--", linewidth=1.5, zorder=1)
    grid.flat[0].set_yticks(range(len(rankings)), rankings)
    figure.suptitle(f"{title} (a dot is a mean, its line the 95 % interval)", x=0.01, ha="left", size=11)
    return finished(figure)


def _dot(axes: Axes, place: float, values: pd.Series, color: str) -> None:
    """A mean as a dot with its number beside it, its interval as a line where there is one."""
    mean = float(values["mean"])
    if "low" in values and pd.notna(values["low"]):
        ends = [float(values["low"]), float(values["high"])]
        axes.plot(ends, [place, place], color=color, linewidth=3, alpha=0.5, solid_capstyle="butt")
    axes.scatter(mean, place, color=color, s=45, zorder=3)
    _number(axes, f"{mean:.3f}" if mean < 1.5 else f"{mean:.2f}", mean, place, INK)


def differences(compared: Mapping[str, pd.DataFrame], measure: str) -> Figure:
    """For each question a panel: how much higher the model is than each rival, with the interval.

    `compared` holds what `helpers.evaluation.differences` gives. Blue: the model is ahead; orange: it is
    behind; grey: the interval holds 0.
    """
    rows = max(len(table) for table in compared.values())
    figure, grid = subplots(1, len(compared), figsize=(10.5, 0.42 * rows + 1.6), squeeze=False)
    for axes, (question, table) in zip(grid.flat, compared.items(), strict=True):
        axes.axvline(0, color=GREY, linewidth=1.5)
        for place, (_, row) in enumerate(table[::-1].iterrows()):
            color = BLUE if row["low"] > 0 else ORANGE if row["high"] < 0 else GREY
            axes.plot([row["low"], row["high"]], [place, place], color=color, linewidth=3, alpha=0.5)
            axes.scatter(row["difference"], place, color=color, s=50, zorder=3)
            _number(axes, f"{row['difference']:+.3f}", row["difference"], place, color)
        axes.set_yticks(range(len(table)), [f"against {name}" for name in table.index[::-1]])
        axes.set(title=question, ylim=(-0.6, len(table) - 0.2))
        axes.margins(x=0.15)
    figure.supxlabel(f"the model's {measure}, less the rival's (right of 0 the model is better)", size=11)
    return finished(figure)


def _number(axes: Axes, text: str, x: float, y: float, color: str) -> None:
    """A number above a dot."""
    axes.annotate(text, (x, y), (0, 7), textcoords="offset points", ha="center", size=9, color=color)


def diversity(costs: pd.DataFrame) -> Figure:
    """What a diversity setting changes: a panel for each measure, the setting (the index, 0 to 1) below it.

    `costs` has columns of two levels: the measure, and its `mean` and perhaps `low` and `high`.
    """
    names = list(dict.fromkeys(costs.columns.get_level_values(0)))
    figure, grid = subplots(1, len(names), figsize=(10.5, 3), squeeze=False)
    for axes, name in zip(grid.flat, names, strict=True):
        table = costs[name]
        if "low" in table and table["low"].notna().all():
            axes.fill_between(table.index, table["low"], table["high"], color=BLUE, alpha=0.15, linewidth=0)
        axes.plot(table.index, table["mean"], color=BLUE, linewidth=2.5, marker="o")
        axes.set(title=name, xlabel="diversity setting", xticks=[0, 0.25, 0.5, 0.75, 1])
        axes.margins(y=0.2)
        axes.grid(axis="y", color="#EEEEEE")
    return finished(figure)
