"""Spark's functions of numbers on DuckDB that depend on the types of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import types
from .casts import cast, fitted
from .operators import arithmetic, negative
from .typed import Typed, Unsupported, combined, literal, named, wrong_count


def _rounded(name: str) -> Callable[[Sequence[Typed]], Typed]:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 1, 2)
        value = arguments[0]
        places = int(str(literal(arguments[1], name, int))) if len(arguments) > 1 else 0
        shown = f"{name}({value.name}, {places})" if value.name is not None else None
        if value.type == types.string:
            value = cast(value, types.double)
        if value.type.whole:
            if places >= 0:
                return combined(value.sql, value.type, shown, (value,))
            raise Unsupported(f"{name} of whole numbers to {places} places")
        if not value.type.floating and value.type.name != "decimal":
            raise Unsupported(f"{name} of {value.type}")
        if places < 0 or places > 15:
            raise Unsupported(f"{name} to {places} places")
        if value.type == types.real:
            raise Unsupported(f"{name} of float", "Cast it to double.")
        if value.type.floating:
            macro = "spark_round" if name == "round" else "spark_bround"
            return combined(f"{macro}({value.sql}, {places})", types.double, shown, (value,))
        if name == "bround":
            raise Unsupported("bround of decimal", "Cast it to double.")
        scale = min(places, value.type.scale)
        digits = value.type.precision - value.type.scale + scale + (1 if scale < value.type.scale else 0)
        kind = types.decimal(min(digits, 38), scale)
        sql = f"CAST(round({value.sql}, {scale}) AS {kind.duckdb})"
        return combined(sql, kind, shown, (value,))

    return apply


def _to_whole(name: str) -> Callable[[Sequence[Typed]], Typed]:
    upper = {"floor": "FLOOR", "ceil": "CEIL"}[name]

    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 1, 1)
        [value] = arguments
        shown = f"{upper}({value.name})" if value.name is not None else None
        if value.type.whole:
            return combined(f"CAST({value.sql} AS BIGINT)", types.bigint, shown, (value,))
        if value.type.name == "decimal":
            kind = types.decimal(min(38, value.type.precision - value.type.scale + 1), 0)
            return combined(f"CAST({name}({value.sql}) AS {kind.duckdb})", kind, shown, (value,))
        number = fitted(value, types.double, name)
        return combined(f"spark_long({name}({number.sql}))", types.bigint, shown, (value,))

    return apply


def _absolute(arguments: Sequence[Typed]) -> Typed:
    wrong_count("abs", arguments, 1, 1)
    [value] = arguments
    number = value if value.type.numeric else fitted(value, types.double, "abs")
    sql = f"abs({number.sql})"
    if number.type.whole:
        sql = f"spark_wrap_{number.type.name}(abs(CAST({number.sql} AS HUGEINT)))"
    return combined(sql, number.type, named("abs", arguments), arguments)


def _log(arguments: Sequence[Typed]) -> Typed:
    wrong_count("log", arguments, 1, 2)
    given = [fitted(each, types.double, "log") for each in arguments]
    if len(given) == 1:
        shown = f"LOG(E(), {arguments[0].name})"
        return combined(f"spark_log({given[0].sql})", types.double, shown, arguments)
    base, value = given
    sql = f"(spark_log({value.sql}) / spark_log({base.sql}))"
    return combined(sql, types.double, f"LOG({arguments[0].name}, {arguments[1].name})", arguments)


def _log1p(arguments: Sequence[Typed]) -> Typed:
    wrong_count("log1p", arguments, 1, 1)
    x = fitted(arguments[0], types.double, "log1p").sql
    # Exact for small numbers too: ln(1 + x) loses them.
    sql = (
        f"CASE WHEN isnan({x}) THEN {x} WHEN {x} > -1 THEN CASE WHEN 1 + {x} = 1 THEN {x} "
        f"WHEN isinf({x}) THEN {x} ELSE ln(1 + {x}) * {x} / ((1 + {x}) - 1) END END"
    )
    return combined(f"({sql})", types.double, f"LOG1P({arguments[0].name})", arguments)


def _expm1(arguments: Sequence[Typed]) -> Typed:
    wrong_count("expm1", arguments, 1, 1)
    x = fitted(arguments[0], types.double, "expm1").sql
    # (e^x - 1) * x / ln(e^x): exact for small numbers too.
    sql = (
        f"CASE WHEN abs({x}) < 1 AND exp({x}) <> 1 THEN (exp({x}) - 1) * {x} / ln(exp({x})) "
        f"WHEN exp({x}) = 1 THEN {x} ELSE exp({x}) - 1 END"
    )
    return combined(f"({sql})", types.double, f"EXPM1({arguments[0].name})", arguments)


def _modulo(arguments: Sequence[Typed]) -> Typed:
    wrong_count("mod", arguments, 2, 2)
    found = arithmetic("%", *arguments)
    return combined(found.sql, found.type, named("mod", arguments), arguments)


def _positive_modulo(arguments: Sequence[Typed]) -> Typed:
    wrong_count("pmod", arguments, 2, 2)
    kind = types.tightest(arguments[0].type, arguments[1].type)
    if kind not in (types.integer, types.bigint, types.double):
        raise Unsupported(f"pmod of {arguments[0].type} and {arguments[1].type}", "Cast them to double.")
    left, right = (cast(each, kind).sql for each in arguments)
    rest = f"({left} % nullif({right}, 0))"
    # As Spark: what is below 0 gets the divisor once, and the rest of that.
    wide = "DOUBLE" if kind == types.double else "HUGEINT"
    again = f"CAST((CAST({rest} AS {wide}) + {right}) % {right} AS {kind.duckdb})"
    sql = f"CASE WHEN {rest} < 0 THEN {again} ELSE {rest} END"
    return combined(sql, kind, named("pmod", arguments), arguments)


def _rint(arguments: Sequence[Typed]) -> Typed:
    wrong_count("rint", arguments, 1, 1)
    number = fitted(arguments[0], types.double, "rint")
    sql = f"CASE WHEN isfinite({number.sql}) THEN round_even({number.sql}, 0) ELSE {number.sql} END"
    return combined(sql, types.double, named("rint", arguments), arguments)


def _negative(arguments: Sequence[Typed]) -> Typed:
    wrong_count("negative", arguments, 1, 1)
    found = negative(arguments[0])
    return combined(found.sql, found.type, named("negative", arguments), arguments)


def _ceiling(arguments: Sequence[Typed]) -> Typed:
    found = _to_whole("ceil")(arguments)
    return combined(found.sql, found.type, named("ceiling", arguments), arguments)


functions = {
    "round": _rounded("round"),
    "bround": _rounded("bround"),
    "floor": _to_whole("floor"),
    "ceil": _to_whole("ceil"),
    "ceiling": _ceiling,
    "abs": _absolute,
    "log": _log,
    "log1p": _log1p,
    "expm1": _expm1,
    "mod": _modulo,
    "pmod": _positive_modulo,
    "rint": _rint,
    "negative": _negative,
}
