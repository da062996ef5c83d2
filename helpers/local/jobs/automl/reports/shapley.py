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

from helpers.local.jobs.automl.reports.subject import Floats, Integers, ReportError

Predict = Callable[[pd.DataFrame], Floats]  # a frame of n rows -> (n, outputs)

SEED = 0
MOST_ROWS = 400
MOST_BACKGROUND = 64
ROUNDS_WANTED = 6
MOST_VALUES = 2_000_000  # rows x features x outputs: 16 MB
CELLS_AT_ONCE = 2_000_000  # of a frame to predict
PROBES = (8, 64, 512)  # rows of the predictions that measure the speed


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
    random = np.random.default_rng(SEED)
    order = random.permutation(len(frame))
    speed = _Speed(predict)
    outputs = speed.measure(frame, order, seconds)
    rows, background, walkers = _samples(frame, order, outputs, speed.rows_in(seconds * 0.75))
    walkers.predict_ends(speed)
    allowed = speed.rows_in(seconds * 0.3) or speed.rows_in(seconds * 0.8)
    for _ in range(len(background)):
        for chunk in walkers.chunks(random, allowed):
            count = walkers.evaluations(chunk)
            if time.monotonic() + speed.seconds_for(count) > deadline:
                return walkers.result(rows, len(background), seconds)
            begun = time.monotonic()
            walkers.walk(chunk, speed)
            speed.learn(count, time.monotonic() - begun)  # with the work around the predictions
        walkers.round += 1
    return walkers.result(rows, len(background), seconds)


class _Speed:
    """A model's prediction, and the seconds it takes: so many a call, and so many a row."""

    def __init__(self, predict: Predict) -> None:
        self.predict = predict
        self.a_call = 0.0
        self.a_row = 1.0

    def __call__(self, frame: pd.DataFrame) -> Floats:
        return np.asarray(self.predict(frame), dtype=np.float64)

    def measure(self, frame: pd.DataFrame, order: Integers, seconds: float) -> int:
        """Predict more and more rows until the speed is known. Returns the number of outputs."""
        outputs = self(frame.iloc[order[:1]]).shape[1]  # the first prediction also loads what the model needs
        before, taken = 1, self._timed(frame.iloc[order[:1]])
        for size in PROBES:
            now = self._timed(frame.iloc[np.resize(order, size)])
            self.a_row = max(now - taken, 0.02 * now) / (size - before)
            self.a_call = max(now - self.a_row * size, 0.0)
            before, taken = size, now
            if self.seconds_for(8 * size) > 0.15 * seconds:
                break
        return int(outputs)

    def _timed(self, frame: pd.DataFrame) -> float:
        begun = time.monotonic()
        self(frame)
        return time.monotonic() - begun

    def learn(self, count: int, taken: float) -> None:
        """So many rows took so long."""
        if count:
            self.a_row = max(taken - self.a_call, 0.02 * taken, 1e-9) / count

    def seconds_for(self, count: float) -> float:
        """How long a call of so many rows takes."""
        return self.a_call + self.a_row * count

    def rows_in(self, seconds: float) -> float:
        """How many rows a call of so many seconds has."""
        return max(seconds - self.a_call, 0.0) / max(self.a_row, 1e-9)


def _samples(
    frame: pd.DataFrame, order: Integers, outputs: int, affordable: float
) -> tuple[Integers, Integers, "_Walkers"]:
    """The rows to explain, the background rows, and their walkers, for so many predicted rows."""
    count = len(frame)
    background = order[: int(min(MOST_BACKGROUND, max(4, affordable * 0.05), count))]
    most = max(1, MOST_VALUES // max(1, frame.shape[1] * outputs))
    # From the other end of the shuffled rows: apart from the background where there are enough.
    rows = order[::-1][: min(MOST_ROWS, most, count)]
    trial = _Walkers(frame, rows[:50], background, outputs)
    for_a_round = 1 + 2 * max(trial.steps_of_a_walk() - 1, 0)
    if affordable < 1 + len(background) + for_a_round:
        raise ReportError(
            f"The model predicts too slowly to be explained: one row takes about {for_a_round:.0f} "
            f"predictions, and time is left for {affordable:.0f}. Give the job more time "
            "(MaxAutoMLJobRuntimeInSeconds)."
        )
    wanted = int((affordable - len(background)) / (ROUNDS_WANTED * for_a_round))
    rows = rows[: max(1, wanted)]
    return rows, background, _Walkers(frame, rows, background, outputs)


class _Walkers:
    """Every explained row's walks from background rows to itself, and the shares of features so far."""

    def __init__(self, frame: pd.DataFrame, rows: Integers, background: Integers, outputs: int) -> None:
        self.cells = frame.iloc[np.concatenate([rows, background])]
        self.mix = _Mix(self.cells)
        codes = np.column_stack([_codes(self.cells.iloc[:, place]) for place in range(frame.shape[1])])
        self.row_codes, self.background_codes = codes[: len(rows)], codes[len(rows) :]
        self.partners = np.random.default_rng(SEED).permuted(
            np.tile(np.arange(len(background)), (len(rows), 1)), axis=1
        )
        self.round = 0
        shape = (len(rows), frame.shape[1], outputs)
        self.sums, self.sizes = np.zeros(shape), np.zeros(shape)
        self.walks = np.zeros(len(rows))
        self.row_predictions = np.zeros((len(rows), outputs))
        self.background_predictions = np.zeros((len(background), outputs))

    def predict_ends(self, predict: _Speed) -> None:
        """Predict where walks begin and end: the background rows and the rows themselves."""
        predicted = predict(self.cells)
        self.row_predictions = predicted[: len(self.row_codes)]
        self.background_predictions = predicted[len(self.row_codes) :]

    def steps_of_a_walk(self) -> float:
        """The mean number of features in which a row and a background row differ."""
        differs = self.row_codes[:, None, :] != self.background_codes[None, :, :]
        return float(np.mean(np.sum(differs, axis=2)))

    def differing(self, chunk: Integers) -> Integers:
        """How many features differ between each row of a chunk and its partner of this round."""
        partners = self.partners[chunk, self.round]
        return np.asarray(np.sum(self.row_codes[chunk] != self.background_codes[partners], axis=1))

    def evaluations(self, chunk: Integers) -> int:
        """How many predictions a chunk's walks need, there and back."""
        return 2 * int(np.maximum(self.differing(chunk) - 1, 0).sum())

    def chunks(self, random: np.random.Generator, allowed: float) -> list[Integers]:
        """The rows of a round in random order, cut where a chunk's predictions would be too many at once."""
        order = random.permutation(len(self.row_codes))
        most = max(1.0, min(allowed, CELLS_AT_ONCE / self.row_codes.shape[1]))
        costs = 2 * np.maximum(self.differing(order) - 1, 0)
        places = np.floor((np.cumsum(costs) - costs) / most).astype(int)
        cuts = np.flatnonzero(np.diff(places)) + 1
        return np.split(order, cuts)

    def walk(self, chunk: Integers, predict: _Speed) -> None:
        """Walk there and back for each row of the chunk."""
        partners = self.partners[chunk, self.round]
        differs = self.row_codes[chunk] != self.background_codes[partners]
        lengths = differs.sum(axis=1)
        random = np.random.default_rng([SEED, self.round, int(chunk[0])])
        forward = np.argsort(np.where(differs, random.random(differs.shape), 2.0), axis=1)
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
        self, orders: Integers, lengths: Integers, rows: Integers, partners: Integers, predict: _Speed
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

    def result(self, rows: Integers, background: int, seconds: float) -> Estimate:
        """The mean shares of the rows walked to. Raises ReportError when there are none."""
        done = self.walks > 0
        if not done.any():
            raise ReportError(
                f"The model predicts too slowly to explain one row in {seconds:.1f} s. Give the job more "
                "time (MaxAutoMLJobRuntimeInSeconds)."
            )
        expected = self.background_predictions.mean(axis=0)
        count = self.walks[done, None, None]
        values = self.sums[done] / count
        sizes = self.sizes[done] / count
        missing = self.row_predictions[done] - expected - values.sum(axis=1)
        values += _portions(sizes) * missing[:, None, :]
        return Estimate(values, expected, rows[done], background, float(self.walks[done].mean()))


def _portions(sizes: Floats) -> Floats:
    """Who takes how much of the difference that the drawing of background rows leaves: who moves much.

    A feature that never changed a prediction takes nothing, unless none did.
    """
    everywhere = np.broadcast_to(sizes.mean(axis=0), sizes.shape)
    filled = np.where(sizes.sum(axis=1, keepdims=True) > 0, sizes, everywhere)
    filled = np.where(filled.sum(axis=1, keepdims=True) > 0, filled, 1.0)
    return np.asarray(filled / filled.sum(axis=1, keepdims=True))


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
