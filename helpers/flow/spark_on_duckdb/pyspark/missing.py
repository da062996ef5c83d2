"""Missing values and values in place of others, as PySpark's fillna, dropna and replace have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import OperatorError
from ..analysis import Output
from ..casts import cast
from ..literals import typed_literal
from ..relations import Relation, hidden
from ..typed import Unsupported
from ..types import Type, double


def _chosen(relation: Relation, subset: Any) -> list[Output]:
    if subset is None:
        return list(relation.outputs)
    names = [subset] if isinstance(subset, str) else list(subset)
    return [relation.analyzer.output((name,))[0] for name in names]


def _there(output: Output) -> str:
    """SQL that is true where a column has a value."""
    nan = f" AND NOT isnan({output.column})" if output.type.floating else ""
    return f"({output.column} IS NOT NULL{nan})"


def with_enough(relation: Relation, how: str, thresh: int | None, subset: Any) -> Relation:
    """Rows with enough values in the chosen columns."""
    if how not in ("any", "all"):
        raise ValueError("how ('" + str(how) + "') should be 'any' or 'all'")
    chosen = _chosen(relation, subset)
    least = thresh if thresh is not None else len(chosen) if how == "any" else 1
    there = " + ".join(f"CAST({_there(each)} AS INTEGER)" for each in chosen) or "0"
    sql = f"SELECT * FROM ({relation.sql}) AS t WHERE {there} >= {int(least)}"
    return relation.made(sql, relation.outputs)


def _changed(relation: Relation, changed: dict[int, str]) -> Relation:
    """The table with other SQL for some columns, which are new columns then."""
    outputs, listed = [], []
    for each in relation.outputs:
        if each.id in changed:
            new = relation.workspace.output(each.name, each.type, each.tables)
            outputs.append(new)
            listed.append(f"{changed[each.id]} AS {new.column}")
        else:
            outputs.append(each)
            listed.append(each.column)
    if relation.ordered:
        listed.append(hidden)
    return relation.made(f"SELECT {', '.join(listed)} FROM ({relation.sql}) AS t", outputs)


def filled(relation: Relation, value: Any, subset: Any) -> Relation:
    """Missing values filled; a dict names columns, anything else fills the columns of its own type."""
    if isinstance(value, dict):
        pairs = [(relation.analyzer.output((name,))[0], each) for name, each in value.items()]
    else:
        pairs = [(each, value) for each in _chosen(relation, subset)]
    changed = {}
    for output, new in pairs:
        if not isinstance(new, bool | int | float | str):
            raise OperatorError(
                f"fills with {type(new).__name__}", "Use a number, a text, a truth value or a dict.", "code"
            )
        if _fits(new, output.type):
            given = typed_literal(float(new) if isinstance(new, float) else new)
            changed[output.id] = (
                f"CASE WHEN {_there(output)} THEN {output.column} ELSE {cast(given, output.type).sql} END"
            )
        elif isinstance(value, dict):
            raise Unsupported(
                f"fillna of '{output.name}' ({output.type}) with {new!r}", "Use a value of its type."
            )
    return _changed(relation, changed)


def _fits(value: Any, kind: Type) -> bool:
    if isinstance(value, bool):
        return kind.name == "boolean"
    if isinstance(value, int | float):
        return kind.numeric
    return kind.name == "string"


def replaced(relation: Relation, to_replace: Any, value: Any, subset: Any) -> Relation:
    """Values in place of others, in the chosen columns whose type the values to replace have."""
    pairs = _pairs(to_replace, value)
    kinds = {_family(old) for old, _ in pairs} | {_family(new) for _, new in pairs if new is not None}
    if len(kinds) != 1:
        raise OperatorError("replaces values of several types", "Use one call for each type.", "code")
    [family] = kinds
    changed = {}
    for output in _chosen(relation, subset):
        if not {
            "number": output.type.numeric,
            "text": output.type.name == "string",
            "truth": output.type.name == "boolean",
        }[family]:
            continue
        if output.type.name == "decimal":
            raise Unsupported("replace in decimal columns")
        cases = " ".join(
            f"WHEN {output.column} = {_literal(old, output.type)} THEN {_literal(new, output.type)}"
            for old, new in pairs
        )
        changed[output.id] = f"CASE {cases} ELSE {output.column} END"
    return _changed(relation, changed)


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return f"CAST(NULL AS {kind.duckdb})"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return cast(typed_literal(float(value)), kind if kind != double else double).sql
    return typed_literal(value).sql


def _pairs(to_replace: Any, value: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(to_replace, dict):
        return list(to_replace.items())
    olds = list(to_replace) if isinstance(to_replace, list | tuple) else [to_replace]
    if isinstance(value, list | tuple):
        if len(value) != len(olds):
            raise ValueError(
                f"to_replace and value lists should be of the same length, got {len(olds)}, {len(value)}"
            )
        return list(zip(olds, value, strict=True))
    return [(old, value) for old in olds]


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    raise Unsupported(f"replace of {type(value).__name__}")
