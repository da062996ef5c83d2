"""Spark SQL as expressions: sqlglot reads it, with every function left as it is written."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from typing import Any

from ..errors import OperatorError
from . import trees, types
from .dialect import parsed
from .trees import Tree
from .typed import Unsupported
from .types import spark_type

Subquery = Callable[[Any, Tree | None, bool], Tree]


def expression(text: str, parameter: str = "code", what: str = "expression") -> Tree:
    """A Spark SQL expression. Raises OperatorError."""
    from sqlglot import exp

    node = parsed(text, parameter, what)
    if isinstance(node, exp.Query | exp.Command | exp.DDL):
        raise OperatorError("is not an expression over columns", "Write one, such as 0.3 * a + b.", parameter)
    return tree_of(node)


_binary = {
    "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%", "IntDiv": "div", "EQ": "=", "NEQ": "!=",
    "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NullSafeEQ": "<=>", "And": "and", "Or": "or",
    "Like": "like", "ILike": "ilike", "RegexpLike": "rlike", "DPipe": "concat",
}  # fmt: skip
no_functions = frozenset(["getitem", "between", "extract"])
"""What has the form of a function in trees, but not in Spark SQL."""
_bare = ("current_date", "current_timestamp")


def name_parts(name: str) -> tuple[str, ...]:
    """A column's name as Spark reads it: dots stand between parts, but not between back-ticks."""
    parts, current, quoted, was = [], "", False, False
    place = 0
    while place < len(name):
        each = name[place]
        if each == "`":
            if quoted and name[place + 1 : place + 2] == "`":
                current += "`"
                place += 1
            else:
                quoted, was = not quoted, True
        elif each == "." and not quoted:
            parts.append(current)
            current, was = "", False
        else:
            current += each
        place += 1
    if quoted or not (current or was):
        raise OperatorError(f"has the name {name!r}, which Spark cannot read", "Correct it.", "code")
    return (*parts, current)


def tree_of(node: Any, subquery: Subquery | None = None) -> Tree:
    """A node of sqlglot's tree as an expression; `subquery` makes those of queries inside."""
    return _Reader(subquery).read(node)


class _Reader:
    def __init__(self, subquery: Subquery | None) -> None:
        self.subquery = subquery

    def read(self, node: Any) -> Tree:
        """One node."""
        kind = type(node).__name__
        if kind in _binary and not node.args.get("escape"):
            return self._call(_binary[kind], node.this, node.expression)
        method = getattr(self, f"_{kind.lower()}", None)
        if method is None:
            raise Unsupported(repr(node.sql("spark")[:60]))
        return method(node)  # type: ignore[no-any-return]

    def _call(self, function: str, *nodes: Any) -> Tree:
        return trees.Call(function, tuple(self.read(each) for each in nodes))

    def _paren(self, node: Any) -> Tree:
        return self.read(node.this)

    def _column(self, node: Any) -> Tree:
        from sqlglot import exp

        if isinstance(node.this, exp.Star):
            return trees.Star(node.table)
        parts = tuple(part.name for part in node.parts)
        if len(parts) == 1 and not node.this.args.get("quoted") and parts[0].lower() in _bare:
            return trees.Call(parts[0].lower(), ())
        return trees.Name(parts)

    def _dot(self, node: Any) -> Tree:
        inner = self.read(node.this)
        if isinstance(inner, trees.Name):
            return trees.Name((*inner.parts, node.expression.name))
        return trees.Call("getitem", (inner, trees.Literal(node.expression.name, types.string)))

    def _star(self, node: Any) -> Tree:
        if any(node.args.get(each) for each in ("except_", "except", "replace", "rename")):
            raise Unsupported("* EXCEPT")
        return trees.Star()

    def _literal(self, node: Any) -> Tree:
        text = node.this
        if node.is_string:
            return trees.Literal(text, types.string)
        _must_fit(text)
        if text.isdigit():
            return _whole(int(text))
        if "e" in text.lower():
            return trees.Literal(float(text), types.double)
        return trees.Literal(decimal.Decimal(text), types.decimal(1, 0))

    def _boolean(self, node: Any) -> Tree:
        return trees.Literal(bool(node.this), types.boolean)

    def _null(self, _node: Any) -> Tree:
        return trees.Literal(None, types.void)

    def _neg(self, node: Any) -> Tree:
        return self._call("-x", node.this)

    def _not(self, node: Any) -> Tree:
        from sqlglot import exp

        if isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null):
            return self._call("isnotnull", node.this.this)
        return self._call("not", node.this)

    def _is(self, node: Any) -> Tree:
        from sqlglot import exp

        if isinstance(node.expression, exp.Null):
            return self._call("isnull", node.this)
        if isinstance(node.expression, exp.Boolean):
            return self._call("<=>", node.this, node.expression)
        raise Unsupported(repr(node.sql("spark")[:60]))

    def _in(self, node: Any) -> Tree:
        query = node.args.get("query")
        if query is not None:
            return self._inner(query, self.read(node.this), False)
        return trees.In(self.read(node.this), tuple(self.read(each) for each in node.expressions))

    def _between(self, node: Any) -> Tree:
        return self._call("between", node.this, node.args["low"], node.args["high"])

    def _case(self, node: Any) -> Tree:
        given = self.read(node.this) if node.this is not None else None
        branches = []
        for each in node.args["ifs"]:
            condition = self.read(each.this)
            if given is not None:
                condition = trees.Call("=", (given, condition))
            branches.append((condition, self.read(each.args["true"])))
        otherwise = node.args.get("default")
        return trees.Case(tuple(branches), self.read(otherwise) if otherwise is not None else None)

    def _if(self, node: Any) -> Tree:
        return self._call("if", node.this, node.args["true"], node.args.get("false"))

    def _cast(self, node: Any) -> Tree:
        if node.args.get("format"):
            raise Unsupported("CAST with a format")
        careful = bool(node.args.get("safe"))  # To sqlglot, every CAST of Spark is a TryCast.
        return trees.Cast(self.read(node.this), spark_type(node.to.sql("spark")), careful)

    _trycast = _cast

    def _trim(self, node: Any) -> Tree:
        place = str(node.args.get("position") or "BOTH").upper()
        name = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[place]
        given = [node.this] + ([node.expression] if node.expression is not None else [])
        return self._call(name, *given)

    def _extract(self, node: Any) -> Tree:
        part = trees.Literal(node.name.lower(), types.string)
        return trees.Call("extract", (part, self.read(node.expression)))

    def _anonymous(self, node: Any) -> Tree:
        from sqlglot import exp

        name, given = str(node.this).lower(), list(node.expressions)
        if name in no_functions:
            raise Unsupported(f"the function {name}")
        if name in ("ltrim", "rtrim") and len(given) == 2:
            given.reverse()  # SQL has what is cut off in front.
        if name == "if" and len(given) == 3:
            return self._call("if", *given)
        distinct = len(given) == 1 and isinstance(given[0], exp.Distinct)
        if distinct:
            given = given[0].expressions
        if name == "count" and any(isinstance(each, exp.Star) for each in given):
            return trees.Call("count", (_whole(1),), distinct)
        if any(isinstance(each, exp.Star | exp.Lambda | exp.Kwarg) for each in given):
            raise Unsupported(repr(node.sql("spark")[:60]))
        return trees.Call(name, tuple(self.read(each) for each in given), distinct)

    def _bracket(self, node: Any) -> Tree:
        if len(node.expressions) != 1 or node.args.get("offset"):
            raise Unsupported(repr(node.sql("spark")[:60]))
        return self._call("getitem", node.this, node.expressions[0])

    def _alias(self, node: Any) -> Tree:
        return trees.Alias(self.read(node.this), node.alias)

    def _ordered(self, node: Any) -> Tree:
        descending = bool(node.args.get("desc"))
        first = node.args.get("nulls_first")
        return trees.Sorted(
            self.read(node.this), descending, not descending if first is None else bool(first)
        )

    def _window(self, node: Any) -> Tree:
        if node.args.get("alias"):
            raise Unsupported("a named window")
        order = node.args.get("order")
        window = trees.Window(
            tuple(self.read(each) for each in node.args.get("partition_by") or ()),
            tuple(self.read(each) for each in order.expressions) if order is not None else (),
        )
        frame = node.args.get("spec")
        if frame is not None:
            window = trees.Window(
                window.partition,
                window.order,
                str(frame.args["kind"]).upper(),
                _bound(frame.args.get("start"), frame.args.get("start_side")),
                _bound(frame.args.get("end") or "CURRENT ROW", frame.args.get("end_side")),
            )
        inner = node.this
        if type(inner).__name__ in ("IgnoreNulls", "RespectNulls"):
            call = self.read(inner.this)
            assert isinstance(call, trees.Call)
            ignores = type(inner).__name__ == "IgnoreNulls"
            call = trees.Call(
                call.function, (call.arguments[0], trees.Literal(ignores, types.boolean)), call.distinct
            )
            return trees.Windowed(call, window)
        return trees.Windowed(self.read(inner), window)

    def _subquery(self, node: Any) -> Tree:
        return self._inner(node, None, False)

    def _select(self, node: Any) -> Tree:
        return self._inner(node, None, False)

    def _exists(self, node: Any) -> Tree:
        return self._inner(node.this, None, True)

    def _inner(self, node: Any, member: Tree | None, exists: bool) -> Tree:
        if self.subquery is None:
            raise Unsupported("a query inside an expression")
        return self.subquery(node, member, exists)


def _must_fit(number: str) -> None:
    """Refuse a number that is too large for any type of Spark's: a decimal of 38 digits, or a double."""
    digits = number.replace(".", "")
    if (digits.isdigit() and len(digits.lstrip("0")) > 38) or math.isinf(float(number)):
        message = f"holds a number that no type can: {number[:40]}"
        raise OperatorError(message, "Write one of at most 38 digits.", "code")


def _whole(number: int) -> Tree:
    if number >= 2**63:
        return trees.Literal(decimal.Decimal(number), types.decimal(20, 0))
    return trees.Literal(number, types.integer if number < 2**31 else types.bigint)


def _bound(place: Any, side: Any) -> int | None:
    if isinstance(place, str):
        return None if place.upper() == "UNBOUNDED" else 0
    if place is None or not getattr(place, "is_int", False):
        raise Unsupported("a window frame whose ends are not numbers")
    number = int(place.this)
    return -number if str(side).upper() == "PRECEDING" else number
