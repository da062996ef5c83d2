"""The rows of a table that is read piece by piece and must not outgrow its memory."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.local.jobs.job import JobFailure

SEED = 0


@dataclass
class Sample:
    """Every row, or, once all of them would take more than the budget, a random share of them.

    Each row draws a number when it comes and stays while the number is below the share, which is halved
    whenever the rows outgrow the budget: so every row has the same chance, and the same data give the same
    rows.
    """

    budget: int  # bytes
    share: float = 1.0
    total: int = 0
    frames: list[pd.DataFrame] = field(default_factory=list)
    draws: list[np.ndarray] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # of the frames, in bytes
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))

    def add(self, frame: pd.DataFrame, source: str) -> None:
        """More rows, of the same columns in any order. Raises JobFailure for other columns."""
        if self.frames:
            columns = list(self.frames[0].columns)
            if set(frame.columns) != set(columns):
                raise JobFailure(
                    f"The files of a channel have different columns: {_listed(columns)}, and in {source} "
                    f"{_listed(list(frame.columns))}. Give every file the same columns."
                )
            frame = frame[columns]
        self.total += len(frame)
        draws = self.random.random(len(frame))
        self.frames.append(frame)
        self.draws.append(draws)
        self.sizes.append(_size(frame))
        if self.share < 1:
            self._keep(len(self.frames) - 1)
        while sum(self.sizes) > self.budget and self.share > 1e-9:
            self.share /= 2
            for position in range(len(self.frames)):
                self._keep(position)

    def table(self) -> pd.DataFrame:
        """The rows as one table."""
        filled = [frame for frame in self.frames if len(frame)] or self.frames[:1]
        table = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0].reset_index(drop=True)
        if self.share < 1:
            print(
                f"The data has {self.total} rows, which do not fit in the job's memory: it goes on with a "
                f"random sample of {len(table)}.",
                flush=True,
            )
        return table

    def _keep(self, position: int) -> None:
        kept = self.draws[position] < self.share
        if not kept.all():
            self.frames[position] = self.frames[position][kept]
            self.draws[position] = self.draws[position][kept]
            self.sizes[position] = _size(self.frames[position])


def _size(frame: pd.DataFrame) -> int:
    """The memory of a frame in bytes, its texts by a sample of its rows."""
    if len(frame) <= 1000:
        return int(frame.memory_usage(deep=True).sum())
    part = frame.iloc[:: len(frame) // 1000]
    return int(part.memory_usage(deep=True, index=False).sum() * len(frame) / len(part))


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:20])
