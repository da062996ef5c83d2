"""PySpark's Column and Window on DuckDB: they only note what is asked for; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...errors import OperatorError
from .. import trees, types
from ..parsing import name_parts
from ..trees import Tree
from ..typed import Unsupported
from ..types import Type, spark_type
from .types import DataType


class Column:
    """A column expression with Spark's operators."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"Column.{name}")

    def __bool__(self) -> bool:
        raise ValueError("a Column has no truth value: use '&' for and, '|' for or, '~' for not")

    def __iter__(self) -> Any:
        raise TypeError("a Column cannot be iterated over")

    def __repr__(self) -> str:
        return "<Column>"

    __hash__ = object.__hash__

    def alias(self, *names: str) -> Column:
        """The column under this name."""
        if len(names) != 1:
            raise Unsupported("Column.alias with several names")
        return Column(trees.Alias(self._tree, names[0]))

    name = alias

    def cast(self, dataType: Any) -> Column:
        """Spark's CAST: what does not fit is null, fractions are cut off."""
        return Column(trees.Cast(self._tree, type_of(dataType)))

    astype = cast

    def try_cast(self, dataType: Any) -> Column:
        """The same."""
        return Column(trees.Cast(self._tree, type_of(dataType), careful=True))

    def isin(self, *values: Any) -> Column:
        """Whether it is among these values."""
        listed = values[0] if len(values) == 1 and isinstance(values[0], list | tuple | set) else values
        return Column(trees.In(self._tree, tuple(value_tree(each) for each in listed)))

    def between(self, lowerBound: Any, upperBound: Any) -> Column:
        """Whether it lies between these, which are included."""
        return _call("and", _call(">=", self, lowerBound), _call("<=", self, upperBound))

    def when(self, condition: Column, value: Any) -> Column:
        """A further case, after F.when."""
        if not isinstance(self._tree, trees.Case) or self._tree.otherwise is not None:
            raise OperatorError("calls when() on a column that no when() began", "Begin with F.when.", "code")
        branch = (column_tree(condition), value_tree(value))
        return Column(replace(self._tree, branches=(*self._tree.branches, branch)))

    def otherwise(self, value: Any) -> Column:
        """What it is where no case applies."""
        if not isinstance(self._tree, trees.Case) or self._tree.otherwise is not None:
            raise OperatorError("calls otherwise() without when() before", "Begin with F.when.", "code")
        return Column(replace(self._tree, otherwise=value_tree(value)))

    def over(self, window: WindowSpec) -> Column:
        """The function over a window."""
        return Column(trees.Windowed(self._tree, window._window))

    def like(self, other: str) -> Column:
        """SQL's LIKE."""
        return _call("like", self, other)

    def ilike(self, other: str) -> Column:
        """LIKE that ignores case."""
        return _call("ilike", self, other)

    def rlike(self, other: str) -> Column:
        """Whether a Java pattern is found in it."""
        return _call("rlike", self, other)

    def substr(self, startPos: Any, length: Any) -> Column:
        """A part of the text, from a place that counts from 1."""
        return _call("substr", self, startPos, length)

    def getItem(self, key: Any) -> Column:
        """An element of an array, or a field of a struct."""
        return _call("getitem", self, key)

    getField = getItem

    def __getitem__(self, key: Any) -> Column:
        if isinstance(key, slice):
            raise Unsupported("a slice of a Column")
        return self.getItem(key)

    def _sorted(self, descending: bool, nulls_first: bool) -> Column:
        return Column(trees.Sorted(self._tree, descending, nulls_first))

    def asc(self) -> Column:
        """Ascending, nulls first."""
        return self._sorted(False, True)

    def desc(self) -> Column:
        """Descending, nulls last."""
        return self._sorted(True, False)

    asc_nulls_first = asc
    desc_nulls_last = desc

    def asc_nulls_last(self) -> Column:
        """Ascending, nulls last."""
        return self._sorted(False, False)

    def desc_nulls_first(self) -> Column:
        """Descending, nulls first."""
        return self._sorted(True, True)


def _method(function: str, reverse: bool = False) -> Callable[..., Column]:
    def apply(self: Column, *others: Any) -> Column:
        return _call(function, *reversed([self, *others])) if reverse else _call(function, self, *others)

    return apply


for _names, _function in {
    "__add__": "+",
    "__sub__": "-",
    "__mul__": "*",
    "__truediv__": "/",
    "__mod__": "%",
    "__pow__": "power",
    "__eq__": "=",
    "__ne__": "!=",
    "__lt__": "<",
    "__le__": "<=",
    "__gt__": ">",
    "__ge__": ">=",
    "eqNullSafe": "<=>",
    "__and__": "and",
    "__or__": "or",
    "__invert__": "not",
    "__neg__": "negative",
    "isNull": "isnull",
    "isNotNull": "isnotnull",
    "isNaN": "isnan",
    "startswith": "startswith",
    "endswith": "endswith",
    "contains": "contains",
}.items():
    setattr(Column, _names, _method(_function))
for _names, _function in {
    "__radd__": "+",
    "__rsub__": "-",
    "__rmul__": "*",
    "__rtruediv__": "/",
    "__rmod__": "%",
    "__rpow__": "power",
    "__rand__": "and",
    "__ror__": "or",
}.items():
    setattr(Column, _names, _method(_function, reverse=True))


def _call(function: str, *arguments: Any) -> Column:
    return Column(trees.Call(function, tuple(value_tree(each) for each in arguments)))


def column_tree(value: Any) -> Tree:
    """A column, or the name of one, as an expression."""
    if isinstance(value, Column):
        return value._tree
    if isinstance(value, str):
        return trees.Star() if value == "*" else named_tree(value)
    raise OperatorError(
        f"gives {type(value).__name__} where a column is wanted", "Use F.lit for values.", "code"
    )


def named_tree(name: str) -> Tree:
    """A column by its name; `t.*` are all columns of a table."""
    parts = name_parts(name)
    return trees.Star(parts[0]) if len(parts) == 2 and parts[1] == "*" else trees.Name(parts)


def value_tree(value: Any) -> Tree:
    """A column, or a value as a literal."""
    if isinstance(value, Column):
        return value._tree
    if isinstance(value, list | tuple | dict | set):
        raise Unsupported(f"a literal {type(value).__name__}")
    return trees.Literal(value, types.void)


def type_of(given: Any) -> Type:
    """A Spark type by its name or its class."""
    if isinstance(given, DataType):
        return given.spark
    if isinstance(given, type) and issubclass(given, DataType):
        return given().spark
    return spark_type(str(given))


def flat(columns: Sequence[Any]) -> Sequence[Any]:
    """The columns, given one by one or as one list."""
    return columns[0] if len(columns) == 1 and isinstance(columns[0], list | tuple) else columns


class WindowSpec:
    """A window of rows; Window is the empty one."""

    unboundedPreceding = -(2**63)
    unboundedFollowing = 2**63 - 1
    currentRow = 0

    def __init__(self, window: trees.Window | None = None) -> None:
        self._window = window or trees.Window()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"Window.{name}")

    def partitionBy(self, *columns: Any) -> WindowSpec:
        """Groups of rows with the same values here."""
        return WindowSpec(replace(self._window, partition=tuple(map(column_tree, flat(columns)))))

    def orderBy(self, *columns: Any) -> WindowSpec:
        """In this order; as in Spark nulls come first unless it says otherwise."""
        keys = tuple(map(column_tree, flat(columns)))
        return WindowSpec(replace(self._window, order=keys))

    def rowsBetween(self, start: int, end: int) -> WindowSpec:
        """Rows from one place to another, counted from the row itself."""
        return self._framed("ROWS", start, end)

    def rangeBetween(self, start: int, end: int) -> WindowSpec:
        """Rows whose value of the order lies so far from that of the row itself."""
        if any(each not in (0, self.unboundedPreceding, self.unboundedFollowing) for each in (start, end)):
            raise Unsupported("Window.rangeBetween of numbers")
        return self._framed("RANGE", start, end)

    def _framed(self, unit: str, start: int, end: int) -> WindowSpec:
        first = None if start <= -(2**31) else int(start)
        last = None if end >= 2**31 - 1 else int(end)
        return WindowSpec(replace(self._window, unit=unit, start=first, end=last))
