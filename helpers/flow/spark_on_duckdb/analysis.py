"""From expressions as they are written to typed DuckDB SQL over the columns of a table."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import OperatorError
from . import trees, types
from .aggregates import aggregates, over, places, settled, window_functions
from .arrays import field
from .casts import alike, cast, never_fails
from .functions import functions, same_as
from .literals import typed_literal
from .operators import arithmetic, comparison, logical, negative
from .trees import Tree
from .typed import Typed, Unsupported, combined, named, unknown
from .types import Type
from .windows import window_clause


@dataclass(frozen=True)
class Output:
    """A column of a table: its number (unique in a run), name, type, and the tables it is known to be of."""

    id: int
    name: str
    type: Type
    tables: frozenset[str] = frozenset()
    sql: str = ""

    @property
    def column(self) -> str:
        """What the column is called in SQL."""
        return self.sql or f"a{self.id}"


class Analyzer:
    """Looks up columns among `outputs`, gives types. `ties` is SQL that decides between rows that sort alike.

    `python` makes a Python function known to the database and returns its name there. `ordered`: the SQL of
    the column that holds the order of rows, if there is one.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        ties: Sequence[str] = (),
        python: Callable[[trees.PythonCall, list[Type]], str] | None = None,
        ordered: str = "",
    ) -> None:
        self.outputs, self.ties, self.python, self.ordered = outputs, ties, python, ordered
        self.numbered = False
        """Whether an expression asked for the numbers of rows."""

    def typed(self, tree: Tree) -> Typed:
        """The expression, aggregates without windows settled."""
        return settled(self._typed(tree))

    def condition(self, tree: Tree) -> str:
        """SQL of a condition, which must be a truth value."""
        found = self.typed(tree)
        if found.type == types.void:
            return "NULL"
        if found.type != types.boolean:
            raise OperatorError(
                f"filters by a value of type {found.type}", "Filter by a truth value: compare it.", "code"
            )
        return found.sql

    def output(self, parts: Sequence[str]) -> tuple[Output, Sequence[str]]:
        """The column these parts of a name mean, and the fields of it that are asked for."""
        for count in (2, 1):
            if len(parts) < count:
                continue
            wanted = parts[count - 1].lower()
            found = [
                each
                for each in self.outputs
                if each.name.lower() == wanted and (count == 1 or parts[0].lower() in each.tables)
            ]
            if len(found) > 1:
                raise OperatorError(
                    f"names the column '{'.'.join(parts)}', of which there are {len(found)}",
                    "Say which: df['name'] of one table, or rename one before.",
                    "code",
                )
            if found:
                return replace(found[0], name=parts[count - 1]), parts[count:]
        names = [each.name for each in self.outputs]
        close = difflib.get_close_matches(parts[-1], names, n=1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise OperatorError(
            f"there is no column '{'.'.join(parts)}'",
            f"{hint}The columns here: {', '.join(names[:40])}.",
            "code",
        )

    def attribute(self, tree: Tree) -> Output | None:
        """The column that the expression is, when it is nothing but one."""
        if isinstance(tree, trees.Attribute):
            found = [each for each in self.outputs if each.id == tree.id]
            if not found:
                raise OperatorError(
                    f"uses the column '{tree.name}' of another table than the one at hand",
                    "Name it by F.col('...'), or take it from this table.",
                    "code",
                )
            return found[0]
        if isinstance(tree, trees.Name):
            output, rest = self.output(tree.parts)
            return None if rest else output
        return None

    def _typed(self, tree: Tree) -> Typed:
        if isinstance(tree, trees.Attribute | trees.Name):
            return self._column(tree)
        if isinstance(tree, trees.Literal):
            return typed_literal(tree.value, tree.kind if tree.kind.whole else None)
        if isinstance(tree, trees.Call):
            return self._call(tree)
        if isinstance(tree, trees.Cast):
            return self._cast(tree)
        if isinstance(tree, trees.Case):
            return self._case(tree)
        if isinstance(tree, trees.In):
            return self._in(tree)
        if isinstance(tree, trees.Alias):
            return replace(self._typed(tree.child), name=tree.name)
        if isinstance(tree, trees.Windowed):
            return self._windowed(tree)
        if isinstance(tree, trees.PythonCall):
            return self._python(tree)
        if isinstance(tree, trees.Query):
            return self._query(tree)
        raise Unsupported(type(tree).__name__.lower())

    def _column(self, tree: trees.Attribute | trees.Name) -> Typed:
        output = self.attribute(tree)
        if output is not None:
            return Typed(output.column, output.type, output.name)
        assert isinstance(tree, trees.Name)
        output, rest = self.output(tree.parts)
        found = Typed(output.column, output.type, output.name)
        for each in rest:
            found = field(found, each)
        return found

    def _cast(self, tree: trees.Cast) -> Typed:
        value = self._typed(tree.child)
        name = None
        written = isinstance(tree.child, trees.Literal) and tree.child.value is not None
        if value.name is not None and not written:
            word = "TRY_CAST" if tree.careful else "CAST"
            name = f"{word}({value.name} AS {str(tree.kind).upper()})"
        if tree.careful and not never_fails(value.type, tree.kind):
            raise Unsupported(f"TRY_CAST of {value.type} to {tree.kind}", "Cast it plainly: it is null, too.")
        return replace(cast(value, tree.kind), name=name, value=unknown)

    def _case(self, tree: trees.Case) -> Typed:
        conditions = [self._typed(condition) for condition, _ in tree.branches]
        for each in conditions:
            if each.type not in (types.boolean, types.void):
                raise OperatorError(
                    f"has a WHEN of type {each.type}", "Give it a truth value: compare it.", "code"
                )
        results = [self._typed(result) for _, result in tree.branches]
        otherwise = [self._typed(tree.otherwise)] if tree.otherwise is not None else []
        given = alike([*results, *otherwise], "CASE")
        sql = "CASE " + " ".join(
            f"WHEN {condition.sql} THEN {result.sql}"
            for condition, result in zip(conditions, given, strict=False)
        )
        shown = "CASE " + " ".join(
            f"WHEN {condition.name} THEN {result.name}"
            for condition, result in zip(conditions, results, strict=True)
        )
        if otherwise:
            sql, shown = f"{sql} ELSE {given[-1].sql}", f"{shown} ELSE {otherwise[0].name}"
        return combined(f"({sql} END)", given[0].type, f"{shown} END", [*conditions, *results, *otherwise])

    def _in(self, tree: trees.In) -> Typed:
        values = [self._typed(tree.child), *(self._typed(each) for each in tree.values)]
        if len(values) == 1:
            raise Unsupported("IN without values")
        given = alike(values, "IN")
        sql = f"({given[0].sql} IN ({', '.join(each.sql for each in given[1:])}))"
        name = f"({values[0].name} IN ({', '.join(str(each.name) for each in values[1:])}))"
        return combined(sql, types.boolean, name, values)

    def _call(self, tree: trees.Call) -> Typed:
        written = tree.function
        name = same_as.get(written, written)
        if name == "monotonically_increasing_id":
            return self._row_numbers()
        if name in window_functions and name not in aggregates:
            raise Unsupported(f"{written} without a window", "Give it a window: .over(Window...).")
        parts = [self._typed(each) for each in tree.arguments]
        if name in aggregates:
            settled_parts = [settled(part) for part in parts]
            if any(part.aggregates for part in parts):
                settled_parts = [replace(part, aggregates=False) for part in settled_parts]
            found = aggregates[name](settled_parts, tree.distinct)
            return self._named_as(found, name, written)
        if tree.distinct:
            raise Unsupported(f"{written}(DISTINCT ...)")
        if name in ("+", "-", "*", "/", "%", "div"):
            return arithmetic(name, *parts)
        if name in ("=", "!=", "<", "<=", ">", ">=", "<=>"):
            return comparison(name, *parts)
        if name in ("and", "or", "not"):
            return logical(name, parts)
        if name == "-x":
            return negative(parts[0])
        if name not in functions:
            raise Unsupported(f"the function {written}")
        return self._named_as(functions[name](parts), name, written)

    def _named_as(self, found: Typed, name: str, written: str) -> Typed:
        if written in _capitals and found.name is not None:
            return replace(found, name=written.upper() + found.name[len(name) :])
        if name == written or found.name is None or not found.name.startswith(f"{name}("):
            return found
        return replace(found, name=written + found.name[len(name) :])

    def _row_numbers(self) -> Typed:
        if not self.ordered:
            raise Unsupported("monotonically_increasing_id of rows without an order", "Sort them before.")
        self.numbered = True
        sql = f"CAST(row_number() OVER (ORDER BY {self.ordered}) - 1 AS BIGINT)"
        return Typed(sql, types.bigint, "monotonically_increasing_id()", windows=True)

    def _windowed(self, tree: trees.Windowed) -> Typed:
        call = tree.call
        if isinstance(call, trees.Alias):
            call = call.child
        if not isinstance(call, trees.Call):
            raise Unsupported("over() of something that is no function")
        name, window = same_as.get(call.function, call.function), tree.window
        partition = [settled(self._typed(each)) for each in window.partition]
        order = [self.sort_key(each) for each in window.order]
        if name in window_functions:
            arguments = [settled(self._typed(each)) for each in call.arguments]
            sql, kind = window_functions[name](arguments)
            inner = [each.aggregates for each in arguments]
            if not order:
                raise OperatorError(
                    f"calls {name} over a window without an order", "Order the window.", "code"
                )
            if name in ("lag", "lead", "row_number", "rank", "dense_rank", "percent_rank", "ntile"):
                window = replace(window, unit="", start=None, end=None)
        else:
            if call.distinct:
                raise Unsupported("distinct values in a window")
            found = self._call(call)
            if not found.aggregates:
                raise OperatorError(
                    f"calls {name} over a window", "Use an aggregate or a window function.", "code"
                )
            sql, kind = found.sql, found.type
            inner = [self._typed(each).aggregates for each in call.arguments]
        sql = sql.replace(
            over, f" OVER ({window_clause(partition, order, window, self._ties(name, window))})"
        )
        return Typed(sql, kind, None, aggregates=any(inner), windows=True)

    def _ties(self, name: str, window: trees.Window) -> Sequence[str]:
        return self.ties if name in places or window.unit == "ROWS" else ()

    def sort_key(self, tree: Tree) -> str:
        """SQL of one key to sort by."""
        key = tree if isinstance(tree, trees.Sorted) else trees.Sorted(tree)
        value = self.typed(key.child)
        if not value.type.atomic:
            raise Unsupported(f"sorting by {value.type}")
        nulls = "FIRST" if key.nulls_first else "LAST"
        # A number alone would be the place of a column.
        sql = f"({value.sql} + 0)" if value.literal and value.type.numeric else value.sql
        return f"{sql} {'DESC' if key.descending else 'ASC'} NULLS {nulls}"

    def _python(self, tree: trees.PythonCall) -> Typed:
        if self.python is None:
            raise Unsupported("a Python function here")
        parts = [self.typed(each) for each in tree.arguments]
        name = self.python(tree, [each.type for each in parts])
        function = getattr(tree.function, "__name__", "")
        shown = named(function, parts) if function and function != "<lambda>" else named("<lambda>", parts)
        sql = f"{name}({', '.join(each.sql for each in parts)})"
        if tree.kind == types.string:
            sql = f"({sql} || '')"  # DuckDB 1.5 forgets to keep the texts of an Arrow function otherwise.
        return combined(sql, tree.kind, shown, parts)

    def _query(self, tree: trees.Query) -> Typed:
        if tree.exists:
            return Typed(f"EXISTS ({tree.sql})", types.boolean, None)
        if tree.member is None:
            return Typed(f"({tree.sql})", tree.kind, None)
        value = self.typed(tree.member)
        if value.type != tree.kind:
            raise Unsupported(f"{value.type} IN a query of {tree.kind}", "Cast one of them.")
        return combined(f"({value.sql} IN ({tree.sql}))", types.boolean, None, (value,))


_capitals = (
    "power", "sqrt", "cbrt", "exp", "log10", "log2", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "degrees", "radians", "hypot", "signum", "pi", "e", "regexp", "regexp_like",
)  # fmt: skip
"""Functions that Spark writes in capitals in the names of columns."""
