"""Sampling: some of the rows, in the order they had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import AliasChoices, Field

from ..frame import Frame
from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.sampling_0.1"
_keys = ("sampling_method",)
Size = Annotated[
    int, Field(ge=1, validation_alias=AliasChoices("sample_size", "limit", "size", "number_of_rows"))
]


class Sample(Operator):
    """Keep some of the rows."""

    sample_size: Size


@operator(_id, "Limit", keys=_keys)
class Limit(Sample):
    """Keep the first rows."""

    def describe(self) -> str:
        return f"Keep the first {self.sample_size:,} rows"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = run.keep(frames[0])
        place = frame.table[frame.order[0]]
        return frame.replace(frame.table.order_by(place).limit(self.sample_size))


@operator(_id, "Randomized", keys=_keys)
@operator(_id, "Random", keys=_keys)
class Random(Sample):
    """Keep rows by chance: this many, or all when there are fewer."""

    seed: int | None = None

    def describe(self) -> str:
        return f"Keep {self.sample_size:,} rows by chance"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..drawing_lots import drawn, with_lots

        return drawn(with_lots(frames[0], self.seed or 0, run), self.sample_size, run)


@operator(_id, "Stratified", keys=_keys)
class Stratified(Sample):
    """Keep rows by chance; each value of a column keeps its share of the rows."""

    stratify_column: str = Field(
        validation_alias=AliasChoices("stratify_column", "stratified_column", "input_column", "column")
    )
    seed: int | None = None

    def describe(self) -> str:
        return f"Keep {self.sample_size:,} rows by chance within each {self.stratify_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        from ..drawing_lots import drawn, lot, with_lots

        frame = with_lots(frames[0], self.seed or 0, run)
        stratum = frame.table[frame.name(self.stratify_column, "stratify_column")]
        # Where a row stands among those of its stratum, from 0 to 1: the smallest take equal shares of each.
        rank = ibis.row_number().over(ibis.window(group_by=stratum, order_by=frame.table[lot])) + 0.5
        size = stratum.isnull().count().over(ibis.window(group_by=stratum))
        placed = frame.table.mutate(**{lot + "_share": rank / size})
        by_share = ibis.window(order_by=[placed[lot + "_share"], placed[lot]])
        ranked = placed.mutate(**{lot: ibis.row_number().over(by_share)}).drop(lot + "_share")
        return drawn(run.keep(Frame(ranked, frame.order)), self.sample_size, run)
