"""Spark's types of columns, and what Spark turns into what by itself (ANSI mode off)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import OperatorError


@dataclass(frozen=True)
class Type:
    """A Spark type; str() is Spark's own short name of it, such as decimal(10,2) or array<string>."""

    name: str
    precision: int = 0
    scale: int = 0
    element: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()
    spelled: str = ""
    """How DuckDB spells a type that Spark does not have; such columns can only be passed on."""

    def __str__(self) -> str:
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.name == "array":
            return f"array<{self.element}>"
        if self.name == "struct":
            return f"struct<{','.join(f'{name}:{kind}' for name, kind in self.fields)}>"
        return self.name

    @property
    def duckdb(self) -> str:
        """The same type as DuckDB spells it."""
        if self.name == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        if self.name == "array" and self.element:
            return f"{self.element.duckdb}[]"
        if self.spelled:
            return self.spelled
        if self.name == "struct":
            inside = ", ".join(f'"{name}" {kind.duckdb}' for name, kind in self.fields)
            return f"STRUCT({inside})"
        return _duckdb[self.name]

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.name in _whole

    @property
    def floating(self) -> bool:
        """Whether it is double or float."""
        return self.name in ("double", "float")

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.whole or self.floating or self.name == "decimal"

    @property
    def moment(self) -> bool:
        """Whether it is a date or a timestamp."""
        return self.name in ("date", "timestamp")

    @property
    def atomic(self) -> bool:
        """Whether a value of it is one thing."""
        return self.element is None and self.name not in ("struct", "other")


_duckdb = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "void": "INTEGER",
}
_whole = ("tinyint", "smallint", "int", "bigint")
_numbers = (*_whole, "decimal", "float", "double")

tinyint, smallint, integer, bigint = (Type(name) for name in _whole)
real, double, string, boolean = Type("float"), Type("double"), Type("string"), Type("boolean")
date, timestamp, void = Type("date"), Type("timestamp"), Type("void")
_spellings = {
    "byte": tinyint, "tinyint": tinyint, "short": smallint, "smallint": smallint, "int": integer,
    "integer": integer, "long": bigint, "bigint": bigint, "float": real, "real": real, "double": double,
    "string": string, "boolean": boolean, "date": date, "timestamp": timestamp, "void": void,
}  # fmt: skip


def array(element: Type) -> Type:
    """The type of lists of these."""
    return Type("array", element=element)


def decimal(precision: int, scale: int) -> Type:
    """The type of numbers with this many digits, so many of them behind the point."""
    return Type("decimal", precision, scale)


def spark_type(text: str) -> Type:
    """The type of this Spark name. Raises OperatorError."""
    simple = _spellings.get(text.strip().lower())
    return simple or _read(text, "spark")


def duckdb_type(text: str) -> Type:
    """The Spark type of a column of this DuckDB type; "other" where Spark has none."""
    try:
        return _read(text, "duckdb")
    except OperatorError:
        return Type("other", spelled=text)


def _read(text: str, dialect: str) -> Type:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        return _built(exp.DataType.build(text, dialect=dialect), text)
    except (SqlglotError, KeyError) as error:
        raise OperatorError(
            f"uses the type {text!r}, which this engine does not know",
            f"Known types: {', '.join(_duckdb)}, decimal(p,s), array<...>.",
        ) from error


def _built(node: Any, text: str) -> Type:
    from sqlglot import exp

    kind = node.this
    kinds = exp.DataType.Type
    if kind in (kinds.ARRAY, kinds.LIST):
        return array(_built(node.expressions[0], text))
    if kind == kinds.STRUCT:
        fields = ((field.name, _built(field.args["kind"], text)) for field in node.expressions)
        return Type("struct", fields=tuple(fields))
    if kind == kinds.DECIMAL:
        numbers = [int(each.this.this) for each in node.expressions]
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0)
        return decimal(precision, scale)
    return {
        kinds.TINYINT: tinyint, kinds.SMALLINT: smallint, kinds.INT: integer, kinds.BIGINT: bigint,
        kinds.FLOAT: real, kinds.DOUBLE: double, kinds.TEXT: string, kinds.VARCHAR: string,
        kinds.BOOLEAN: boolean, kinds.DATE: date, kinds.TIMESTAMP: timestamp, kinds.TIMESTAMPNTZ: timestamp,
        kinds.TIMESTAMPTZ: timestamp, kinds.INT128: bigint, kinds.NULL: void,
    }[kind]  # fmt: skip


_digits = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}


def as_decimal(kind: Type) -> Type:
    """The decimal type that a whole number joins decimals as."""
    return kind if kind.name == "decimal" else decimal(_digits[kind.name], 0)


def _wider_decimal(left: Type, right: Type) -> Type | None:
    left, right = as_decimal(left), as_decimal(right)
    scale = max(left.scale, right.scale)
    precision = max(left.precision - left.scale, right.precision - right.scale) + scale
    return decimal(precision, scale) if precision <= 38 else None


def tightest(left: Type, right: Type) -> Type | None:
    """The type both fit without becoming text; None when there is none."""
    if left == right:
        return left
    if left == void or right == void:
        return right if left == void else left
    if left.numeric and right.numeric:
        if "decimal" in (left.name, right.name):
            if left.floating or right.floating:
                return double
            return _wider_decimal(left, right)
        return max(left, right, key=lambda kind: _numbers.index(kind.name))
    if left.moment and right.moment:
        return timestamp
    if left.name == right.name == "array" and left.element and right.element:
        inside = tightest(left.element, right.element)
        return array(inside) if inside else None
    return None


def common(left: Type, right: Type) -> Type | None:
    """The type of branches that may hold either: text when nothing closer, but no truth value as text."""
    found = tightest(left, right)
    if found is None and string in (left, right):
        other = right if left == string else left
        if other.atomic and other != boolean:
            return string
    return found


def compared(left: Type, right: Type) -> Type | None:
    """The type in which two values are compared: a text becomes what it is compared with."""
    found = tightest(left, right)
    if found is not None:
        return found
    if string in (left, right):
        other = right if left == string else left
        if other.name == "decimal":
            return double
        return other if other.atomic else None
    return None
