"""Steps as lines of pandas: one small function for each operator that has a short form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..operators import (
    Operator,
    custom_code,
    dataset,
    encode_categorical,
    formula,
    join,
    manage_columns,
    resolve,
    sources,
    split,
    types,
)
from .pandas_helpers import texts
from .recording import StepRecord

Code = tuple[str, tuple[str, ...]]
"""Lines of Python, and the names of the helpers that they call."""
_writers: dict[type[Operator], Callable[[Any, StepRecord], Code | None]] = {}


def pandas_code(step: StepRecord) -> Code | None:
    """A step as lines of pandas and the helpers it needs; None when it has no short form."""
    operator, _ = resolve(step.node)
    write = _writers.get(type(operator)) if operator else None
    return write(operator, step) if write else None


def helpers(needed: Iterable[str]) -> list[str]:
    """The texts of these helpers and of those they call, in the order they are to stand."""
    wanted, queue = set(), list(needed)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += [each for each in texts if each != name and re.search(rf"\b{each}\b", texts[name])]
    return [text for name, text in texts.items() if name in wanted]


def _writes(*kinds: type[Operator]) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        for kind in kinds:
            _writers[kind] = function
        return function

    return register


def _given(step: StepRecord) -> list[str]:
    return [before.tables[output] for before, output in step.before]


def _columns(step: StepRecord) -> list[list[str]]:
    """The columns of each input."""
    return [list(before.columns[output]) for before, output in step.before]


def _spelled(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Names as the table spells them."""
    lowered = {name.lower(): name for name in known}
    return [name if name in known else lowered[name.lower()] for name in names]


@_writes(sources.S3Source)
def _source(operator: sources.S3Source, step: StepRecord) -> Code | None:
    context = operator.dataset_definition.context
    [columns] = step.columns.values()
    plain = context.content_type == "csv" and len(context.delimiter) == 1 and not step.python
    if not plain or getattr(context, "add_filename", None):
        return None
    table = step.tables["default"]
    header = "True" if context.has_header else "False"
    return f"{table} = read_csv({table}_files, {list(columns)!r}, {context.delimiter!r}, {header})", (
        "read_csv",
    )


@_writes(types.InferAndCastType)
def _types(operator: types.InferAndCastType, step: StepRecord) -> Code | None:  # noqa: ARG001
    [(before, output)] = step.before
    [table], [after] = _given(step), step.columns.values()
    was = before.columns[output]
    lines, used = [], set()
    for name, kind in after.items():
        column = f"{table}[{name!r}]"
        if was.get(name) != kind:
            if was.get(name) != "string" or kind not in ("int64", "float64"):
                return None
            cast = {"int64": "to_long", "float64": "to_float"}[kind]
            used.add(cast)
            column = f"{cast}({column})"
        lines.append(f"        {name!r}: {column},")
    body = "\n".join(lines)
    return f"{step.tables['default']} = pd.DataFrame(\n    {{\n{body}\n    }}\n)", tuple(used)


@_writes(dataset.Identity)
def _identity(operator: Any, step: StepRecord) -> Code:  # noqa: ARG001
    return f"{step.tables['default']} = {_given(step)[0]}", ()


@_writes(manage_columns.DropColumn)
def _drop(operator: manage_columns.DropColumn, step: StepRecord) -> Code:
    [table], [known] = _given(step), _columns(step)
    return (
        f"{step.tables['default']} = {table}.drop(columns={_spelled(operator.column_to_drop, known)!r})",
        (),
    )


@_writes(manage_columns.RenameColumn)
def _rename(operator: manage_columns.RenameColumn, step: StepRecord) -> Code | None:
    [table], [known] = _given(step), _columns(step)
    if len(operator.pairs()) != 1:
        return None
    [(old, new)] = operator.pairs()
    [old] = _spelled([old], known)
    return f"{step.tables['default']} = {table}.rename(columns={{{old!r}: {new!r}}})", ()


@_writes(manage_columns.DuplicateColumn)
def _duplicate(operator: manage_columns.DuplicateColumn, step: StepRecord) -> Code:
    [table], [known] = _given(step), _columns(step)
    [old] = _spelled([operator.input_column], known)
    return f"{step.tables['default']} = {table}.assign(**{{{operator.new_name!r}: {table}[{old!r}]}})", ()


@_writes(
    manage_columns.MoveToStart,
    manage_columns.MoveToEnd,
    manage_columns.MoveToIndex,
    manage_columns.MoveAfter,
    manage_columns.MoveBefore,
)
def _move(operator: manage_columns.Move, step: StepRecord) -> Code:
    [table], [known], result = _given(step), _columns(step), step.tables["default"]
    moved = _spelled(operator.column_to_move, known)
    listed = ", ".join(map(repr, moved))
    if isinstance(operator, manage_columns.MoveToStart):
        return f"{result} = {table}[[{listed}, *{table}.columns.drop({moved!r})]]", ()
    if isinstance(operator, manage_columns.MoveToEnd):
        return f"{result} = {table}[[*{table}.columns.drop({moved!r}), {listed}]]", ()
    return f"{result} = {table}[{list(step.columns['default'])!r}]", ()


@_writes(formula.CustomFormula)
def _formula(operator: formula.CustomFormula, step: StepRecord) -> Code | None:
    from sqlglot import exp, parse_one

    [(before, output)] = step.before
    [table], kinds = _given(step), before.columns[output]
    known = list(kinds)

    def written(tree: Any) -> str | None:
        if isinstance(tree, exp.Column):
            [name] = _spelled([tree.name], known)
            return f"{table}[{name!r}]" if kinds[name] in ("float64", "int64") else None
        if isinstance(tree, exp.Literal) and not tree.is_string:
            return str(tree.this)
        if isinstance(tree, exp.Paren):
            inner = written(tree.this)
            return inner and f"({inner})"
        signs = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
        sign = signs.get(type(tree))
        left, right = (written(tree.this), written(tree.expression)) if sign else (None, None)
        return f"{left} {sign} {right}" if left and right else None

    floats = [name for name, kind in kinds.items() if kind == "float64"]
    tree = parse_one(operator.formula, read="spark")
    text = written(tree)
    only = [column.name.lower() for column in tree.find_all(exp.Column)]
    # Whole numbers alone may overflow or be decimals in Spark: those go through SQL.
    if text is None or not only or any(name not in [each.lower() for each in floats] for name in only):
        return None
    [name] = [each for each in step.columns["default"] if each.lower() == operator.output_column.lower()]
    return f"{step.tables['default']} = {table}.assign(**{{{name!r}: {text}}})", ()


@_writes(join.JoinTables)
def _join(operator: join.JoinTables, step: StepRecord) -> Code | None:
    if operator.join_type not in ("inner", "left"):
        return None
    (left, right), (columns_left, columns_right) = _given(step), _columns(step)
    after = list(step.columns["default"])
    names_left, names_right = after[: len(columns_left)], after[len(columns_left) :]
    [key_left] = _spelled([operator.left_column], columns_left)
    [key_right] = _spelled([operator.right_column], columns_right)
    if before_kind(step, 0, key_left) != before_kind(step, 1, key_right):
        return None
    on_left = names_left[columns_left.index(key_left)]
    on_right = names_right[columns_right.index(key_right)]

    def renamed(table: str, old: list[str], new: list[str]) -> str:
        changes = {a: b for a, b in zip(old, new, strict=True) if a != b}
        return f"{table}.rename(columns={changes!r})" if changes else table

    lines = [
        f"{step.tables['default']} = {renamed(left, columns_left, names_left)}.merge(",
        f"    {renamed(f'{right}.dropna(subset=[{key_right!r}])', columns_right, names_right)},",
        f"    left_on={on_left!r},",
        f"    right_on={on_right!r},",
        f"    how={operator.join_type!r},",
        ")",
    ]
    return "\n".join(lines), ()


def before_kind(step: StepRecord, place: int, column: str) -> str:
    """The type of a column of an input."""
    before, output = step.before[place]
    return before.columns[output][column]


@_writes(encode_categorical.OneHotEncode)
def _one_hot(operator: Any, step: StepRecord) -> Code | None:
    plain = operator.invalid_handling_strategy == "Keep" and operator.output_style == "Columns"
    if not plain or operator.input_already_ordinal_encoded or operator.output_column or operator.drop_last:
        return None
    if step.node.trained_parameters:
        return None
    [table], [known], result = _given(step), _columns(step), step.tables["default"]
    columns = _spelled(operator.input_column, known)
    if any(before_kind(step, 0, name) != "string" for name in columns):
        return None
    lines, given = [], table
    for name in columns:
        lines.append(f"{result} = one_hot({given}, {name!r})")
        given = result
    return "\n".join(lines), ("one_hot",)


@_writes(split.OrderedSplit)
def _ordered(operator: split.OrderedSplit, step: StepRecord) -> Code | None:
    [table], [known] = _given(step), _columns(step)
    if not operator.input_column:
        return None
    [name] = _spelled([operator.input_column], known)
    cuts = [f"cut_at({table}[{name!r}], {share!r})" for share in operator.cuts()]
    lines = []
    for place, part in enumerate(operator.splits):
        output = part.name if part.name in step.tables else "default" if place == 0 else ""
        if output not in step.tables:
            continue
        tests = [f"{table}[{name!r}] <= {cuts[place]}"] if place < len(cuts) else []
        tests += [f"{table}[{name!r}] > {cuts[place - 1]}"] if place else []
        test = " & ".join(f"({each})" for each in tests) if len(tests) > 1 else tests[0]
        lines.append(f"{step.tables[output]} = {table}[({test}).fillna(False)].reset_index(drop=True)")
    return "\n".join(lines), ("cut_at",)


@_writes(custom_code.CustomPandas, custom_code.CustomCodePandas)
def _custom(operator: custom_code.CustomPandas, step: StepRecord) -> Code:
    used = ["as_spark_gives", "as_spark_takes"]
    lines = [f"df = as_spark_gives({_given(step)[0]})", operator.code.strip("\n"), ""]
    if "get_dummies" in operator.code:
        used.append("dummies_of_numbers")
        lines.insert(0, "pd.get_dummies = dummies_of_numbers")
    return "\n".join([*lines, f"{step.tables['default']} = as_spark_takes(df)"]), tuple(used)
