"""Search and edit: expected values are those of Spark 3.5 on Java 17, and of Python's re and pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow
from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.java_regex import java_regex
from helpers.flow.java_regex import replacement as read_replacement
from helpers.flow.operators.base import block_name
from helpers.flow.text_edits import replaced

search_and_edit = "sagemaker.spark.search_and_edit_0.1"
Apply = Callable[..., pd.DataFrame]


def edited(apply: Apply, choice: str, texts: list[Any], kind: str = "string", **block: Any) -> list[Any]:
    """What a sub-operator makes of texts; an empty text is null, unless it is marked by a hash sign."""
    schema = {"s": kind, "k": "string"}
    key = block_name(choice)
    parameters = {"operator": choice, key: {"input_column": ["s"], "output_column": "o", **block}}
    table = apply(
        search_and_edit, parameters, schema, [("" if text is None else text, "1") for text in texts]
    )
    assert list(table.columns) == ["s", "k", "o"]
    lists = [value.tolist() if hasattr(value, "tolist") else value for value in table["o"]]
    return [value if isinstance(value, list) or not pd.isna(value) else None for value in lists]


REPLACED_BY_SPARK = [
    ("a.b*c", "[.*]", "-", "a-b-c"),
    ("baac", "a*", "-", "-b--c-"),
    ("aXbx", "(?i)x", "<$0>", "a<X>b<x>"),
    ("line\r\nend\n", "$", "|", "line\r\nend|\n|"),
    ("a\u2028b\x85c", ".", "#", "#\u2028#\x85#"),
    ("foobar", "o(?=b)", "0", "fo0bar"),
    ("price: 5", "(?<=: )\\d", "9", "price: 9"),
    ("abab cdcd", "(\\w)(\\w)\\1\\2", "$2$1", "ba dc"),
    ("\xe9a b", "\\b", "|", "|\xe9a| |b|"),
    ("\xe91_", "\\w", "w", "\xe9ww"),
    ("\u0660 1", "\\d", "d", "\u0660 d"),
    ("a\x0bb\xa0c", "\\s", "_", "a_b\xa0c"),
    ("abcxyz", "[a-z&&[^bc]]", "_", "_bc___"),
    ("k\u212aK", "(?i)k", "_", "_\u212a_"),
    ("aab", "a++b", "x", "x"),
    ("aab", "(?>a*)b", "x", "x"),
    ("\xc9a", "\\p{Lu}", "U", "Ua"),
    ("a]b-c", "[]-]", "_", "a_b_c"),
    ("x\ny\n", "(?m)^", "> ", "> x\n> y\n"),
    ("x\ny\n", "(?m)$", "<", "x<\ny<\n<"),
    ("a\nb", "(?s)a.b", "!", "!"),
    ("cost $5", "\\$(\\d)", "\\$$1$1", "cost $55"),
    ("(x)", "\\Q(x)\\E", "y", "y"),
    ("ab12", "(?<l>[a-z]+)(?<d>\\d+)", "${d}${l}", "12ab"),
    ("aB", "a(?i)b|c", "x", "x"),
    ("AC", "a(?i)b|c", "x", "Ax"),
    ("ab", "(a)|(b)", "[$2]", "[][b]"),
    ("tab\there", "\\h", "_", "tab_here"),
    ("a1b22", "(\\d)+", "<$1>", "a<1>b<2>"),
    ("aaa", "a{2}", "b", "ba"),
    ("\U0001f600!", ".", "x", "xx"),
    ("foo", "", "-", "-f-o-o-"),
    ("a,b;c", "(,|;)", "$1 ", "a, b; c"),
    ("aaaa", "(a)(a)?", "$2-", "a-a-"),
    ("x", "\\x78|\\u0079", "z", "z"),
    ("a-b", "[\\w-]+", "k", "k"),
    ("hello world", "(o)|l", "<$1>", "he<><><o> w<o>r<>d"),
    ("abc", "(?=b)", "|", "a|bc"),
    ("Aa", "[^a](?i)A", "z", "z"),
    ("\xdf", "(?i)\\w", "w", "\xdf"),
    ("a b", "\\S+(?!.)", "E", "a E"),
    ("ma\xf1ana", "[^\\x00-\\x7F]", "?", "ma?ana"),
    ("1,234", "(\\d),(\\d)", "$1$2", "1234"),
    ("x\r\ny", "\\R", "/", "x/y"),
    ("aXbX", "[A-Z]", "\\\\", "a\\b\\"),
]


@pytest.mark.parametrize(("text", "pattern", "replacement", "expected"), REPLACED_BY_SPARK)
def test_patterns_mean_what_they_mean_in_java(
    text: str, pattern: str, replacement: str, expected: str
) -> None:
    with DuckDBRun(lambda _: []) as run:
        table = run.from_pandas(pd.DataFrame({"s": [text, None]})).table
        regex = java_regex(pattern)
        rows = run.rows(table.select(o=replaced(table.s, regex, replacement, run)))
        assert [row["o"] for row in rows] == [expected, None]
        parts = read_replacement(replacement, regex)
        in_python = regex.compiled.sub(
            lambda match: "".join(part if isinstance(part, str) else match[part] or "" for part in parts),
            text,
        )
        assert in_python == expected  # whether or not DuckDB did the work above


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?<=a+)b", "look-behind"),
        (r"\\X", r"uses .X, which this engine does not compute"),
        ("(?x)a b", r"the flag \(\?x\)"),
        ("[^a[b]]", "a negated class with others inside"),
        (r"\\p{Foo}", r"uses .p{Foo}"),
        (r"\\G", "uses .G"),
        ("x{2", "repeats nothing"),
        ("a|*b", "repeats nothing"),
        ("(a", "a bracket is not closed"),
        ("a)", "closed that was not opened"),
        (r"\\1(a)", "a group that is not before it"),
        (r"\\Qab\\E+", "a quantifier behind"),
        ("[b-a]", "range"),
    ],
)
def test_patterns_that_cannot_be_name_the_construct(apply: Apply, pattern: str, says: str) -> None:
    pattern = pattern.replace("\\\\", "\\")
    with pytest.raises(flow.FlowError, match=says) as caught:
        edited(apply, "Convert regex to missing", ["a"], pattern=pattern)
    assert "parameter 'pattern'" in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "replacement", "says"),
    [
        ("(", "x", "is no regular expression for Python"),
        (r"\p{L}", "x", "is no regular expression for Python"),
        ("a", "(", "parameter 'replacement'.*is no regular expression for Python"),
        ("(a)", "$2", "asks for group 2; the pattern has 1"),
        ("(a)", "$x", "a dollar that names no group"),
        ("(a)", "${n}", "names the group 'n'"),
        ("", "x", "at least 1 character"),
    ],
)
def test_replacements_that_cannot_be(apply: Apply, pattern: str, replacement: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        edited(apply, "Find and replace substring", ["a"], pattern=pattern, replacement=replacement)


def test_replace_in_place_in_an_old_flow(apply: Apply) -> None:
    block = {"input_column": "race", "pattern": "\\?", "replacement": "other"}
    parameters = {"operator": "Find and replace substring", "find_and_replace_substring_parameters": block}
    table = apply(
        search_and_edit, parameters, {"race": "string", "n": "long"}, [("?", 1), ("", 2), ("a?b", 3)]
    )
    assert table.to_dict("list") == {"race": ["other", None, "aotherb"], "n": [1, 2, 3]}
    block["replacement"] = None
    table = apply(search_and_edit, parameters, {"race": "string", "n": "long"}, [("a?b", 3)])
    assert list(table["race"]) == ["ab"]


TEXTS = ["abcdef", None, "a\u00f1\U0001f600z"]
EXTRACTED_BY_SPARK = [
    (0, 2, ["ab", "", "a\xf1", None]),
    (2, 3, ["bcd", "", "\xf1\U0001f600z", None]),
    (-2, 3, ["ef", "", "\U0001f600z", None]),
    (-10, 7, ["abc", "", "a", None]),
    (3, -1, ["", "", "", None]),
    (1, -3, ["", "", "", None]),
    (7, 1, ["", "", "", None]),
    (-3, 2, ["de", "", "\xf1\U0001f600", None]),
    (6, 5, ["f", "", "", None]),
]
REPLACED_FROM_POSITION_BY_SPARK = [
    (1, 2, ["#cdef", "#", "#\U0001f600z", None]),
    (3, 1, ["ab#def", "#", "a\xf1#z", None]),
    (0, 2, ["#bcdef", "#", "#\xf1\U0001f600z", None]),
    (-2, 1, ["#f", "#", "#z", None]),
    (10, 1, ["abcdef#", "#", "a\xf1\U0001f600z#", None]),
    (2, -1, ["a#abcdef", "#", "a#a\xf1\U0001f600z", None]),
]


@pytest.mark.parametrize(("start", "length", "expected"), EXTRACTED_BY_SPARK)
def test_extract_from_position(apply: Apply, start: int, length: int, expected: list[Any]) -> None:
    found = edited(apply, "Extract from position", TEXTS, start_position=start, length=length)
    assert found == [expected[0], None, expected[2]]


@pytest.mark.parametrize(("start", "length", "expected"), REPLACED_FROM_POSITION_BY_SPARK)
def test_replace_from_position(apply: Apply, start: int, length: int, expected: list[Any]) -> None:
    block = {"start_position": start, "length": length, "replacement": "#"}
    assert edited(apply, "Replace from position", TEXTS, **block) == [expected[0], None, expected[2]]


@pytest.mark.parametrize(
    ("choice", "block", "expected"),
    [
        ("Find substring", {"needle": "b"}, [1.0, None, -1.0, 2.0]),
        ("Find substring", {"needle": "b", "start_index": 2, "end_index": "4"}, [3.0, None, -1.0, 2.0]),
        ("Find substring (from right)", {"needle": "b"}, [3.0, None, -1.0, 2.0]),
        ("Find substring (from right)", {"needle": "b", "end_index": 2}, [1.0, None, -1.0, -1.0]),
        ("Matches", {"pattern": "AB", "case": False}, [True, True, False, False]),
        ("Matches", {"pattern": "AB", "case": True}, [False, True, False, False]),
        ("Matches prefix", {"pattern": "AB", "case": False}, [True, True, False, False]),
        ("Find all occurrences", {"pattern": "[ab]"}, [["a", "b", "a", "b"], None, [], ["b"]]),
        ("Find all occurrences", {"pattern": "(a)b"}, [["a", "a"], None, [], []]),
        ("Extract using regex", {"pattern": "(a)(b)"}, ["a", None, "", ""]),
        ("Extract using regex", {"pattern": "(a)(b)", "index": 2}, ["b", None, "", ""]),
        ("Extract using regex", {"pattern": "b."}, ["ba", None, "", "b>"]),
        (
            "Extract between delimiters",
            {"left_delimiter": "<", "right_delimiter": ">"},
            ["", None, "", "b>c"],
        ),
        (
            "Replace between delimiters",
            {"left_delimiter": "<", "right_delimiter": ">", "replacement": "1$\\"},
            ["abab", None, "cx", "x<1$\\>d"],
        ),
        ("Convert regex to missing", {"pattern": "c."}, ["abab", None, None, "x<b>c>d"]),
        ("Convert regex to missing", {"pattern": "c|b"}, [None, None, None, "x<b>c>d"]),  # ^c or b$
        ("Convert non-matches to missing", {"pattern": "[a-c]+x?"}, ["abab", None, "cx", None]),
    ],
)
def test_finding_and_extracting(
    apply: Apply, choice: str, block: dict[str, Any], expected: list[Any]
) -> None:
    assert edited(apply, choice, ["abab", None, "cx", "x<b>c>d"], **block) == expected


@pytest.mark.parametrize(
    ("delimiter", "limit", "expected"),
    [
        ("-", None, [["a", "b", "", "c", ""], None, [" x  y "]]),
        ("-", -5, [["a", "b", "", "c", ""], None, [" x  y "]]),
        ("-", 0, [["a", "b", "", "c", ""], None, [" x  y "]]),
        ("-", 2, [["a", "b--c-"], None, [" x  y "]]),
        ("-", 1, [["a-b--c-"], None, [" x  y "]]),
        ("", "", [["a-b--c-"], None, ["", "x", "y", ""]]),
        ("", 2, [["a-b--c-"], None, ["", "x  y "]]),
    ],
)
def test_split(apply: Apply, delimiter: str, limit: Any, expected: list[Any]) -> None:
    found = edited(
        apply, "Split string by delimiter", ["a-b--c-", None, " x  y "], delimiter=delimiter, limit=limit
    )
    assert found == expected


def test_numbers_keep_their_type_where_only_some_go_missing(apply: Apply) -> None:
    assert edited(apply, "Convert regex to missing", ["1", "22", None], "long", pattern="2+") == [
        1,
        None,
        None,
    ]
    assert edited(
        apply, "Find and replace substring", ["1e7", "2"], "float", pattern="E", replacement="e"
    ) == [
        "1.0e7",
        "2.0",
    ]


def test_no_rows(apply: Apply) -> None:
    assert edited(apply, "Split string by delimiter", [], delimiter=",") == []
    assert edited(apply, "Matches", [], pattern="a", case=True) == []


@pytest.mark.parametrize(
    ("choice", "block", "says"),
    [
        ("Find substring", {"needle": ""}, "parameter 'needle'.*at least 1 character"),
        ("Matches", {"pattern": "a"}, "parameter 'case': is missing"),
        ("Matches", {"pattern": "(", "case": True}, "not a regular expression of Python"),
        ("Find all occurrences", {"pattern": "(a)(b)"}, "has 2 groups"),
        ("Extract using regex", {"pattern": "(a)", "index": 3}, "asks for group 3; the pattern '.*' has 1"),
        ("Extract between delimiters", {"left_delimiter": "", "right_delimiter": "x"}, "left_delimiter"),
        ("Split string by delimiter", {}, "parameter 'delimiter': is missing"),
        ("Split string by delimiter", {"delimiter": ",", "limit": 2**40}, "parameter 'limit'"),
        ("Extract from position", {"start_position": "x", "length": 1}, "parameter 'start_position'"),
        ("Extract from position", {"start_position": 1, "length": 1, "end": 3}, "Its parameters:"),
    ],
)
def test_what_is_wrong_is_said(apply: Apply, choice: str, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        edited(apply, choice, ["ab"], **block)
