"""Spark's functions of texts on DuckDB that depend on an argument's value, such as a Java pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import OperatorError
from ..java_regex import JavaRegex, java_regex, replacement
from . import types
from .casts import fitted
from .typed import Function, Typed, Unsupported, combined, literal, named, text_sql, wrong_count


def _regex(value: Typed, function: str, everywhere: bool) -> JavaRegex:
    pattern = str(literal(value, function))
    found = java_regex(pattern, "code")
    if not (found.everywhere if everywhere else found.portable):
        raise Unsupported(f"{function} with the pattern {pattern!r}")
    return found


def _string(value: Typed, function: str) -> str:
    return fitted(value, types.string, function).sql


def _regexp_replace(arguments: Sequence[Typed]) -> Typed:
    wrong_count("regexp_replace", arguments, 3, 4)
    if len(arguments) == 4 and arguments[3].value != 1:
        raise Unsupported("regexp_replace from a place")
    regex = _regex(arguments[1], "regexp_replace", everywhere=True)
    parts = replacement(str(literal(arguments[2], "regexp_replace")), regex, "code")
    if any(isinstance(part, int) and part > 9 for part in parts):
        raise Unsupported("regexp_replace with more than 9 groups")
    new = "".join(f"\\{part}" if isinstance(part, int) else part.replace("\\", "\\\\") for part in parts)
    text = _string(arguments[0], "regexp_replace")
    sql = f"regexp_replace({text}, {text_sql(regex.python)}, {text_sql(new)}, 'g')"
    shown = [*arguments[:3], Typed("1", types.integer, "1")]
    return combined(sql, types.string, named("regexp_replace", shown), arguments)


def _regexp_extract(arguments: Sequence[Typed]) -> Typed:
    wrong_count("regexp_extract", arguments, 2, 3)
    regex = _regex(arguments[1], "regexp_extract", everywhere=False)
    group = int(str(literal(arguments[2], "regexp_extract", int))) if len(arguments) == 3 else 1
    if not 0 <= group <= regex.groups:
        raise OperatorError(
            f"asks regexp_extract for group {group}; the pattern has {regex.groups}", "", "code"
        )
    sql = f"regexp_extract({_string(arguments[0], 'regexp_extract')}, {text_sql(regex.python)}, {group})"
    shown = [*arguments[:2], Typed(str(group), types.integer, str(group))]
    return combined(sql, types.string, named("regexp_extract", shown), arguments)


def _rlike(arguments: Sequence[Typed]) -> Typed:
    wrong_count("rlike", arguments, 2, 2)
    regex = _regex(arguments[1], "rlike", everywhere=False)
    sql = f"regexp_matches({_string(arguments[0], 'rlike')}, {text_sql(regex.python)})"
    return combined(sql, types.boolean, f"RLIKE({arguments[0].name}, {arguments[1].name})", arguments)


def _like(word: str) -> Callable[[Sequence[Typed]], Typed]:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(word, arguments, 2, 2)
        pattern = str(literal(arguments[1], word))
        if re.search(r"\\([^%_\\]|$)", pattern):
            raise OperatorError(
                f"has the pattern {pattern!r}, in which a backslash stands before other than %, _ or itself",
                "Write two backslashes for one.",
                "code",
            )
        sql = f"({_string(arguments[0], word)} {word} {text_sql(pattern)} ESCAPE '\\')"
        shown = f"{arguments[0].name} LIKE {arguments[1].name}"
        if word == "ILIKE":
            shown = f"ilike({arguments[0].name}, {arguments[1].name})"
        return combined(sql, types.boolean, shown, arguments)

    return apply


def _split(arguments: Sequence[Typed]) -> Typed:
    wrong_count("split", arguments, 2, 3)
    limit = int(str(literal(arguments[2], "split", int))) if len(arguments) == 3 else -1
    if limit > 0:
        raise Unsupported("split with a limit")
    pattern, text = str(literal(arguments[1], "split")), _string(arguments[0], "split")
    plain = re.sub(r"\\(?=[^A-Za-z0-9])|\[(?=[^\\^\]]\])|(?<=\[[^\\^\]])\]", "", pattern)
    if plain and not re.search(r"[.^$*+?()\[\]{}|\\]", pattern):
        sql = f"string_split({text}, {text_sql(pattern)})"
    elif len(plain) == 1 and plain != "\\":
        sql = f"string_split({text}, {text_sql(plain)})"
    else:
        regex = _regex(arguments[1], "split", everywhere=True)
        sql = f"string_split_regex({text}, {text_sql(regex.python)})"
    shown = [*arguments[:2], Typed(str(limit), types.integer, str(limit))]
    return combined(sql, types.array(types.string), named("split", shown), arguments)


def _substring(arguments: Sequence[Typed]) -> Typed:
    wrong_count("substring", arguments, 2, 3)
    text, start = _string(arguments[0], "substring"), fitted(arguments[1], types.integer, "substring").sql
    length = fitted(arguments[2], types.integer, "substring").sql if len(arguments) == 3 else "2147483647"
    shown = list(arguments)
    if len(arguments) == 2:
        shown.append(Typed(length, types.integer, length))
    sql = f"spark_substring({text}, CAST({start} AS BIGINT), CAST({length} AS BIGINT))"
    return combined(sql, types.string, named("substring", shown), arguments)


def _right(arguments: Sequence[Typed]) -> Typed:
    wrong_count("right", arguments, 2, 2)
    text, count = _string(arguments[0], "right"), fitted(arguments[1], types.integer, "right").sql
    sql = f"CASE WHEN {count} <= 0 THEN left({text}, 0) ELSE right({text}, {count}) END"
    return combined(sql, types.string, named("right", arguments), arguments)


def _padded(name: str) -> Callable[[Sequence[Typed]], Typed]:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 2, 3)
        filling = str(literal(arguments[2], name)) if len(arguments) == 3 else " "
        if not filling:
            raise Unsupported(f"{name} with nothing")
        length = fitted(arguments[1], types.integer, name).sql
        width = f"greatest({length}, 0) + 0 * {length}"  # null where the length is
        sql = f"{name}({_string(arguments[0], name)}, {width}, {text_sql(filling)})"
        shown = [*arguments[:2], Typed("", types.string, filling)]
        return combined(sql, types.string, named(name, shown), arguments)

    return apply


def _trimmed(name: str) -> Callable[[Sequence[Typed]], Typed]:
    side = {"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[name]

    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 1, 2)
        text = _string(arguments[0], name)
        if len(arguments) == 1:
            return combined(f"{name}({text}, ' ')", types.string, named(name, arguments), arguments)
        shown = f"TRIM({side} {arguments[1].name} FROM {arguments[0].name})"
        return combined(f"{name}({text}, {_string(arguments[1], name)})", types.string, shown, arguments)

    return apply


def _locate(arguments: Sequence[Typed]) -> Typed:
    wrong_count("locate", arguments, 2, 3)
    start = arguments[2].value if len(arguments) == 3 else 1
    if start != 1:
        raise Unsupported("locate from a place")
    part, text = (_string(each, "locate") for each in arguments[:2])
    shown = [*arguments[:2], Typed("1", types.integer, "1")]
    return combined(
        f"CAST(instr({text}, {part}) AS INTEGER)", types.integer, named("locate", shown), arguments
    )


def _sha2(arguments: Sequence[Typed]) -> Typed:
    wrong_count("sha2", arguments, 2, 2)
    if arguments[1].value not in (0, 256):
        raise Unsupported("sha2 of other than 256 bits")
    sql = f"sha256({_string(arguments[0], 'sha2')})"
    return combined(sql, types.string, named("sha2", arguments), arguments)


def _reverse(arguments: Sequence[Typed]) -> Typed:
    wrong_count("reverse", arguments, 1, 1)
    sql = f"spark_reverse({_string(arguments[0], 'reverse')})"
    return combined(sql, types.string, named("reverse", arguments), arguments)


def _substring_index(arguments: Sequence[Typed]) -> Typed:
    wrong_count("substring_index", arguments, 3, 3)
    mark, count = str(literal(arguments[1], "substring_index")), arguments[2].value
    if not mark or not isinstance(count, int) or count == 0:
        raise Unsupported("substring_index of nothing")
    parts = f"string_split({_string(arguments[0], 'substring_index')}, {text_sql(mark)})"
    chosen = f"[:{count}]" if count > 0 else f"[{count}:]"
    if count < 0:
        chosen = f"[greatest(len({parts}) + {count} + 1, 1):]"
    sql = f"array_to_string({parts}{chosen}, {text_sql(mark)})"
    return combined(sql, types.string, named("substring_index", arguments), arguments)


def _split_part(arguments: Sequence[Typed]) -> Typed:
    wrong_count("split_part", arguments, 3, 3)
    mark, place = str(literal(arguments[1], "split_part")), arguments[2].value
    if not mark or not isinstance(place, int) or place == 0:
        raise Unsupported("split_part of nothing")
    sql = f"split_part({_string(arguments[0], 'split_part')}, {text_sql(mark)}, {place})"
    return combined(sql, types.string, named("split_part", arguments), arguments)


def _concat(arguments: Sequence[Typed]) -> Typed:
    if not arguments:
        return Typed("''", types.string, "concat()")
    if any(not each.type.atomic for each in arguments):
        raise Unsupported("concat of arrays")
    given = [fitted(each, types.string, "concat") for each in arguments]
    sql = "(" + " || ".join(each.sql for each in given) + ")"
    return combined(sql, types.string, named("concat", arguments), arguments)


def _concat_ws(arguments: Sequence[Typed]) -> Typed:
    wrong_count("concat_ws", arguments, 1, 10_000)
    parts = []
    for each in arguments:
        if each.type == types.array(types.string):
            parts.append(f"array_to_string({each.sql}, {arguments[0].sql})")
            if len(arguments) > 2:
                raise Unsupported("concat_ws of arrays and other values")
        else:
            parts.append(fitted(each, types.string, "concat_ws").sql)
    if len(arguments) == 2 and arguments[1].type.name == "array":
        sql = f"CASE WHEN {parts[0]} IS NOT NULL THEN coalesce({parts[1]}, '') END"
    else:
        sql = f"concat_ws({', '.join(parts)})" if len(parts) > 1 else f"({parts[0]} || '')[1:0]"
    return combined(sql, types.string, named("concat_ws", arguments), arguments)


functions: dict[str, Function] = {
    "concat": _concat,
    "concat_ws": _concat_ws,
    "regexp_replace": _regexp_replace,
    "regexp_extract": _regexp_extract,
    "rlike": _rlike,
    "like": _like("LIKE"),
    "ilike": _like("ILIKE"),
    "split": _split,
    "substring": _substring,
    "right": _right,
    "lpad": _padded("lpad"),
    "rpad": _padded("rpad"),
    "trim": _trimmed("trim"),
    "ltrim": _trimmed("ltrim"),
    "rtrim": _trimmed("rtrim"),
    "locate": _locate,
    "sha2": _sha2,
    "reverse": _reverse,
    "substring_index": _substring_index,
    "split_part": _split_part,
}
