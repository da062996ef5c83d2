"""Split: a table into parts, by chance, by order, by strata or by key.

Data Wrangler draws a random number for each row, which depends on how Spark laid the rows out, and cuts at
an approximate quantile. Here the number is a hash of what the row holds, and the cut is exact: the same
rows give the same parts on any machine, in any order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from ..errors import OperatorError
from ..frame import hidden_prefix
from .base import Columns, Operator, Outputs, listing, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

_id = "sagemaker.spark.split_0.1"


class Part(BaseModel):
    """One part of the split: the name of an output, and its share of the rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1)]
    percentage: Annotated[float, Field(gt=0, lt=1)]


class Split(Operator):
    """Split rows into parts."""

    splits: Annotated[tuple[Part, ...], Field(min_length=2, max_length=3)]
    error: Annotated[float, Field(gt=0, le=0.0007)] = 0.0001
    cheap: ClassVar[bool] = False
    """Whether the score is a column that is there already."""
    windowed: ClassVar[bool] = False
    """Whether computing the score shuffles the rows."""
    rowwise: ClassVar[bool] = False
    """Whether the score depends on nothing but the row, and is stored with it at once."""

    @field_validator("splits")
    @classmethod
    def _whole(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in parts]
        if len(set(names)) < len(names) or "default" in names:
            raise ValueError("the parts need different names, none of them 'default'")
        if abs(sum(part.percentage for part in parts) - 1) > 0.001:
            raise ValueError("the percentages must add up to 1")
        return parts

    def outputs(self) -> tuple[str, ...]:
        return (*(part.name for part in self.splits), "default")

    def shares(self) -> str:
        """`80/20`."""
        return "/".join(f"{100 * part.percentage:g}" for part in self.splits)

    def cuts(self) -> list[float]:
        """Cumulative shares, without the last, which is everything."""
        total, cuts = 0.0, []
        for part in self.splits[:-1]:
            total += part.percentage
            cuts.append(round(total, 12))  # 0.7 + 0.2 is 0.8999999999999999
        return cuts

    def score(self, frame: Frame, run: Run) -> Any:
        """The number that places each row; rows are cut at quantiles of it."""
        raise NotImplementedError

    def cut(self, table: Any, run: Run) -> list[Any]:
        """The score at each share: the smallest that has at least that share of the rows at or below it."""
        return run.quantiles(table, _score, self.cuts())

    def apply(self, frames: Sequence[Frame], run: Run) -> Outputs:
        whole = frames[0] if self.rowwise else run.keep(frames[0])
        scored = whole.replace(whole.table.mutate(**{_score: self.score(whole, run)}))
        if not self.cheap:
            scored = run.keep(dataclasses.replace(scored, in_order=whole.in_order and not self.windowed))
        score = scored.table[_score]
        cuts = self.cut(scored.table, run)
        if None in cuts:
            raise OperatorError("there are no rows to split", "Look at the steps before it.")
        chosen: dict[str, Frame] = {}
        for place, part in enumerate(self.splits):
            rows = scored.table
            if place < len(cuts):
                rows = rows.filter(score <= cuts[place])
            if place > 0:
                rows = rows.filter(score > cuts[place - 1])
            chosen[part.name] = scored.replace(rows).select(scored.columns)
        return {**chosen, "default": chosen[self.splits[0].name]}


_score = f"{hidden_prefix}score"


@operator(_id, "Randomized split")
class RandomizedSplit(Split):
    """Split rows by chance: a hash of the whole row decides, so equal rows stay together."""

    seed: int | None = None
    rowwise: ClassVar[bool] = True

    def describe(self) -> str:
        return f"Split at random {self.shares()}"

    def score(self, frame: Frame, run: Run) -> Any:  # noqa: ARG002
        from ..duckdb_functions import content_hash

        return content_hash(frame.table, sorted(frame.columns), f"{self.seed or 0}")


@operator(_id, "Ordered split")
class OrderedSplit(Split):
    """Split rows by a number, smallest first; without a column, by their order."""

    input_column: str | None = None
    cheap: ClassVar[bool] = True

    def describe(self) -> str:
        return f"Split by {self.input_column or 'row order'} {self.shares()}"

    def score(self, frame: Frame, run: Run) -> Any:  # noqa: ARG002
        if not self.input_column:
            return frame.table[frame.order[0]]
        column = frame.table[frame.name(self.input_column, "input_column")]
        if not column.type().is_numeric():
            raise OperatorError(
                f"'{self.input_column}' is {column.type()}, and rows are ordered by a number",
                "Cast the column to long or float before the split.",
                "input_column",
            )
        return column


@operator(_id, "Split by key")
class SplitByKey(Split):
    """Split by a hash of columns: rows with the same key stay together."""

    input_columns: Columns = Field(
        validation_alias=AliasChoices("input_columns", "input_column", "key_columns")
    )
    rowwise: ClassVar[bool] = True

    def describe(self) -> str:
        return f"Split by {listing(self.input_columns)} {self.shares()}"

    def score(self, frame: Frame, run: Run) -> Any:  # noqa: ARG002
        from ..duckdb_functions import content_hash

        return content_hash(frame.table, frame.names(self.input_columns, "input_columns"), "")


@operator(_id, "Stratified split")
class StratifiedSplit(Split):
    """Split by chance within each value of a column; rows without a value are left out."""

    input_column: str
    most_strata: ClassVar[int] = 1000
    windowed: ClassVar[bool] = True

    def describe(self) -> str:
        return f"Split within each {self.input_column} {self.shares()}"

    def score(self, frame: Frame, run: Run) -> Any:
        import ibis

        from ..duckdb_functions import content_hash

        column = frame.table[frame.name(self.input_column, "input_column")]
        strata = run.row(frame.table.aggregate(strata=column.nunique()))["strata"]
        if strata > self.most_strata:
            raise OperatorError(
                f"'{self.input_column}' has {strata} values; at most {self.most_strata} can be split",
                "Choose a column with fewer values.",
                "input_column",
            )
        chance = content_hash(frame.table, sorted(frame.columns), "")
        stratum = ibis.window(
            group_by=column, order_by=[chance, *(frame.table[name] for name in frame.order)]
        )
        rank, size = ibis.row_number().over(stratum) + 1, column.count().over(ibis.window(group_by=column))
        return column.notnull().ifelse(rank.cast("float64") / size, None)

    def cut(self, table: Any, run: Run) -> list[Any]:  # noqa: ARG002
        return list(self.cuts())
