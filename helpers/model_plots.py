"""The pictures of the lesson on models: how a job went, what it found, how far its best model is off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from helpers.plots import BLUE, GREY, ORANGE, SKY, finished, subplots

_LONG = 600  # seconds; a longer job is shown in minutes


def timeline(stages: pd.DataFrame, candidates: pd.DataFrame | None = None) -> Figure:
    """When a job was in which stage: `stages` has stage, begin and end, in seconds since its creation.

    `candidates`, with candidate, begin and end, are drawn below: when each was trained.
    """
    rows = [(name, begin, end, BLUE) for name, begin, end in _spans(stages, "stage")]
    if candidates is not None:
        trained = candidates.sort_values("begin", kind="stable")
        rows += [(name, begin, end, SKY) for name, begin, end in _spans(trained, "candidate")]
    unit, units = _unit(max((end for _, _, end, _ in rows), default=1.0))
    last = max((end for _, _, end, _ in rows), default=1.0) / unit
    figure, axes = subplots(figsize=(8.5, 0.34 * len(rows) + 1.3))
    for position, (_, begin, end, color) in enumerate(rows):
        width = max((end - begin) / unit, last * 0.004)  # a moment would be invisible
        axes.barh(position, width, left=begin / unit, height=0.62, color=color)
        if end > begin:
            _beside(axes, f"{(end - begin) / unit:.1f}", (begin / unit + width, position), x=4)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.invert_yaxis()
    below = ", and below them its candidates" if len(rows) > len(stages) else ""
    axes.set(xlabel=f"{units} since the job was created", title=f"The stages of the job{below}")
    axes.set_xlim(0, last * 1.08)
    return finished(figure)


def leaderboard(candidates: pd.DataFrame) -> Figure:
    """Each candidate's RMSE, best first: `candidates` has candidate, RMSE and seconds (of its training)."""
    table = candidates.sort_values("RMSE", ascending=False)
    figure, axes = subplots(figsize=(7.5, 0.42 * len(table) + 1.2))
    best = table["RMSE"].min()
    colors = [BLUE if value == best else GREY for value in table["RMSE"]]
    axes.hlines(range(len(table)), best * 0.99, table["RMSE"], color=colors, linewidth=2)
    axes.scatter(table["RMSE"], range(len(table)), color=colors, s=70, zorder=3)
    axes.set_yticks(range(len(table)), table["candidate"])
    for position, (value, seconds) in enumerate(zip(table["RMSE"], table["seconds"], strict=True)):
        _beside(axes, f"{value:.3f}  in {seconds:.0f} s", (value, position), x=8)
    axes.set(xlabel="RMSE on Autopilot's validation data, in stars (less is better)", title="The candidates")
    axes.margins(x=0.22)
    axes.set_xlim(left=best * 0.99)
    return finished(figure)


def learning(candidates: pd.DataFrame) -> Figure:
    """The best score so far over time: `candidates` has candidate, RMSE and end (seconds since the job was
    created). A candidate that took the lead is named.
    """
    table = candidates.sort_values("end", kind="stable", ignore_index=True)
    unit, units = _unit(table["end"].max())
    moments, best = table["end"] / unit, table["RMSE"].cummin()
    figure, axes = subplots(figsize=(8, 3.6))
    axes.step([*moments, moments.max() * 1.1], [*best, best.min()], where="post", color=BLUE, linewidth=2.5)
    axes.scatter(moments, table["RMSE"], color=GREY, s=36, zorder=3)
    for index in table.index[best.diff().fillna(-1) < 0]:
        place = (moments[index], best[index])
        axes.scatter(*place, color=BLUE, s=60, zorder=4)
        side = -4 if place[0] > moments.max() / 2 else 4
        _beside(axes, f"{table.loc[index, 'candidate']}  {best[index]:.3f}", place, x=side, y=-13)
    axes.set(xlabel=f"{units} since the job was created", ylabel="RMSE, in stars")
    axes.set_title("The best score so far (a dot is a candidate)")
    axes.set_xlim(0, moments.max() * 1.1)
    axes.margins(y=0.16)
    return finished(figure)


def errors(values: Mapping[str, float]) -> Figure:
    """RMSE of several predictors side by side, the model set apart: `values` maps a name to stars."""
    figure, axes = subplots(figsize=(7.5, 0.5 * len(values) + 1.1))
    names = list(values)[::-1]
    colors = [BLUE if name == "the model" else GREY for name in names]
    bars = axes.barh(names, [values[name] for name in names], color=colors, height=0.6)
    axes.bar_label(bars, fmt="%.3f", padding=4)
    axes.set(xlabel="RMSE on the test data, in stars (less is better)", title="How far off?")
    axes.margins(x=0.1)
    return finished(figure)


def residuals(truth: pd.Series, predicted: pd.Series) -> Figure:
    """Left, how the errors spread for each number of stars given, their mean marked; right, what was given
    on average where about so many stars were predicted (on the dashed line the model says what it means).
    """
    figure, (left, right) = subplots(1, 2, figsize=(10, 3.9), width_ratios=(3, 2))
    stars, error = truth.astype(int).to_numpy(), (predicted - truth).to_numpy()
    given = sorted(set(stars))
    sns.violinplot(x=stars, y=error, order=given, ax=left, color=SKY, inner=None, cut=0, linewidth=0.8)
    means = [error[stars == star].mean() for star in given]
    left.scatter(range(len(given)), means, color=ORANGE, s=50, zorder=3)
    left.axhline(0, color=GREY, linewidth=1, linestyle="--")
    named = [f"{star}\n{mean:+.2f}" for star, mean in zip(given, means, strict=True)]
    left.set_xticks(range(len(given)), named)
    left.set(xlabel="stars the listener gave, and the mean error", ylabel="predicted minus given, in stars")
    left.set_title("The errors, and their mean")
    _calibration(right, truth, predicted)
    return finished(figure)


def _calibration(axes: Axes, truth: pd.Series, predicted: pd.Series) -> None:
    """Ten equal parts of the predictions, and what was really given in each."""
    tenth = pd.qcut(predicted.rank(method="first"), min(10, len(predicted)), labels=False)
    said, given = predicted.groupby(tenth).mean(), truth.groupby(tenth).mean()
    _diagonal(axes, said, given)
    axes.scatter(said, given, color=BLUE, s=45, zorder=3)
    axes.set(xlabel="predicted stars, mean of a tenth", ylabel="given stars, mean of the same")
    axes.set_title("Does it say what it means?")


def listeners(table: pd.DataFrame, named: int = 3) -> Figure:
    """Each listener's RMSE against the spread of their stars; below the line the model knows more than the
    listener's own mean. `table` is what `autopilot.errors_by_listener` gives; the hardest are named.
    """
    figure, axes = subplots(figsize=(7, 4.2))
    known = table.dropna()
    end = _diagonal(axes, known["spread"], known["RMSE"])
    _beside(axes, "guessing their own mean", (end, end), x=-8, color="#555555")
    axes.scatter(known["spread"], known["RMSE"], color=BLUE, s=36, alpha=0.8)
    for listener, row in known.head(named).iterrows():
        place = (row["spread"], row["RMSE"])
        axes.scatter(*place, color=ORANGE, s=50, zorder=3)
        _beside(axes, f"{listener}", place)
    axes.set(xlabel="how much the listener's stars vary (standard deviation)", ylabel="RMSE, in stars")
    axes.set_title("Who is hard to predict? (a dot is a listener)")
    return finished(figure)


def importance(values: pd.Series, of_listener: Collection[str], most: int = 15) -> Figure:
    """The columns that move the prediction most, in stars: those about the listener, which `of_listener`
    has, apart from those about the track.
    """
    shown = values.head(most)[::-1]
    figure, axes = subplots(figsize=(7.5, 0.32 * len(shown) + 1.4))
    colors = [ORANGE if name in of_listener else BLUE for name in shown.index]
    bars = axes.barh(shown.index, shown, color=colors, height=0.7)
    axes.bar_label(bars, fmt="%.2f", padding=4, size=9)
    for color, text in ((BLUE, "about the track"), (ORANGE, "about the listener")):
        axes.barh([0], [0], color=color, label=text)
    axes.legend(loc="lower right")
    axes.set(xlabel="moves the prediction by so many stars, on average")
    axes.set_title(f"The {len(shown)} columns that count most")
    axes.margins(x=0.1)
    return finished(figure)


def explanation(values: pd.Series, track: str) -> Figure:
    """What speaks for a track and what against it, in stars: `values` as `Recommender.explain` gives them."""
    shown = values.sort_values()
    figure, axes = subplots(figsize=(7.5, 0.32 * len(shown) + 1.4))
    colors = [BLUE if value >= 0 else ORANGE for value in shown]
    bars = axes.barh(shown.index, shown, color=colors, height=0.7)
    axes.bar_label(bars, fmt="%+.2f", padding=4, size=9)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(xlabel="predicted stars, against usual tracks")
    axes.set_title(f"What speaks for {track}")
    axes.margins(x=0.15)
    return finished(figure)


def leakage(comparisons: Mapping[str, pd.DataFrame]) -> Figure:
    """What each flow promised and what it kept: `comparisons` maps a kind of data to a table with a row for
    each flow and the columns exam and real life, in stars. An arrow leads from the promise to real life.
    """
    rows = [(f"{kind}\n{flow}", row) for kind, table in comparisons.items() for flow, row in table.iterrows()]
    figure, axes = subplots(figsize=(8.5, 0.62 * len(rows) + 1.3))
    for position, (_, row) in enumerate(rows):
        promised, kept = (row["exam"], position), (row["real life"], position)
        moved = abs(kept[0] - promised[0]) > 1e-9
        color = ORANGE if moved else BLUE
        if moved:
            arrow = {"arrowstyle": "->", "color": color, "linewidth": 2, "shrinkA": 5, "shrinkB": 4}
            axes.annotate("", kept, promised, arrowprops=arrow)
            axes.scatter(*promised, facecolor="white", edgecolor=color, s=70, linewidth=2, zorder=3)
            _beside(axes, f"promised {promised[0]:.3f}", promised, x=-9)
        axes.scatter(*kept, color=color, s=70, zorder=3)
        _beside(axes, f"{'in real life' if moved else 'promised and kept'} {kept[0]:.3f}", kept, x=9)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set(xlabel="RMSE on later ratings, in stars (less is better)")
    axes.set_title("What each flow promises, and what it keeps")
    axes.xaxis.set_major_formatter(FormatStrFormatter("%.2f"))
    axes.margins(x=0.3, y=0.15)
    return finished(figure)


def _spans(table: pd.DataFrame, name: str) -> list[tuple[str, float, float]]:
    return list(zip(table[name], table["begin"], table["end"], strict=True))


def _unit(longest: float) -> tuple[float, str]:
    return (60.0, "minutes") if longest > _LONG else (1.0, "seconds")


def _diagonal(axes: Axes, across: pd.Series, up: pd.Series) -> float:
    """A dashed line where both are equal; its end."""
    ends = [min(across.min(), up.min()), max(across.max(), up.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle="--")
    return float(ends[1])


def _beside(
    axes: Axes, text: str, point: tuple[float, float], x: float = 6, y: float = 0, **style: Any
) -> None:
    """Write beside a point, `x` typographic points to its right (to its left when negative)."""
    beside: dict[str, Any] = {"xytext": (x, y), "textcoords": "offset points", "va": "center", "size": 9.5}
    axes.annotate(text, point, ha="right" if x < 0 else "left", **(beside | style))
