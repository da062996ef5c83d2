"""`pyspark.sql.functions` on DuckDB: the functions of the engine under PySpark's names and signatures."""

from __future__ import annotations

import types as modules
from collections.abc import Callable
from typing import Any

from .. import trees
from ..aggregates import aggregates, window_functions
from ..functions import functions, same_as
from ..parsing import expression
from ..trees import Tree
from ..typed import Unsupported, unknown
from ..types import string, void
from .columns import Column, column_tree, flat, named_tree, type_of, value_tree

signatures = {
    "round": "col ['scale", "bround": "col ['scale", "lpad": "col 'len 'pad", "rpad": "col 'len 'pad",
    "regexp_replace": "string 'pattern 'replacement", "regexp_extract": "str 'pattern 'idx",
    "split": "str 'pattern ['limit", "instr": "str 'substr", "locate": "'substr str ['pos",
    "translate": "srcCol 'matching 'replace", "substring": "str pos len", "repeat": "col n",
    "substring_index": "str 'delim 'count", "sha2": "col 'numBits",
    "to_date": "col ['format", "to_timestamp": "col ['format", "date_format": "date 'format",
    "date_trunc": "'format timestamp", "trunc": "date 'format", "next_day": "date 'dayOfWeek",
    "unix_timestamp": "[timestamp ['format", "from_unixtime": "timestamp ['format",
    "date_add": "start days", "date_sub": "start days", "datediff": "end start", "add_months": "start months",
    "months_between": "date1 date2", "nanvl": "col1 col2", "pow": "col1 col2", "power": "col1 col2",
    "atan2": "col1 col2", "hypot": "col1 col2", "lag": "col ['offset ['default",
    "lead": "col ['offset ['default", "ntile": "'n",
    "first": "col ['ignorenulls", "last": "col ['ignorenulls",
    "array_contains": "col 'value", "levenshtein": "left right", "percentile": "col 'percentage",
    "isnull": "col", "trim": "col [trim", "ltrim": "col [trim", "rtrim": "col [trim",
    "pmod": "dividend divisor", "nvl": "col1 col2", "ifnull": "col1 col2", "nullif": "col1 col2",
    "replace": "src search [replace", "left": "str len", "right": "str len", "rlike": "str regexp",
    "split_part": "src delimiter partNum", "log10": "col", "sqrt": "col",
}  # fmt: skip
"""Names of parameters; behind ' a text is a text and not the name of a column, [ may be left out."""
_variadic = ("coalesce", "greatest", "least", "concat", "array")
_own = ("if", "getitem", "-x", "negative")


def _bound(name: str, signature: str, given: tuple[Any, ...], named: dict[str, Any]) -> list[Tree]:
    slots = []
    for word in signature.split():
        optional, text = word.startswith("["), "'" in word
        slots.append((word.strip("['"), optional, text))
    values: dict[str, Any] = {}
    for (slot, _, _), value in zip(slots, given, strict=False):
        values[slot] = value
    for key, value in named.items():
        if key not in [slot for slot, _, _ in slots] or key in values:
            raise TypeError(f"{name}() got an unexpected argument {key!r}")
        values[key] = value
    if len(given) > len(slots):
        raise TypeError(f"{name}() takes {len(slots)} arguments, {len(given)} were given")
    found = []
    for slot, optional, text in slots:
        if slot not in values or (optional and values[slot] is None and slot != "default"):
            if not optional:
                raise TypeError(f"{name}() misses the argument {slot!r}")
            break
        value = values[slot]
        column = not text and isinstance(value, str)
        found.append(column_tree(value) if column else value_tree(value))
    return found


def _function(name: str) -> Callable[..., Column]:
    signature = signatures.get(name)

    def call(*columns: Any, **named: Any) -> Column:
        if signature is not None:
            arguments = _bound(name, signature, columns, named)
        else:
            listed = flat(columns) if name in _variadic else columns
            arguments = [column_tree(each) if isinstance(each, str) else value_tree(each) for each in listed]
            arguments += [column_tree(each) for each in named.values()]
        if name in aggregates or same_as.get(name) in aggregates:
            arguments = [
                trees.Literal(1, void) if isinstance(each, trees.Star) else each for each in arguments
            ]
        return Column(trees.Call("power" if name == "pow" else name, tuple(arguments)))

    call.__name__ = name
    return call


def col(col: str) -> Column:
    """A column by its name."""
    return Column(trees.Star() if col == "*" else named_tree(col))


def lit(col: Any) -> Column:
    """A value as a column."""
    return col if isinstance(col, Column) else Column(value_tree(col))


def expr(str: str) -> Column:
    """A Spark SQL expression."""
    return Column(expression(str))


def when(condition: Column, value: Any) -> Column:
    """A value where a condition is true."""
    return Column(trees.Case(((column_tree(condition), value_tree(value)),)))


def count_distinct(col: Any, *cols: Any) -> Column:
    """The number of different values that are there."""
    return Column(trees.Call("count", tuple(map(column_tree, (col, *cols))), True))


def sum_distinct(col: Any) -> Column:
    """The sum of the different values."""
    return Column(trees.Call("sum", (column_tree(col),), True))


def concat_ws(sep: str, *cols: Any) -> Column:
    """Texts with a text between them; nulls are left out."""
    return Column(trees.Call("concat_ws", (trees.Literal(sep, string), *map(column_tree, flat(cols)))))


def log(arg1: Any, arg2: Any = unknown) -> Column:
    """The natural logarithm, or that to a base."""
    if arg2 is unknown:
        return Column(trees.Call("ln", (column_tree(arg1),)))
    return Column(trees.Call("log", (value_tree(arg1), column_tree(arg2))))


def udf(f: Any = None, returnType: Any = "string", **others: Any) -> Any:
    """A Python function of one row's values, as Spark calls it: a wrong type is null."""
    if others.pop("useArrow", None):
        raise Unsupported("functions.udf with Arrow")
    if f is None or not callable(f) or isinstance(f, type):
        kind = returnType if f is None else f
        return lambda function: udf(function, kind)
    spark = type_of(returnType)

    def call(*columns: Any) -> Column:
        arguments = tuple(map(column_tree, columns))
        return Column(trees.PythonCall(f, arguments, spark, False))

    call.__name__ = getattr(f, "__name__", "udf")
    return call


def _sort(method: str) -> Callable[[Any], Column]:
    def apply(col: Any) -> Column:
        return getattr(Column(column_tree(col)), method)()  # type: ignore[no-any-return]

    return apply


special: dict[str, Any] = {
    "col": col,
    "column": col,
    "lit": lit,
    "expr": expr,
    "when": when,
    "countDistinct": count_distinct,
    "count_distinct": count_distinct,
    "sum_distinct": sum_distinct,
    "sumDistinct": sum_distinct,
    "concat_ws": concat_ws,
    "log": log,
    "mean": _function("avg"),
    "udf": udf,
    "isnotnull": lambda col: Column(trees.Call("isnotnull", (column_tree(col),))),
    **{
        name: _sort(name)
        for name in (
            "asc",
            "desc",
            "asc_nulls_first",
            "asc_nulls_last",
            "desc_nulls_first",
            "desc_nulls_last",
        )
    },
}
_known = {
    *(name for name in (*functions, *same_as, *aggregates, *window_functions) if name not in _own),
    "monotonically_increasing_id",
} - {"extract", "date_part", "mod", "std_dev", "str", "between", "len"}


class Functions(modules.ModuleType):
    """The module: what is not known to agree with Spark is refused by name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__all__ = sorted({*special, *_known} - {"udf"})
        self.__all__.append("udf")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in special:
            return special[name]
        if name in _known:
            return _function(name)
        raise Unsupported(f"pyspark.sql.functions.{name}")
