"""Spark SQL expressions on DuckDB: rewritten by sqlglot, with Spark's meaning where the two differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import OperatorError

if TYPE_CHECKING:
    from .frame import Frame

_casts = {
    "long": ("bigint", "long"),
    "int": ("int", "integer"),
    "float": ("double",),
    "real": ("float", "real"),
    "string": ("string", "varchar", "text"),
    "bool": ("boolean", "bool"),
    "date": ("date",),
    "datetime": ("timestamp",),
}


def _whole_number(name: str, kind: str, least: int, most: int, rest: str) -> str:
    """A macro that casts to a whole number: fractions are cut off, floating numbers stop at the ends."""
    return f"""CREATE OR REPLACE TEMP MACRO spark_{name}(x) AS CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') OR starts_with(typeof(x), 'DECIMAL') THEN CASE
        WHEN isnan(TRY_CAST(x AS DOUBLE)) THEN 0
        WHEN TRY_CAST(x AS DOUBLE) >= {most} THEN {most}
        WHEN TRY_CAST(x AS DOUBLE) <= {least} THEN {least}
        ELSE TRY_CAST(trunc(TRY_CAST(x AS DOUBLE)) AS {kind}) END
    WHEN typeof(x) = 'VARCHAR' THEN CASE
        WHEN CAST(TRY_CAST(x AS {kind}) AS VARCHAR) = x::VARCHAR THEN TRY_CAST(x AS {kind})
        WHEN regexp_full_match(trim(x::VARCHAR), '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)')
            THEN TRY_CAST('0' || split_part(ltrim(trim(x::VARCHAR), '+-'), '.', 1) AS {kind})
                * CASE WHEN starts_with(trim(x::VARCHAR), '-') THEN -1 ELSE 1 END END
    {rest} END"""


macros = (
    """CREATE OR REPLACE TEMP MACRO spark_float(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' AND contains(x::VARCHAR, '_') THEN NULL ELSE TRY_CAST(x AS DOUBLE) END""",
    "CREATE OR REPLACE TEMP MACRO spark_real(x) AS CAST(spark_float(x) AS FLOAT)",
    _whole_number(
        "long",
        "BIGINT",
        -(2**63),
        2**63 - 1,
        """WHEN starts_with(typeof(x), 'TIMESTAMP')
        THEN CAST(floor(epoch(TRY_CAST(x AS TIMESTAMP))) AS BIGINT)
    ELSE TRY_CAST(x AS BIGINT)""",
    ),
    _whole_number(
        "int",
        "INTEGER",
        -(2**31),
        2**31 - 1,
        # Spark keeps the lowest 32 bits of a longer whole number.
        """ELSE CAST((TRY_CAST(x AS HUGEINT) + 2147483648) % 4294967296
        + CASE WHEN (TRY_CAST(x AS HUGEINT) + 2147483648) % 4294967296 < 0 THEN 4294967296 ELSE 0 END
        - 2147483648 AS INTEGER)""",
    ),
    """CREATE OR REPLACE TEMP MACRO spark_bool(x) AS CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE
        WHEN lower(trim(x::VARCHAR)) IN ('t', 'true', 'y', 'yes', '1') THEN true
        WHEN lower(trim(x::VARCHAR)) IN ('f', 'false', 'n', 'no', '0') THEN false END
    ELSE TRY_CAST(x AS BOOLEAN) END""",
    # The digits of a floating number in Java's form: 1.0E7, 5.0E-4.
    """CREATE OR REPLACE TEMP MACRO spark_digits(sign, digits, exponent) AS
    sign || left(digits, 1) || '.' || coalesce(nullif(substr(digits, 2), ''), '0') || 'E' || exponent""",
    """CREATE OR REPLACE TEMP MACRO spark_number_text(x) AS CASE
    WHEN isnan(TRY_CAST(x AS DOUBLE)) THEN 'NaN'
    WHEN isinf(TRY_CAST(x AS DOUBLE))
        THEN CASE WHEN TRY_CAST(x AS DOUBLE) > 0 THEN '' ELSE '-' END || 'Infinity'
    WHEN TRY_CAST(x AS DOUBLE) = 0 OR abs(TRY_CAST(x AS DOUBLE)) BETWEEN 0.001 AND 9999999.999999998
        THEN CAST(x AS VARCHAR)
    WHEN contains(CAST(x AS VARCHAR), 'e') THEN
        split_part(CAST(x AS VARCHAR), 'e', 1)
        || CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN '' ELSE '.0' END
        || 'E' || TRY_CAST(split_part(CAST(x AS VARCHAR), 'e', 2) AS INTEGER)
    WHEN abs(TRY_CAST(x AS DOUBLE)) >= 1 THEN spark_digits(
        CASE WHEN starts_with(CAST(x AS VARCHAR), '-') THEN '-' ELSE '' END,
        rtrim(replace(ltrim(CAST(x AS VARCHAR), '-'), '.', ''), '0'),
        length(split_part(ltrim(CAST(x AS VARCHAR), '-'), '.', 1)) - 1)
    ELSE spark_digits(
        CASE WHEN starts_with(CAST(x AS VARCHAR), '-') THEN '-' ELSE '' END,
        ltrim(split_part(CAST(x AS VARCHAR), '.', 2), '0'),
        length(ltrim(split_part(CAST(x AS VARCHAR), '.', 2), '0'))
            - length(split_part(CAST(x AS VARCHAR), '.', 2)) - 1) END""",
    """CREATE OR REPLACE TEMP MACRO spark_string(x) AS
    CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN spark_number_text(x) ELSE CAST(x AS VARCHAR) END""",
    "CREATE OR REPLACE TEMP MACRO spark_date(x) AS CAST(TRY_CAST(x AS TIMESTAMP) AS DATE)",
    "CREATE OR REPLACE TEMP MACRO spark_datetime(x) AS TRY_CAST(x AS TIMESTAMP)",
)


def cast_call(expression: Any, kind: str) -> Any:
    """A call of the macro that casts as Spark does; `kind` is a Spark type name such as bigint."""
    from sqlglot import exp

    for name, spellings in _casts.items():
        if kind.lower() in spellings:
            return exp.Anonymous(this=f"spark_{name}", expressions=[expression])
    known = ", ".join(name for spellings in _casts.values() for name in spellings)
    raise OperatorError(f"casts to {kind!r}, which this engine does not know", f"Known: {known}.")


def to_duckdb(formula: str, frame: Frame) -> str:
    """A Spark SQL expression over the columns of a frame, as DuckDB SQL; else OperatorError."""
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = parse(formula, read="spark")
    except SqlglotError as error:
        reason = str(error).split("\n")[0].split("\x1b")[0]
        raise OperatorError(
            f"does not parse as Spark SQL: {reason}", "Correct the formula.", "formula"
        ) from None
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or isinstance(tree, exp.Query | exp.Command | exp.DDL):
        raise OperatorError("is not an expression over columns", "Write one, such as 0.3 * a + b.", "formula")
    only_known(tree)

    def rewrite(node: Any) -> Any:
        if isinstance(node, exp.Literal) and not node.is_string:
            _must_fit(node.this)
        if isinstance(node, exp.Column):
            if node.table:
                raise OperatorError(
                    f"'{node.sql()}' names a table", "Use the column's name alone.", "formula"
                )
            return exp.column(frame.name(node.name, "formula"), quoted=True)
        if isinstance(node, exp.Cast | exp.TryCast):
            return cast_call(node.this, node.to.sql("spark"))
        return node

    return tree.transform(rewrite).sql(dialect="duckdb")


def _must_fit(number: str) -> None:
    """Refuse a number that is too large for any type of Spark's: a decimal of 38 digits, or a double."""
    digits = number.replace(".", "")
    if (digits.isdigit() and len(digits.lstrip("0")) > 38) or math.isinf(float(number)):
        message = f"holds a number that no type can: {number[:40]}"
        raise OperatorError(message, "Write one of at most 38 digits.", "formula")


def only_known(tree: Any, also: Sequence[str] = (), parameter: str = "formula") -> None:
    """Refuse what is not known to mean the same on DuckDB; `also` names further kinds of expressions."""
    from sqlglot import exp

    known = tuple(getattr(exp, name) for name in (*_expressions, *also))
    for node in tree.walk():
        if not isinstance(node, known):
            what = node.sql("spark")
            raise OperatorError(
                f"uses {what[:60]!r}, which this engine does not compute as Spark does",
                "Use arithmetic, comparisons, CASE, COALESCE, CAST, ABS, ROUND, UPPER, LOWER or TRIM.",
                parameter,
            )


_expressions = [
    "Column",
    "Identifier",
    "Literal",
    "Boolean",
    "Null",
    "Paren",
    "Neg",
    "Not",
    "And",
    "Or",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Mod",
    "EQ",
    "NEQ",
    "GT",
    "GTE",
    "LT",
    "LTE",
    "NullSafeEQ",
    "Is",
    "In",
    "Between",
    "Like",
    "Case",
    "If",
    "Coalesce",
    "Cast",
    "TryCast",
    "DataType",
    "Abs",
    "Round",
    "Upper",
    "Lower",
    "Trim",
    "Length",
    "Greatest",
    "Least",
    "Exp",
    "Tuple",
]
