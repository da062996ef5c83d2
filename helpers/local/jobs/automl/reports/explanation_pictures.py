"""The pictures of the explainability report."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from helpers.local.jobs.automl.reports.explaining import Explanation
from helpers.local.jobs.automl.reports.style import (
    BLUE,
    GREY,
    INK,
    PALETTE,
    SKY,
    SOFT,
    cut,
    figure,
    grid,
    number,
    numbers,
)
from helpers.local.jobs.automl.reports.subject import Floats

MOST_BARS, MOST_SWARMS, MOST_EFFECTS = 20, 15, 6
MOST_CATEGORIES = 8
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low_to_high", ["#0072B2", "#B8A9C9", "#D55E00"])


def unit(explanation: Explanation, regression: bool) -> str:
    """What SHAP values are measured in."""
    if regression:
        return f"in the unit of {cut(explanation.outputs[0], 30)}"
    return "in probability"


def importance(explanation: Explanation, regression: bool) -> Figure:
    """Bars of the mean absolute SHAP value of the most important features, in parts by class."""
    shown = explanation.ranking[:MOST_BARS]
    names = [cut(explanation.features[place]) for place in shown]
    heights = explanation.importance[shown]
    classes = _class_parts(explanation, heights)
    drawn = figure(8, 0.26 * len(names) + 1.1 + (0.3 if len(classes) > 1 else 0))
    axes = drawn.add_subplot()
    places = np.arange(len(names))[::-1]
    left = np.zeros(len(names))
    for color, (label, part) in zip((*PALETTE, GREY), classes, strict=False):
        axes.barh(places, part, left=left, color=color, height=0.68, label=label)
        left += part
    for place, value in zip(places, left, strict=True):
        axes.annotate(
            number(value),
            (value, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=SOFT,
            size=8,
        )
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel(f"mean absolute SHAP value, {unit(explanation, regression)}")
    axes.margins(x=0.1)
    grid(axes, "x")
    numbers(axes, "x")
    if len(classes) > 1:
        axes.legend(title="class", loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left")
    return drawn


def _class_parts(explanation: Explanation, heights: Floats) -> list[tuple[str, Floats]]:
    """The bars' parts by class: the classes that matter most, and all others together."""
    order = np.argsort(-heights.sum(axis=0), kind="stable")
    alone = order if len(order) <= len(PALETTE) + 1 else order[: len(PALETTE)]
    parts = [(cut(explanation.outputs[place], 20), heights[:, place]) for place in alone]
    others = order[len(alone) :]
    if len(others):
        parts.append((f"{len(others)} others", heights[:, others].sum(axis=1)))
    return parts


def summary(explanation: Explanation, output: int, regression: bool) -> Figure:
    """A dot per explained row and feature: how far it moved the prediction, coloured by its value."""
    ranking = np.argsort(-explanation.importance[:, output], kind="stable")[:MOST_SWARMS]
    drawn = figure(8, 0.34 * len(ranking) + 1.2)
    axes = drawn.add_subplot()
    rows = len(ranking)
    across, upwards, colors = [], [], []
    for place, feature in enumerate(ranking):
        values = explanation.values[:, feature, output]
        across.append(values)
        upwards.append(rows - 1 - place + _spread(values))
        colors.append(_ranks(explanation.rows.iloc[:, int(feature)]))
    x, y, color = np.concatenate(across), np.concatenate(upwards), np.concatenate(colors)
    known = np.isfinite(color)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.scatter(x[~known], y[~known], color=GREY, s=7, linewidths=0, alpha=0.7, rasterized=True)
    dots = axes.scatter(
        x[known],
        y[known],
        c=color[known],
        cmap=LOW_TO_HIGH,
        vmin=0,
        vmax=1,
        s=7,
        linewidths=0,
        rasterized=True,
    )
    axes.set_yticks(np.arange(rows)[::-1], [cut(explanation.features[int(place)]) for place in ranking])
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlabel(f"SHAP value, {unit(explanation, regression)}")
    grid(axes, "y")
    numbers(axes, "x")
    bar = drawn.colorbar(dots, ax=axes, ticks=[0, 1], aspect=max(12, 3 * rows), pad=0.02, fraction=0.03)
    bar.ax.set_yticklabels(["low value", "high value"])
    bar.outline.set_visible(False)
    return drawn


def _spread(values: Floats) -> Floats:
    """Heights around 0 that keep equal values apart: the fuller the place, the higher the heap."""
    width = float(np.ptp(values))
    bins = np.floor((values - values.min()) / width * 99).astype(int) if width else np.zeros(len(values), int)
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins, minlength=1)
    starts = np.cumsum(counts) - counts
    turn = np.empty(len(values), int)
    turn[order] = np.arange(len(values)) - starts[bins[order]]
    sides = np.where(turn % 2 == 0, 1, -1) * ((turn + 1) // 2)
    return np.asarray(sides / max(int(counts.max()), 8) * 0.8)


def _ranks(cells: pd.Series) -> Floats:
    """The cells' ranks in 0..1 where they are numbers, else NaN."""
    if not pd.api.types.is_numeric_dtype(cells):
        return np.full(len(cells), np.nan)
    ranks = pd.Series(cells.to_numpy(dtype=float, na_value=np.nan)).rank(method="average")
    most = ranks.max()
    if not most > ranks.min():
        return np.asarray(np.where(ranks.isna(), np.nan, 0.5), dtype=np.float64)
    return np.asarray((ranks - ranks.min()) / (most - ranks.min()), dtype=np.float64)


def effects(explanation: Explanation, output: int, regression: bool) -> Figure:
    """For each of the most important features: its value, and how far that value moved the prediction."""
    ranking = np.argsort(-explanation.importance[:, output], kind="stable")[:MOST_EFFECTS]
    columns = min(3, len(ranking))
    lines = -(-len(ranking) // columns)
    drawn = figure(8 if columns > 1 else 5, 2.5 * lines + 0.3)
    grids = np.ravel(drawn.subplots(lines, columns, sharey=True, squeeze=False))
    for axes, feature in zip(grids, ranking, strict=False):
        _effect(axes, explanation.rows.iloc[:, int(feature)], explanation.values[:, feature, output])
        axes.set_title(cut(explanation.features[int(feature)], 30 if columns > 1 else 50), size=9)
    for axes in grids[len(ranking) :]:
        axes.set_visible(False)
    drawn.supylabel(f"SHAP value, {unit(explanation, regression)}", color=SOFT, size=9)
    return drawn


def _effect(axes: Axes, cells: pd.Series, values: Floats) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    grid(axes, "y")
    numbers(axes, "y")
    if pd.api.types.is_bool_dtype(cells) or (
        not pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_datetime64_any_dtype(cells)
    ):
        _categories(axes, cells, values)
        return
    shown = _numbers(cells)
    known = np.isfinite(shown)
    axes.scatter(shown[known], values[known], color=BLUE, s=9, linewidths=0, alpha=0.5, rasterized=True)
    if not known.all():
        _missing(axes, shown[known], values[~known])
    if known.any() and pd.api.types.is_datetime64_any_dtype(cells):
        low, high = shown[known].min(), shown[known].max()
        axes.set_xticks([low, high], [f"{pd.Timestamp(int(moment)):%Y-%m-%d}" for moment in (low, high)])
    else:
        numbers(axes, "x", most=4)


def _numbers(cells: pd.Series) -> npt.NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(cells):
        moments = cells.astype("datetime64[ns]") if cells.dt.tz is None else cells.dt.tz_convert(None)
        return np.where(
            cells.isna(), np.nan, moments.to_numpy("datetime64[ns]").astype(np.int64).astype(float)
        )
    return cells.to_numpy(dtype=float, na_value=np.nan)


def _missing(axes: Axes, numbers: Floats, values: Floats) -> None:
    """The rows without a value, in a place of their own left of all others."""
    low, width = (float(numbers.min()), float(np.ptp(numbers)) or 1.0) if len(numbers) else (0.0, 1.0)
    place = low - 0.12 * width
    axes.scatter(np.full(len(values), place), values, color=GREY, s=9, linewidths=0, rasterized=True)
    axes.annotate(
        "missing", (place, 0.01), xycoords=("data", "axes fraction"), ha="center", size=7, color=SOFT
    )


def _categories(axes: Axes, cells: pd.Series, values: Floats) -> None:
    """Boxes per category; texts that hardly repeat are shown by their length."""
    names = cells.astype(str).where(cells.notna(), None)
    counts = names.value_counts()
    if len(counts) > MOST_CATEGORIES and counts.iloc[:MOST_CATEGORIES].sum() < 0.3 * len(names):
        lengths = np.where(names.isna(), 0, names.fillna("").str.len()).astype(float)
        axes.scatter(lengths, values, color=BLUE, s=9, linewidths=0, alpha=0.5, rasterized=True)
        axes.set_xlabel("characters")
        return
    shown = list(counts.index[:MOST_CATEGORIES])
    groups = [(cut(name, 14), values[(names == name).to_numpy()]) for name in shown]
    others = (~names.isin(shown) & names.notna()).to_numpy()
    if others.any():
        groups.append((f"{len(counts) - len(shown)} others", values[others]))
    if cells.isna().any():
        groups.append(("missing", values[cells.isna().to_numpy()]))
    boxes = axes.boxplot([group for _, group in groups], widths=0.6, patch_artist=True, sym=".")
    for box in boxes["boxes"]:
        box.set(facecolor=SKY, edgecolor=BLUE, linewidth=0.8)
    for line in boxes["medians"]:
        line.set(color=INK)
    for flier in boxes["fliers"]:
        flier.set(markersize=2, markeredgecolor=BLUE)
    axes.set_xticks(
        np.arange(1, len(groups) + 1), [name for name, _ in groups], rotation=35, ha="right", size=7.5
    )
