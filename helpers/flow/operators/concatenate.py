"""Concatenate: the rows of two tables one after the other, or their columns side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from .base import Operator, operator
from .join import rename_shared

if TYPE_CHECKING:
    from ..engine import Run


def _kind(value: object) -> object:
    return value.lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else value


@operator("sagemaker.spark.concatenate_0.1")
@operator("sagemaker.spark.concatenate_datasets_0.1")
class Concatenate(Operator):
    """Put two tables together: rows after rows, or columns beside columns."""

    concatenate_type: Annotated[Literal["row_wise", "column_wise"], BeforeValidator(_kind)] = Field(
        "row_wise", validation_alias=AliasChoices("concatenate_type", "operator")
    )
    apply_dedupe: bool = Field(False, validation_alias=AliasChoices("apply_dedupe", "remove_duplicates"))
    indicator_col_name: str | None = Field(
        None, validation_alias=AliasChoices("indicator_col_name", "indicator_column")
    )
    df1_indicator: str = Field("df1", validation_alias=AliasChoices("df1_indicator", "left_indicator"))
    df2_indicator: str = Field("df2", validation_alias=AliasChoices("df2_indicator", "right_indicator"))
    name: str | None = None
    inputs: ClassVar[int] = 2

    @model_validator(mode="before")
    @classmethod
    def _own_block(cls, value: Any) -> Any:
        """The parameters of the chosen type may lie in a block of their own; the other's is stale."""
        if not isinstance(value, Mapping):
            return value
        kind = _kind(value.get("concatenate_type", value.get("operator", "row_wise")))
        plain = {key: each for key, each in value.items() if not key.endswith("_parameters")}
        own = value.get(f"{kind}_parameters")
        return {**plain, **(own if isinstance(own, Mapping) else {})}

    def describe(self) -> str:
        if self.concatenate_type == "column_wise":
            return "Concatenate columns"
        return "Concatenate rows" + (", each once" if self.apply_dedupe else "")

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        if self.concatenate_type == "column_wise":
            return _beside(run.keep(frames[0]), run.keep(frames[1]))
        return self._below(run.keep(frames[0]), run.keep(frames[1]), run)

    def _below(self, first: Frame, second: Frame, run: Run) -> Frame:
        import ibis

        theirs = _matched(first, second)
        order = [f"{hidden_prefix}0", f"{hidden_prefix}1"]
        parts = []
        for place, (frame, names) in enumerate(((first, first.columns), (second, theirs))):
            columns = [frame.table[name].name(f"c{index}") for index, name in enumerate(names)]
            parts.append((frame, columns, place))
        kinds = [_common(first, second, ours, name) for ours, name in zip(first.columns, theirs, strict=True)]
        tables = []
        for (frame, columns, place), label in zip(
            parts, (self.df1_indicator, self.df2_indicator), strict=True
        ):
            cast = [
                column.cast(kind).name(column.get_name()) for column, kind in zip(columns, kinds, strict=True)
            ]
            extra = [ibis.literal(label).name("indicator")] if self.indicator_col_name else []
            hidden = [
                ibis.literal(place, "int64").name(order[0]),
                frame.table[frame.order[0]].cast("int64").name(order[1]),
            ]
            tables.append(frame.table.select([*cast, *extra, *hidden]))
        table = ibis.union(*tables)
        columns = [f"c{index}" for index in range(len(first.columns))]
        if self.apply_dedupe:
            # Of equal rows the first stays. Whether they came from one table or both does not count.
            rank = ibis.row_number().over(group_by=columns, order_by=order)
            table = table.mutate(rank=rank).filter(lambda t: t.rank == 0).drop("rank")
        named = [table[f"c{index}"].name(name) for index, name in enumerate(first.columns)]
        if self.indicator_col_name:
            named.append(table["indicator"].name(first.free(self.indicator_col_name, "indicator_col_name")))
        result = Frame(table.select([*named, *order]), tuple(order))
        return run.keep(result)


def _matched(first: Frame, second: Frame) -> list[str]:
    """The second table's columns in the order of the first's. Raises OperatorError when they differ."""
    lowered = {name.lower(): name for name in second.columns}
    missing = [name for name in first.columns if name.lower() not in lowered]
    known = {name.lower() for name in first.columns}
    more = [name for name in second.columns if name.lower() not in known]
    if missing or more:
        parts = [f"only the first table has {', '.join(missing)}"] if missing else []
        parts += [f"only the second has {', '.join(more)}"] if more else []
        raise OperatorError(
            f"the tables differ in their columns: {'; '.join(parts)}",
            "Drop, rename or add columns before, so that both have the same names.",
        )
    return [lowered[name.lower()] for name in first.columns]


def _common(first: Frame, second: Frame, ours: str, theirs: str) -> Any:
    """The type that holds both columns' values, as Spark widens them."""
    import ibis.expr.datatypes as dt

    a, b = first.table[ours].type(), second.table[theirs].type()
    if type(a) is type(b):
        return a
    if a.is_numeric() and b.is_numeric() and not a.is_boolean() and not b.is_boolean():
        return dt.highest_precedence([a, b])
    if {a.is_timestamp() or a.is_date(), b.is_timestamp() or b.is_date()} == {True}:
        return dt.timestamp
    if a.is_string() or b.is_string():
        return dt.string
    raise OperatorError(
        f"column '{ours}' is {a} in the first table and {b} in the second",
        "Give both the same type in a step before.",
    )


def _beside(first: Frame, second: Frame) -> Frame:
    """Columns side by side, row by row; where one table is shorter its cells are null."""
    names_first, names_second = rename_shared(first.columns, second.columns)
    place = f"{hidden_prefix}0"
    a = first.table.select(
        [first.table[old].name(f"a{index}") for index, old in enumerate(first.columns)]
        + [first.table[first.order[0]].cast("int64").name("a_place")]
    )
    b = second.table.select(
        [second.table[old].name(f"b{index}") for index, old in enumerate(second.columns)]
        + [second.table[second.order[0]].cast("int64").name("b_place")]
    )
    joined = a.outer_join(b, a.a_place == b.b_place)
    table = joined.select(
        [joined[f"a{index}"].name(name) for index, name in enumerate(names_first)]
        + [joined[f"b{index}"].name(name) for index, name in enumerate(names_second)]
        + [joined.a_place.coalesce(joined.b_place).name(place)]
    )
    return Frame(table, (place,))
