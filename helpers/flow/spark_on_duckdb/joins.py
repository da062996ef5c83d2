"""Two tables made one: joins, unions and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import OperatorError
from . import types
from .analysis import Analyzer, Output
from .casts import cast
from .operators import comparison
from .relations import Relation, loose
from .trees import Attribute, Tree
from .typed import Typed, Unsupported

_join_kinds = {
    "inner": "INNER", "cross": "CROSS", "outer": "FULL", "full": "FULL", "fullouter": "FULL", "left": "LEFT",
    "leftouter": "LEFT", "right": "RIGHT", "rightouter": "RIGHT", "semi": "SEMI", "leftsemi": "SEMI",
    "anti": "ANTI", "leftanti": "ANTI",
}  # fmt: skip


def set_operation(one: Relation, operator: str, other: Relation) -> Relation:
    """UNION ALL, EXCEPT and so on with another table, column by column in their places."""
    if len(one.outputs) != len(other.outputs):
        raise OperatorError(
            f"puts a table of {len(one.outputs)} columns and one of {len(other.outputs)} together",
            "Select the same columns of both.",
            "code",
        )
    kinds = []
    for left, right in zip(one.outputs, other.outputs, strict=True):
        kind = types.common(left.type, right.type)
        if kind is None:
            raise OperatorError(
                f"puts '{left.name}' ({left.type}) and '{right.name}' ({right.type}) into one column",
                "Cast one of them.",
                "code",
            )
        kinds.append(kind)
    outputs = [one.workspace.output(each.name, kind) for each, kind in zip(one.outputs, kinds, strict=True)]
    sides = []
    for side in (one, other):
        listed = [
            f"{cast(Typed(old.column, old.type, None), new.type).sql} AS {new.column}"
            for old, new in zip(side.outputs, outputs, strict=True)
        ]
        sides.append(f"(SELECT {', '.join(listed)} FROM ({side.sql}) AS t)")
    adds_up = one.adds_up or other.adds_up
    return one.made(f" {operator} ".join(sides), outputs, **{**loose, "adds_up": adds_up})


def joined(one: Relation, other: Relation, how: str, on: Tree | None, using: Sequence[str] = ()) -> Relation:
    """Rows of both tables that go together. `using`: names both have, which come first and once."""
    kind = _join_kinds.get(how.lower().replace("_", "").replace(" ", ""))
    if kind is None:
        raise OperatorError(f"joins by {how!r}", f"Known: {', '.join(_join_kinds)}.", "code")
    same = {each.id for each in one.outputs} & {each.id for each in other.outputs}
    if same:
        if on is not None and same & set(_attributes(on)):
            raise Unsupported(
                "a join of a table with itself by df['...'] or df.name",
                "Join by names (on='...'), or rename the columns of one side before.",
            )
        other = other.fresh()
    both = [*one.outputs, *other.outputs]
    analyzer = Analyzer(both, (), one.workspace.python)
    pairs = [
        (Analyzer(one.outputs).output((name,))[0], Analyzer(other.outputs).output((name,))[0])
        for name in using
    ]
    conditions = [
        comparison("=", Typed(a.column, a.type, a.name), Typed(b.column, b.type, b.name)).sql
        for a, b in pairs
    ]
    if on is not None:
        conditions.append(analyzer.condition(on))
    if kind == "CROSS":
        kind = "INNER"
    clause = f" ON {' AND '.join(conditions) or 'true'}"
    outputs, listed = _columns(one, other, kind, pairs)
    sql = (
        f"SELECT {', '.join(listed)} FROM (SELECT {', '.join(one.columns)} FROM ({one.sql}) AS t) AS l "
        f"{kind} JOIN (SELECT {', '.join(other.columns)} FROM ({other.sql}) AS t) AS r{clause}"
    )
    adds_up = one.adds_up or other.adds_up
    return one.made(sql, outputs, **{**loose, "adds_up": adds_up})


def _columns(
    one: Relation, other: Relation, kind: str, pairs: Sequence[tuple[Output, Output]]
) -> tuple[list[Output], list[str]]:
    if kind in ("SEMI", "ANTI"):
        return list(one.outputs), one.columns
    keys, listed = [], []
    for left, right in pairs:
        if kind == "FULL":
            common = types.compared(left.type, right.type)
            if common is None or left.type != right.type:
                raise Unsupported("a full join of keys of different types", "Cast one of them.")
            key = one.workspace.output(left.name, common)
            keys.append(key)
            listed.append(f"coalesce({left.column}, {right.column}) AS {key.column}")
        else:
            key = right if kind == "RIGHT" else left
            keys.append(key)
            listed.append(key.column)
    taken = {each.id for pair in pairs for each in pair}
    rest = [each for each in (*one.outputs, *other.outputs) if each.id not in taken]
    return [*keys, *rest], [*listed, *(each.column for each in rest)]


def _attributes(tree: Any) -> list[int]:
    """The numbers of all columns of certain tables that an expression names."""
    if isinstance(tree, Attribute):
        return [tree.id]
    if isinstance(tree, tuple):
        return [number for each in tree for number in _attributes(each)]
    if hasattr(tree, "__dataclass_fields__"):
        return [number for name in tree.__dataclass_fields__ for number in _attributes(getattr(tree, name))]
    return []
