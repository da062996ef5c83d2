"""The pictures of the model quality report."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from helpers.local.jobs.automl.reports.quality import BinaryQuality, Confusion, Curve, RegressionQuality
from helpers.local.jobs.automl.reports.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    SOFT,
    cut,
    figure,
    grid,
    number,
    numbers,
)
from helpers.local.jobs.automl.reports.subject import Floats

MOST_DOTS = 2000
FEW_VALUES = 12
MOST_CLASSES = 15
RISING = LinearSegmentedColormap.from_list("rising", ["#F4F7FA", "#8CC1E0", "#0072B2", "#053B5E"])


def predicted_against_true(quality: RegressionQuality, target: str) -> Figure:
    """The prediction of every row against its true value: boxes where these are few, else dots or density."""
    drawn = figure(6.4, 4.4)
    axes = drawn.add_subplot()
    _against(drawn, axes, quality.truth, quality.predicted, f"true {cut(target)}")
    low = float(min(quality.truth.min(), quality.predicted.min()))
    high = float(max(quality.truth.max(), quality.predicted.max()))
    axes.axline((low, low), slope=1, color=ORANGE, linewidth=1.2, linestyle="--")
    axes.annotate(
        "without error", (high, high), xytext=(-4, -12), textcoords="offset points", ha="right", color=ORANGE
    )
    axes.set_ylabel(f"predicted {cut(target)}")
    return drawn


def residuals(quality: RegressionQuality, target: str) -> Figure:
    """What the predictions leave: how these errors spread, and whether they depend on the prediction."""
    errors = quality.truth - quality.predicted
    drawn = figure(8, 3.4)
    left, right = drawn.subplots(1, 2)
    bins = min(40, max(5, round(len(errors) ** 0.5)))
    left.hist(errors, bins=bins, range=_range(errors, quality.truth), color=SKY, edgecolor="white")
    left.axvline(0, color=ORANGE, linewidth=1.2, linestyle="--")
    left.set(xlabel=f"true − predicted {cut(target, 24)}", ylabel="rows", title="How large they are")
    grid(left, "y")
    numbers(left, "x")
    _against(drawn, right, quality.predicted, errors, f"predicted {cut(target, 24)}")
    right.axhline(0, color=ORANGE, linewidth=1.2, linestyle="--")
    right.set(ylabel=f"true − predicted {cut(target, 24)}", title="Where they are")
    return drawn


def _range(errors: Floats, truth: Floats) -> tuple[float, float]:
    """Where the errors lie; room around them where all are the same but for rounding."""
    low, high = float(errors.min()), float(errors.max())
    unit = max(float(np.abs(truth).max()), abs(low), abs(high)) or 1.0
    return (low, high) if high - low > 1e-9 * unit else (low - 1e-3 * unit, high + 1e-3 * unit)


def _against(drawn: Figure, axes: Axes, across: Floats, upwards: Floats, label: str) -> None:
    """One number against another."""
    axes.set_xlabel(label)
    grid(axes, "y")
    numbers(axes, "x")
    numbers(axes, "y")
    values = np.unique(across)
    if 1 < len(values) <= FEW_VALUES:
        gap = float(np.diff(values).min())
        parts = axes.boxplot(
            [upwards[across == value] for value in values],
            positions=values, widths=0.6 * gap, patch_artist=True, sym=".", manage_ticks=False,
        )  # fmt: skip
        for box in parts["boxes"]:
            box.set(facecolor=SKY, edgecolor=BLUE, linewidth=0.8)
        for line in parts["medians"]:
            line.set(color=INK)
        for flier in parts["fliers"]:
            flier.set(markersize=2, markeredgecolor=BLUE)
    elif len(across) > MOST_DOTS:
        density = axes.hexbin(across, upwards, gridsize=45, cmap=RISING, mincnt=1, linewidths=0.1)
        drawn.colorbar(density, ax=axes, label="rows").outline.set_visible(False)
    else:
        axes.scatter(across, upwards, color=BLUE, s=9, linewidths=0, alpha=0.5, rasterized=True)


def confusion_matrix(confusion: Confusion) -> Figure:
    """How many rows of each true class were taken for which class, coloured by their share of it."""
    names, counts = _largest(confusion)
    size = len(names)
    drawn = figure(min(8.0, 2.6 + 0.55 * size), min(7.5, 1.7 + 0.45 * size))
    axes = drawn.add_subplot()
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = axes.imshow(shares, cmap=RISING, vmin=0, vmax=1, aspect="auto")
    for (line, column), count in np.ndenumerate(counts):
        color = "white" if shares[line, column] > 0.5 else INK
        axes.text(
            column, line, f"{count:,}", ha="center", va="center", color=color, size=9 if size <= 8 else 7
        )
    labels = [cut(name, 18) for name in names]
    axes.set_xticks(range(size), labels, rotation=_slope(size), ha="right" if 3 < size <= 8 else "center")
    axes.set_yticks(range(size), labels)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = drawn.colorbar(image, ax=axes, label="share of the true class's rows", format="{x:.0%}")
    bar.outline.set_visible(False)
    return drawn


def _slope(size: int) -> int:
    """Degrees by which so many names are turned to find room."""
    return 0 if size <= 3 else 35 if size <= 8 else 90


def _largest(confusion: Confusion) -> tuple[list[str], np.ndarray]:
    """The most frequent classes, and all others as one."""
    if len(confusion.classes) <= MOST_CLASSES:
        return confusion.classes, confusion.counts
    shown = np.sort(np.argsort(-confusion.counts.sum(axis=1), kind="stable")[: MOST_CLASSES - 1])
    group = np.full(len(confusion.classes), MOST_CLASSES - 1)
    group[shown] = np.arange(len(shown))
    counts = np.zeros((MOST_CLASSES, MOST_CLASSES), dtype=np.int64)
    np.add.at(counts, (group[:, None], group[None, :]), confusion.counts)
    others = len(confusion.classes) - len(shown)
    return [*(confusion.classes[place] for place in shown), f"{others} others"], counts


def curves(quality: BinaryQuality) -> Figure:
    """The receiver operating characteristic and the precision-recall curve, against guessing."""
    drawn = figure(8, 3.7)
    left, right = drawn.subplots(1, 2)
    _curve(left, quality.receiver_operating_characteristic, f"area {number(quality.measures['auc'].value)}")
    left.axline((0, 0), slope=1, color=GREY, linewidth=1, linestyle="--")
    left.set(
        xlabel="false positive rate", ylabel="true positive rate", title="Receiver operating characteristic"
    )
    _curve(right, quality.precision_recall, f"area {number(quality.measures['au_prc'].value)}")
    right.axhline(quality.share, color=GREY, linewidth=1, linestyle="--")
    right.set(xlabel="recall", ylabel="precision", title="Precision and recall")
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        grid(axes, "both")
    return drawn


def _curve(axes: Axes, curve: Curve, words: str) -> None:
    axes.plot(curve.across, curve.upwards, color=BLUE, linewidth=2)
    axes.fill_between(curve.across, curve.upwards, color=SKY, alpha=0.25, linewidth=0)
    axes.text(0.5, 0.06, words, ha="center", color=SOFT)
