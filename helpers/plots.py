"""The pictures of the lessons: one style, colours that colour-blind readers can tell apart, no decoration.

Those of the lesson on models are in `model_plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# Okabe and Ito's palette: distinct for every common kind of colour blindness, and in grey.
BLUE, ORANGE, GREEN, PINK, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C8C8C"
INK = "#222222"

_UNITS = {"tempo": "tempo (BPM)", "length": "length (s)"}


def use_style() -> None:
    """Set the style of every picture that follows: called once, in a notebook's first cell."""
    sns.set_theme(
        style="white",
        context="notebook",
        palette=[BLUE, ORANGE, GREEN, PINK, SKY, GREY],
        rc={
            "figure.dpi": 100,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.titleweight": "bold",
            "axes.titlesize": 13,
            "axes.titlelocation": "left",
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "font.family": ["DejaVu Sans"],
            "legend.frameon": False,
        },
    )


def rating_distribution(ratings: pd.DataFrame) -> Figure:
    """How many ratings have one, two, ... five stars; five is set apart, for the features are built on it."""
    figure, axes = subplots(figsize=(7, 3.4))
    share = ratings["Rating"].value_counts(normalize=True).reindex(range(1, 6), fill_value=0)
    bars = axes.bar(share.index.astype(str), share, color=[GREY] * 4 + [BLUE], width=0.7)
    axes.bar_label(bars, labels=[f"{value:.0%}" for value in share], padding=3)
    title = f"{len(ratings):,} ratings, {ratings['Rating'].mean():.2f} stars on average"
    axes.set(xlabel="stars", title=title, yticks=[])
    axes.spines["left"].set_visible(False)
    return finished(figure)


def sound_distributions(tracks: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """A histogram of each numeric track column, small multiples with the median marked."""
    rows = -(-len(columns) // 3)
    figure, grid = subplots(rows, 3, figsize=(10, 2.3 * rows), squeeze=False)
    for axes, name in zip(grid.flat, columns, strict=False):
        sns.histplot(x=tracks[name], bins=40, ax=axes, color=SKY, edgecolor="white", linewidth=0.3)
        axes.axvline(tracks[name].median(), color=ORANGE, linewidth=2)
        axes.set(xlabel=_UNITS.get(name, name), ylabel="", yticks=[])
        axes.spines["left"].set_visible(False)
    for axes in grid.flat[len(columns) :]:
        axes.set_visible(False)
    figure.suptitle("How the tracks sound (the line marks the median)", x=0.01, ha="left", weight="bold")
    return finished(figure)


def genre_ratings(tracks: pd.DataFrame, ratings: pd.DataFrame, listeners: Sequence[int]) -> Figure:
    """The mean rating each of a few listeners gives each genre: tastes differ, which is what a model can
    learn.
    """
    theirs = ratings[ratings["userId"].isin(list(listeners))]
    joined = theirs.merge(tracks[["trackId", "genre"]], on="trackId")
    table = joined.pivot_table(index="genre", columns="userId", values="Rating", aggfunc="mean")
    figure, axes = subplots(figsize=(7.5, 4))
    sns.heatmap(
        table, ax=axes, cmap="cividis", annot=True, fmt=".1f", vmin=2, vmax=5, linewidths=1,
        cbar_kws={"label": "mean stars"},
    )  # fmt: skip
    axes.set(xlabel="listener", ylabel="", title="The same genre, other ears")
    axes.tick_params(left=False, bottom=False)
    return finished(figure)


def popularity_tail(ratings: pd.DataFrame) -> Figure:
    """How often each track is played, most popular first, on logarithmic axes: few hits and a long tail."""
    plays = ratings["trackId"].value_counts().to_numpy()
    figure, axes = subplots(figsize=(7, 3.4))
    axes.loglog(np.arange(1, len(plays) + 1), plays, color=BLUE, linewidth=2.5)
    axes.set(xlabel="track, most played first", ylabel="plays", title="A few hits and a long tail")
    tenth = plays[: max(len(plays) // 10, 1)].sum() / plays.sum()
    axes.text(0.98, 0.9, f"the top tenth has {tenth:.0%} of the plays", transform=axes.transAxes, ha="right")
    return finished(figure)


def playlist(table: pd.DataFrame, listener: int) -> Figure:
    """A playlist as a card: rank, genre, track and why; tempo, energy and the predicted stars beside them.

    `table` is what the `table` of a `helpers.playlist.Playlist` is.
    """
    figure, axes = subplots(figsize=(12.5, 0.66 * len(table) + 1.1))
    axes.set(xlim=(0, 100), ylim=(len(table) - 0.4, -1.1))
    axes.set_axis_off()
    axes.set_title(f"A playlist for listener {listener}: unheard tracks, best predicted first")
    for x, text in ((63, "tempo"), (72, "energy"), (84, "predicted stars")):
        axes.text(x, -0.72, text, color=GREY, size=10)
    for position, (rank, track) in enumerate(table.iterrows()):
        if position % 2 == 0:
            axes.axhspan(position - 0.5, position + 0.5, color="#F3F6F9", zorder=0)
        axes.text(2.6, position, f"{rank}", va="center", ha="center", weight="bold", size=15, color=BLUE)
        genre = str(track["genre"]).replace("_", " ")
        axes.text(6, position - 0.16, f"{genre}  ·  {track['trackId']}", va="center", weight="bold")
        axes.text(6, position + 0.22, track["why"], va="center", size=8, color="#555555")
        axes.text(63, position, f"{track['tempo']:.0f} BPM", va="center")
        axes.barh(position, 7, left=72, height=0.26, color="#DDDDDD")
        axes.barh(position, 7 * track["energy"], left=72, height=0.26, color=ORANGE)
        axes.text(79.6, position, f"{track['energy']:.2f}", va="center", size=9)
        _stars(axes, 85, position, track["predicted"])
        axes.text(96, position, f"{track['predicted']:.2f}", va="center", weight="bold", color=BLUE)
    return finished(figure)


def _stars(axes: Axes, x: float, y: float, value: float) -> None:
    """Five stars, the first at `x`, of which `value` are filled; the last of them in part."""
    size = 1.9
    for star in range(5):
        place = x + star * 2.1
        axes.scatter(place, y, marker="*", s=130, color="#DDDDDD", linewidth=0)
        part = min(max(value - star, 0), 1)
        drawn = axes.scatter(place, y, marker="*", s=130, color=BLUE, linewidth=0)
        left = (place - size / 2, y - 0.5)
        drawn.set_clip_path(Rectangle(left, size * part, 1, transform=axes.transData))


def profile(listener: pd.Series, everyone: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """A listener's five-star averages against those of all listeners, in 0..1, one line a feature."""
    names = [name for name in columns if f"{name}_5star" in everyone.columns]
    figure, axes = subplots(figsize=(7.5, 0.38 * len(names) + 1.3))
    for position, name in enumerate(names[::-1]):
        column = everyone[f"{name}_5star"]
        axes.plot([column.min(), column.max()], [position, position], color="#DDDDDD", linewidth=7, zorder=1)
        axes.scatter(column.mean(), position, color=GREY, s=60, marker="|", linewidth=3, zorder=2)
        axes.scatter(listener[f"{name}_5star"], position, color=ORANGE, s=80, zorder=3)
    labels = [name.removeprefix("genre_").replace("_", " ") for name in names[::-1]]
    axes.set_yticks(range(len(names)), labels)
    axes.set(xlabel="average over five-star tracks", title="This listener (dot) among all (band and tick)")
    return finished(figure)


def subplots(*shape: int, **options: Any) -> tuple[Figure, Any]:
    """A figure whose labels find room by themselves, and its axes."""
    return plt.subplots(*shape, layout="constrained", **options)


def finished(figure: Figure) -> Figure:
    """Hand the figure over closed, so that a notebook shows it once."""
    plt.close(figure)
    return figure
