"""Join: two tables on a key, with Spark's kinds of join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run

JoinType = Literal["inner", "left", "right", "outer", "semi", "anti", "cross"]
_same = {
    "leftouter": "left",
    "rightouter": "right",
    "full": "outer",
    "fullouter": "outer",
    "leftsemi": "semi",
    "leftanti": "anti",
}


def _spark_name(value: object) -> object:
    name = str(value).lower().replace("_", "").replace(" ", "")
    return _same.get(name, name)


Kind = Annotated[JoinType, BeforeValidator(_spark_name)]


class Key(BaseModel):
    """One pair of columns that must be equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    left: str
    right: str


def join(left: Frame, right: Frame, keys: Sequence[Key], kind: JoinType) -> Frame:
    """Join as Data Wrangler does: every name on both sides, the key too, gets `_0` (left) and `_1` (right).

    Rows keep the left side's order, rows of one left row the right side's.
    """
    pairs = [(left.name(key.left, "left_column"), right.name(key.right, "right_column")) for key in keys]
    for ours, theirs in pairs:
        _same_kind(left.table[ours].type(), right.table[theirs].type(), ours, theirs)
    if kind in ("semi", "anti"):
        predicates = [left.table[ours] == right.table[theirs] for ours, theirs in pairs]
        joined = getattr(left.table, f"{kind}_join")(right.table, predicates)
        return Frame(joined, left.order)
    names_left, names_right = rename_shared(left.columns, right.columns)
    # Hidden names tell the sides apart while they are joined: any column name may occur on either side.
    ours_hidden = [f"{hidden_prefix}left_{place}" for place, _ in enumerate(left.order)]
    theirs_hidden = [f"{hidden_prefix}right_{place}" for place, _ in enumerate(right.order)]
    a = left.table.select(
        [left.table[old].name(f"a{place}") for place, old in enumerate(left.columns)]
        + [left.table[old].name(new) for old, new in zip(left.order, ours_hidden, strict=True)]
    )
    b = right.table.select(
        [right.table[old].name(f"b{place}") for place, old in enumerate(right.columns)]
        + [right.table[old].name(new) for old, new in zip(right.order, theirs_hidden, strict=True)]
    )
    predicates = [
        a[f"a{left.columns.index(ours)}"] == b[f"b{right.columns.index(theirs)}"] for ours, theirs in pairs
    ]
    joined = a.cross_join(b) if kind == "cross" else a.join(b, predicates, how=kind)
    order = [f"{hidden_prefix}{place}" for place in range(len(ours_hidden) + len(theirs_hidden))]
    table = joined.select(
        [joined[f"a{place}"].name(name) for place, name in enumerate(names_left)]
        + [joined[f"b{place}"].name(name) for place, name in enumerate(names_right)]
        + [joined[old].name(new) for old, new in zip(ours_hidden + theirs_hidden, order, strict=True)]
    )
    return Frame(table, tuple(order))


def rename_shared(left: list[str], right: list[str]) -> tuple[list[str], list[str]]:
    """The columns of two tables side by side: names on both sides get `_0` and `_1`."""
    shared = {name.lower() for name in left} & {name.lower() for name in right}
    taken = {name.lower() for name in left + right} - shared

    def rename(name: str, suffix: str) -> str:
        if name.lower() not in shared:
            return name
        name += suffix
        while name.lower() in taken:
            name += "_dup"
        taken.add(name.lower())
        return name

    return [rename(name, "_0") for name in left], [rename(name, "_1") for name in right]


def _same_kind(ours: Any, theirs: Any, left: str, right: str) -> None:
    def kind(dtype: Any) -> str:
        return "number" if dtype.is_numeric() and not dtype.is_boolean() else type(dtype).__name__.lower()

    if kind(ours) != kind(theirs):
        raise OperatorError(
            f"the keys differ in type: '{left}' is {ours}, '{right}' is {theirs}",
            "Give both the same type in a step before the join.",
            "left_column",
        )


@operator("sagemaker.spark.join_tables_0.1")
class JoinTables(Operator):
    """Join two tables on one column each."""

    left_column: str = ""
    right_column: str = ""
    join_type: Kind = "inner"
    inputs: ClassVar[int] = 2

    def describe(self) -> str:
        if self.left_column == self.right_column:
            return f"Join on {self.left_column} ({self.join_type})"
        return f"Join on {self.left_column} = {self.right_column} ({self.join_type})"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        keys = [] if self.join_type == "cross" else [Key(left=self.left_column, right=self.right_column)]
        return join(frames[0], frames[1], keys, self.join_type)


@operator("sagemaker.spark.join_multi_keys_0.1")
class JoinMultiKeys(Operator):
    """Join two tables on several pairs of columns."""

    join_keys: Annotated[tuple[Key, ...], Field(min_length=1, max_length=10)]
    join_type: Kind = "inner"
    inputs: ClassVar[int] = 2

    def describe(self) -> str:
        return f"Join on {' and '.join(key.left for key in self.join_keys)} ({self.join_type})"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        return join(frames[0], frames[1], self.join_keys, self.join_type)
