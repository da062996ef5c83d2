"""Shapley values of any model's predictions, estimated within a budget of seconds.

A value of a row comes about by walking from a background row to the row itself, one feature after the other
in a random order: what a feature's turn changes in the prediction is its share. Averaged over orders and
background rows these shares are the Shapley values of the expected prediction (Štrumbelj and Kononenko,
2014). Every order is walked backwards too, which makes pairwise interactions exact, and a feature in which
both rows agree costs no prediction. The background rows of one explained row never repeat, so with as many
rounds as background rows nothing but interactions of three or more features is left to chance.

This is our own estimator because no release of the library `shap` installs beside this project's numpy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.reports.speed import Speed, measure
from helpers.local.jobs.automl.reports.subject import Floats, Integers, ReportError

Predict = Callable[[pd.DataFrame], Floats]  # a frame of n rows -> (n, outputs)

SEED = 0
MOST_ROWS = 400
MOST_BACKGROUND = 48
ROUNDS_WANTED = 6
FIRST_ROWS = 20
MOST_VALUES = 2_000_000  # rows x features x outputs: 16 MB
CELLS_AT_ONCE = 2_000_000  # of a frame to predict


@dataclass(frozen=True)
class Estimate:
    """Shapley values (rows, features, outputs), which with `expected` (outputs) add up to the predictions.

    `rows` are the explained rows' places in the frame, `walks` the mean number of walks per row.
    """

    values: Floats
    expected: Floats
    rows: Integers
    background: int
    walks: float


def estimate(predict: Predict, frame: pd.DataFrame, seconds: float) -> Estimate:
    """Explain a sample of the frame's rows against a background sample of them.

    Raises ReportError when not one row can be explained in this time.
    """
    deadline = time.monotonic() + seconds
    order = np.random.default_rng(SEED).permutation(len(frame))
    outputs = predict(frame.iloc[order[:1]]).shape[1]  # this also loads what the model needs
    speed = measure(predict, frame, order, seconds)
    affordable = speed.rows_in(0.75 * (deadline - time.monotonic()))
    background = order[: int(min(MOST_BACKGROUND, max(4, affordable * 0.05), len(frame)))]
    most = max(1, MOST_VALUES // max(1, frame.shape[1] * outputs))
    # From the other end of the shuffled rows: apart from the background where there are enough.
    rows = order[::-1][: min(MOST_ROWS, most, len(frame))]
    a_round = 1 + _predictions_of_a_round(frame, rows[:50], background)
    if affordable < len(background) + a_round:
        raise ReportError(
            f"The model predicts too slowly to be explained: one row takes about {a_round:.0f} predictions, "
            f"and time is left for {affordable:.0f}. Give the job more time (MaxAutoMLJobRuntimeInSeconds)."
        )
    first = min(FIRST_ROWS, len(rows), max(1, int(0.5 * affordable / a_round)))
    ends = np.asarray(predict(frame.iloc[np.concatenate([background, rows[:first]])]), dtype=np.float64)
    base = ends[: len(background)]
    # A few rows once, whose walks tell the speed well; then as many as the time allows.
    blocks = [_Walkers(frame, rows[:first], background, base, ends[len(background) :])]
    in_time, place = blocks[0].next_round(predict, speed, deadline), first
    rounds = min(ROUNDS_WANTED, len(background))
    while place < len(rows) and in_time:
        left = 0.8 * (deadline - time.monotonic()) - rounds * speed.a_call
        count = min(int(speed.rows_in(left) / (rounds * a_round)), len(rows) - place)
        if count < 1:
            break
        chosen = rows[place : place + count]
        ends = np.asarray(predict(frame.iloc[chosen]), dtype=np.float64)
        block = _Walkers(frame, chosen, background, base, ends)
        blocks.append(block)
        in_time = all(block.next_round(predict, speed, deadline) for _ in range(rounds))
        place += count
    while in_time and (behind := min(blocks, key=lambda block: block.round)).round < len(background):
        in_time = behind.next_round(predict, speed, deadline)
    return _joined(blocks, rows, len(background), seconds)


def _predictions_of_a_round(frame: pd.DataFrame, rows: Integers, background: Integers) -> float:
    """How many predictions a row's walk from a background row and back takes in the mean."""
    codes = _all_codes(frame.iloc[np.concatenate([rows, background])])
    differs = np.sum(codes[: len(rows), None, :] != codes[None, len(rows) :, :], axis=2)
    return 2 * float(np.maximum(differs - 1, 0).mean())


def _joined(blocks: "list[_Walkers]", rows: Integers, background: int, seconds: float) -> Estimate:
    """The values of all rows walked to. Raises ReportError when there are none."""
    walks = np.concatenate([block.walks for block in blocks])
    done = walks > 0
    if not done.any():
        raise ReportError(
            f"The model predicts too slowly to explain one row in {seconds:.1f} s. Give the job more time "
            "(MaxAutoMLJobRuntimeInSeconds)."
        )
    values = np.concatenate([block.values() for block in blocks if block.walks.any()])
    explained = rows[: len(walks)][done]
    return Estimate(values, blocks[0].expected, explained, background, float(walks[done].mean()))


class _Walkers:
    """Some rows' walks from background rows to themselves, and the shares of features so far."""

    def __init__(
        self, frame: pd.DataFrame, rows: Integers, background: Integers, base: Floats, ends: Floats
    ) -> None:
        self.cells = frame.iloc[np.concatenate([rows, background])]
        self.mix = _Mix(self.cells)
        codes = _all_codes(self.cells)
        self.row_codes, self.background_codes = codes[: len(rows)], codes[len(rows) :]
        self.random = np.random.default_rng([SEED, int(rows[0])])
        partners = np.tile(np.arange(len(background)), (len(rows), 1))
        self.partners = self.random.permuted(partners, axis=1)
        self.round = 0
        shape = (len(rows), frame.shape[1], base.shape[1])
        self.sums, self.sizes = np.zeros(shape), np.zeros(shape)
        self.walks = np.zeros(len(rows))
        self.row_predictions = ends
        self.background_predictions = base
        self.expected = np.asarray(base.mean(axis=0))

    def next_round(self, predict: Predict, speed: Speed, deadline: float) -> bool:
        """Walk to every row once more. Returns False when the time is over before."""
        for chunk in self.chunks(speed.rows_in(0.3 * (deadline - time.monotonic()))):
            count = self.evaluations(chunk)
            begun = time.monotonic()
            if begun + speed.seconds_for(count) > deadline:
                return False
            self.walk(chunk, predict)
            speed.learn(count, time.monotonic() - begun)  # with the work around the predictions
        self.round += 1
        return True

    def differing(self, chunk: Integers) -> Integers:
        """How many features differ between each row of a chunk and its partner of this round."""
        partners = self.partners[chunk, self.round]
        return np.asarray(np.sum(self.row_codes[chunk] != self.background_codes[partners], axis=1))

    def evaluations(self, chunk: Integers) -> int:
        """How many predictions a chunk's walks need, there and back."""
        return 2 * int(np.maximum(self.differing(chunk) - 1, 0).sum())

    def chunks(self, allowed: float) -> list[Integers]:
        """The rows of a round in random order, cut where a chunk's predictions would be too many at once."""
        order = self.random.permutation(len(self.row_codes))
        most = max(1.0, min(allowed, CELLS_AT_ONCE / self.row_codes.shape[1]))
        costs = 2 * np.maximum(self.differing(order) - 1, 0)
        places = np.floor((np.cumsum(costs) - costs) / most).astype(int)
        cuts = np.flatnonzero(np.diff(places)) + 1
        return np.split(order, cuts)

    def walk(self, chunk: Integers, predict: Predict) -> None:
        """Walk there and back for each row of the chunk."""
        partners = self.partners[chunk, self.round]
        differs = self.row_codes[chunk] != self.background_codes[partners]
        lengths = differs.sum(axis=1)
        forward = np.argsort(np.where(differs, self.random.random(differs.shape), 2.0), axis=1)
        forward = forward[:, : max(int(lengths.max()), 1)]
        steps = np.arange(forward.shape[1])
        backwards = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
        orders = np.concatenate([forward, np.take_along_axis(forward, backwards, axis=1)])
        shares = self._shares(orders, np.tile(lengths, 2), np.tile(chunk, 2), np.tile(partners, 2), predict)
        there, back = shares[: len(chunk)], shares[len(chunk) :]
        self.sums[chunk] += there + back
        self.sizes[chunk] += np.abs(there) + np.abs(back)
        self.walks[chunk] += 2

    def _shares(
        self, orders: Integers, lengths: Integers, rows: Integers, partners: Integers, predict: Predict
    ) -> Floats:
        """What each feature's turn changes, (walks, features, outputs); `orders` is (walks, steps)."""
        walks, most = orders.shape
        features = self.row_codes.shape[1]
        turns = np.full((walks, features), most)
        np.put_along_axis(turns, orders, np.broadcast_to(np.arange(most), orders.shape), axis=1)
        between = np.maximum(lengths - 1, 0)  # the two ends are known
        walk = np.repeat(np.arange(walks), between)
        step = np.arange(len(walk)) - np.repeat(np.cumsum(between) - between, between) + 1
        taken = turns[walk] < step[:, None]
        source = np.where(taken, rows[walk, None], partners[walk, None] + len(self.row_codes))
        path = np.zeros((walks, most + 1, self.sums.shape[2]))
        path[:, 0] = self.background_predictions[partners]
        if len(walk):
            path[walk, step] = predict(self.mix.take(source))
        path[np.arange(walks), lengths] = np.where(
            lengths[:, None] > 0, self.row_predictions[rows], self.background_predictions[partners]
        )
        changes = np.diff(path, axis=1)
        changes[np.arange(most) >= lengths[:, None]] = 0.0
        shares = np.zeros((walks, features, self.sums.shape[2]))
        np.put_along_axis(shares, orders[:, :, None], changes, axis=1)
        return shares

    def values(self) -> Floats:
        """The mean shares of the rows walked to, which with the expected prediction add up to theirs."""
        done = self.walks > 0
        count = self.walks[done, None, None]
        values, sizes = self.sums[done] / count, self.sizes[done] / count
        missing = self.row_predictions[done] - self.expected - values.sum(axis=1)
        return np.asarray(values + _portions(sizes) * missing[:, None, :])


def _portions(sizes: Floats) -> Floats:
    """Who takes how much of the difference that the drawing of background rows leaves: who moves much.

    A feature that never changed a prediction takes nothing, unless none did.
    """
    everywhere = np.broadcast_to(sizes.mean(axis=0), sizes.shape)
    filled = np.where(sizes.sum(axis=1, keepdims=True) > 0, sizes, everywhere)
    filled = np.where(filled.sum(axis=1, keepdims=True) > 0, filled, 1.0)
    return np.asarray(filled / filled.sum(axis=1, keepdims=True))


def _all_codes(cells: pd.DataFrame) -> Integers:
    """The codes of every column, (rows, features)."""
    return np.column_stack([_codes(cells.iloc[:, place]) for place in range(cells.shape[1])])


def _codes(column: pd.Series) -> Integers:
    """A number per distinct cell: equal cells have equal numbers, missing ones too."""
    try:
        codes, _ = pd.factorize(column)
    except TypeError:  # lists and other cells without a hash, from Parquet
        codes, _ = pd.factorize(column.astype(str))
    return np.asarray(codes, dtype=np.int64)


class _Mix:
    """Frames of cells from several rows; columns of one plain type are taken from one array."""

    def __init__(self, cells: pd.DataFrame) -> None:
        self.columns = cells.columns
        self.blocks: list[tuple[list[int], np.ndarray[Any, Any]]] = []
        self.arrays = {}
        kinds: dict[Any, list[int]] = {}
        for place, kind in enumerate(cells.dtypes):
            if isinstance(kind, np.dtype) and kind.kind in "biuf":
                kinds.setdefault(kind, []).append(place)
            else:
                self.arrays[place] = cells.iloc[:, place].array
        for places in kinds.values():
            self.blocks.append((places, cells.iloc[:, places].to_numpy()))

    def take(self, source: Integers) -> pd.DataFrame:
        """A frame whose cell (row, feature) is the cell (source[row, feature], feature)."""
        parts = [
            pd.DataFrame(values[source[:, places], np.arange(len(places))], columns=places)
            for places, values in self.blocks
        ]
        if self.arrays:
            others = {place: values.take(source[:, place]) for place, values in self.arrays.items()}
            parts.append(pd.DataFrame(others, copy=False))
        frame = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)[list(range(len(self.columns)))]
        frame.columns = self.columns
        return frame
