"""What each operator makes of rows. Expected values are Spark's, see the reference of the operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import flow
from helpers.flow.casting import infer_texts

pytestmark = pytest.mark.usefixtures("engine")

columns = "sagemaker.spark.manage_columns_0.1"
Apply = Callable[..., pd.DataFrame]


def values(table: pd.DataFrame, name: str) -> list[Any]:
    """A column as a list, with None where there is nothing."""
    return [None if pd.isna(value) else value for value in table[name]]


# Reading


def preview(builder: Any, path: Path) -> pd.DataFrame:
    return flow.preview(
        builder.read(), builder.nodes[-1]["node_id"], {"data.csv": path}, rows=10_000, engine=builder.engine
    )


def test_csv_is_all_texts_and_empty_is_null(builder: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('a,b,"c ""quoted"""\n1,,x\n"","two, and\nlines","say ""hi"""\n', encoding="utf-8")
    builder.source(s3MultiLine=True)
    table = preview(builder, path)
    assert list(table.columns) == ["a", "b", 'c "quoted"']
    assert values(table, "a") == ["1", None]
    assert values(table, "b") == [None, "two, and\nlines"]
    assert values(table, 'c "quoted"') == ["x", 'say "hi"']


def test_csv_options(builder: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("1;Zürich\n2;Genève\n".encode("latin-1"))
    builder.source(s3HasHeader=False, s3FieldDelimiter=";", s3CsvEncodingType="ISO-8859-1")
    table = preview(builder, path)
    assert table.to_dict("list") == {"_c0": ["1", "2"], "_c1": ["Zürich", "Genève"]}


def test_headers_are_named_as_spark_names_them(builder: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\ufeffid,,Name,name,rowid\n1,2,3,4,5\n", encoding="utf-8")
    builder.source()
    assert list(preview(builder, path).columns) == ["id", "_c1", "Name2", "name3", "rowid"]


def test_short_lines_are_filled_and_long_ones_cut(builder: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1\n2,3,4\n5,6\n")
    builder.source()
    table = preview(builder, path)
    assert (values(table, "a"), values(table, "b")) == (["1", "2", "5"], [None, "3", "6"])


def test_a_folder_is_read_in_the_order_of_its_files(builder: Any, tmp_path: Path) -> None:
    for name, text in (("b.csv", "x\n2\n"), ("a.csv", "x\n1\n"), ("_SUCCESS", ""), ("sub/c.csv", "x\n3\n")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    builder.source()
    assert values(preview(builder, tmp_path / "in"), "x") == ["1", "2"]
    builder.nodes.clear()
    builder.source(s3DirIncludesNested=True)
    assert values(preview(builder, tmp_path / "in"), "x") == ["1", "2", "3"]


def test_parquet_keeps_its_types(builder: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pd.DataFrame({"n": [3, 1], "x": [0.5, None], "s": ["a", None]}).to_parquet(path)
    builder.source(s3ContentType="Parquet")
    table = preview(builder, path)
    assert (values(table, "n"), values(table, "x"), values(table, "s")) == ([3, 1], [0.5, None], ["a", None])


@pytest.mark.parametrize(("text", "says"), [("", "is empty"), (None, "does not exist")])
def test_files_with_nothing_to_read(builder: Any, tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "data.csv").write_text(text)
    builder.source()
    with pytest.raises(flow.FlowError, match=says):
        preview(builder, tmp_path / "data.csv")


def test_what_is_not_utf8_is_an_error_and_no_traceback(builder: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    builder.source()
    with pytest.raises(flow.FlowError, match=r"data\.csv"):
        preview(builder, tmp_path / "data.csv")


# Types

SPARK_CASTS = [
    ("1", 1.0, 1), ("1.7", 1.7, 1), ("-1.7", -1.7, -1), ("+5", 5.0, 5), (" 7 ", 7.0, 7),
    ("1e3", 1000.0, None),
    ("1_000", None, None), ("abc", None, None), (".5", 0.5, 0), ("5.", 5.0, 5), ("-.5", -0.5, 0),
    ("NaN", math.nan, None), ("9223372036854775807", 9.223372036854775807e18, 2**63 - 1),
    ("9223372036854775808", 9.223372036854775808e18, None), ("1,5", None, None), ("00012", 12.0, 12),
]  # fmt: skip


def test_texts_become_numbers_as_in_spark(apply: Apply) -> None:
    rows = [(text, text) for text, _, _ in SPARK_CASTS]
    table = apply("sagemaker.dataset.identity_0.1", {}, {"x": "float", "n": "long"}, rows)
    for text, x, n, (_, want_x, want_n) in zip(
        (row[0] for row in rows), values(table, "x"), values(table, "n"), SPARK_CASTS, strict=True
    ):
        want_x = None if want_x is not None and math.isnan(want_x) else want_x
        assert (x, None if n is None else int(n)) == (want_x, want_n) or abs(want_n or 0) > 2**53, text


def test_texts_become_booleans_dates_and_moments_as_in_spark(apply: Apply) -> None:
    rows = [
        ("T", "2020-1-5", "2020-01-05T10:11:12.345+02:00"),
        ("off", "2020-01-05 junk", "2020-01"),
        ("no", "05-01-2020", "inf"),
        ("1", "2020-02-30", "2020-01-05 10:11"),
    ]
    table = apply("sagemaker.dataset.identity_0.1", {}, {"b": "bool", "d": "date", "t": "datetime"}, rows)
    assert values(table, "b") == [True, None, False, True]
    assert [str(day)[:10] for day in values(table, "d")] == ["2020-01-05", "2020-01-05", "None", "None"]
    assert [str(moment) for moment in values(table, "t")] == [
        "2020-01-05 08:11:12.345000",
        "2020-01-01 00:00:00",
        "None",
        "2020-01-05 10:11:00",
    ]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2", None], "long"),
        (["1", "2.5", "3.0", "4", "5", "6"], "long"),  # more than 80 % whole: the rest is cut off
        (["1", "2.5"], "float"),
        (["1", "2", "3", "4", "5", "x"], "long"),
        (["1", "2", "3", "4", "x"], "string"),  # 80 % is not more than 80 %
        (["1_000", "2_000"], "string"),
        (["true", "False"], "bool"),
        (["yes", "no"], "string"),
        (["2020-01-05", "2020-01-06"], "date"),
        (["2020-01-05", "2020-01-06 10:00:00"], "datetime"),
        (["5/8/2013 0:00", "12/31/2013 23:59"], "datetime"),
        (["2020-01-05", "5/8/2013", "5/9/2013"], "datetime"),
        (["a1", "b2", "c 3"], "string"),
        ([None, None], "string"),
        (["1", None, None, None], "string"),  # fewer than 30 % are there
        (["Nancy", "3", "none"], "long"),  # Nancy begins with nan, so she counts as missing
        ([], "string"),
    ],
)
def test_types_are_inferred_as_data_wrangler_does(texts: list[str | None], kind: str) -> None:
    assert infer_texts(texts) == kind


def test_the_schema_orders_the_columns_and_must_fit(builder: Any, write_csv: Any) -> None:
    path = write_csv("data.csv", ["a", "b"], [("1", "x")])
    builder.types(builder.source(), {"b": "string", "a": "long"})
    assert list(preview(builder, path).columns) == ["b", "a"]
    builder.nodes[-1]["trained_parameters"] = {"schema": {"a": "long", "z": "string"}}
    with pytest.raises(flow.FlowError, match=r"the data has no 'z'; the flow does not expect 'b'"):
        preview(builder, path)


cast = "sagemaker.spark.cast_single_data_type_0.1"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {"a": [1, None, None], "b": ["p", "q", "r"]}),
        ({"non_castable_data_handling_method": "drop"}, {"a": [1], "b": ["p"]}),
        (
            {"non_castable_data_handling_method": "replace_value", "replace_value": "9"},
            {"a": [1, 9, 9], "b": ["p", "q", "r"]},
        ),
        (
            {"non_castable_data_handling_method": "replace_null_with_new_col"},
            {"a": [1, None, None], "a_typecast_error": ["", "x", None], "b": ["p", "q", "r"]},
        ),
        (
            {"non_castable_data_handling_method": "replace_value_with_new_col", "replace_value": 0},
            {"a": [1, 0, 0], "a_typecast_error": ["", "x", None], "b": ["p", "q", "r"]},
        ),
    ],
)
def test_cast_one_column(apply: Apply, policy: dict[str, Any], expected: dict[str, list[Any]]) -> None:
    parameters = {"column": "a", "original_data_type": "String", "data_type": "long", **policy}
    table = apply(cast, parameters, {"a": "string", "b": "string"}, [("1", "p"), ("x", "q"), ("", "r")])
    assert {name: values(table, name) for name in table.columns} == expected
    assert list(table.columns) == list(expected)


@pytest.mark.parametrize(
    ("before", "after", "value", "expected"),
    [  # what Spark 4.0 casts them to, ANSI off
        ("string", "float", "1d", 1.0),
        ("string", "float", " 2.5F ", 2.5),
        ("string", "float", "x1d", None),
        ("string", "float", "1_0", None),
        ("datetime", "long", "1969-12-31 23:59:59.999999", -1),
        ("datetime", "long", "2000-02-29 12:30:15.7", 951827415),
        ("datetime", "float", "1969-12-31 23:59:59.999999", -0.000001),
        ("datetime", "float", "2000-02-29 12:30:15.7", 951827415.7),
        ("float", "datetime", "1.5", pd.Timestamp("1970-01-01 00:00:01.5")),
        ("float", "datetime", "-1.5", pd.Timestamp("1969-12-31 23:59:58.5")),
        ("float", "datetime", "-0.0000015", pd.Timestamp("1969-12-31 23:59:59.999999")),
        ("float", "datetime", "NaN", None),
        ("long", "datetime", "1700000000", pd.Timestamp("2023-11-14 22:13:20")),
        ("long", "datetime", "9223372036854775807", None),  # Spark's year 294247 is none for pandas
    ],
)
def test_casts_between_numbers_texts_and_moments(
    apply: Apply, before: str, after: str, value: str, expected: Any
) -> None:
    parameters = {"column": "a", "original_data_type": before, "data_type": after}
    table = apply(cast, parameters, {"a": before, "b": "string"}, [(value, "p")])
    [found] = table["a"]
    assert pd.isna(found) if expected is None else found == expected
    if after == "datetime":
        assert str(table["a"].dtype).startswith("datetime64") and "UTC" not in str(table["a"].dtype)


def test_cast_replaces_dates_and_refuses_what_is_no_replacement(apply: Apply) -> None:
    replace = {"non_castable_data_handling_method": "replace_value"}
    rows = [("24-12-2020",), ("1-2-2020",), ("24-12-2020 x",), ("29-02-2021",)]
    parameters = {"column": "d", "data_type": "date", "replace_value": "01-02-2000", **replace}
    table = apply(cast, parameters, {"d": "string"}, rows)
    assert [str(day)[:10] for day in values(table, "d")] == ["2020-12-24", *["2000-02-01"] * 3]
    with pytest.raises(flow.FlowError, match="'replace_value' 'x' is not a long"):
        apply(
            cast, {"column": "d", "data_type": "long", "replace_value": "x", **replace}, {"d": "string"}, rows
        )


def test_cast_moments_in_any_form_or_by_a_pattern(apply: Apply) -> None:
    rows = [("5/8/2013 0:10",), ("2020-01-05T10:11:12+02:00",), ("Jan 1st, 2020 3pm",), ("x",)]
    table = apply(cast, {"column": "t", "data_type": "datetime"}, {"t": "string"}, rows)
    assert [str(moment) for moment in values(table, "t")] == [
        "2013-05-08 00:10:00", "2020-01-05 08:11:12", "2020-01-01 15:00:00", "None",
    ]  # fmt: skip
    rows = [("01/02/20 03:04:05.25 PM at",), ("1/2/20 03:04:05.25 PM at",)]
    parameters = {
        "column": "t",
        "data_type": "datetime",
        "datetime_formatting": "MM/dd/yy hh:mm:ss.SSS a 'at'",
    }
    table = apply(cast, parameters, {"t": "string"}, rows)
    assert [str(moment) for moment in values(table, "t")] == ["2020-01-02 15:04:05.250000", "None"]
    with pytest.raises(flow.FlowError, match="unknown part 'QQ'"):
        apply(cast, {**parameters, "datetime_formatting": "yyyy QQ"}, {"t": "string"}, rows)


def test_years_of_two_digits_are_of_this_century(apply: Apply) -> None:
    parameters = {"column": "t", "data_type": "datetime", "datetime_formatting": "dd.MM.yy HH:mm"}
    table = apply(cast, parameters, {"t": "string"}, [("01.02.70 00:00",), ("31.12.99 23:59",)])
    assert [str(moment) for moment in values(table, "t")] == ["2070-02-01 00:00:00", "2099-12-31 23:59:00"]


def test_cast_dates_by_a_pattern_and_numbers_without_change(apply: Apply) -> None:
    parameters = {"column": "d", "data_type": "date", "date_formatting": "dd/MM/yyyy"}
    table = apply(cast, parameters, {"d": "string"}, [("24/12/2020",), ("12/24/2020",)])
    assert [str(day)[:10] for day in values(table, "d")] == ["2020-12-24", "None"]


# Columns


@pytest.mark.parametrize(
    ("choice", "block", "names"),
    [
        ("Drop column", {"column_to_drop": "b"}, ["a", "c"]),
        ("Drop column", {"column_to_drop": ["a", "C"]}, ["b"]),
        ("Rename column", {"input_column": "b", "new_name": "B"}, ["a", "B", "c"]),
        ("Rename column", {"input_column": "a", "new_name": "x y"}, ["x y", "b", "c"]),
        (
            "Rename column",
            {
                "columns_to_rename": [{"input_column": "a", "new_name": "x"}],
                "input_column": "b",
                "new_name": "y",
            },
            ["x", "y", "c"],
        ),
        ("Duplicate column", {"input_column": "a", "new_name": "a2"}, ["a", "b", "c", "a2"]),
        (
            "Concatenate columns",
            {"input_columns": ["a", "c"], "separator": "-", "output_column": "ac"},
            ["a", "b", "c", "ac"],
        ),
    ],
)
def test_manage_columns(apply: Apply, choice: str, block: dict[str, Any], names: list[str]) -> None:
    key = choice.lower().replace(" ", "_") + "_parameters"
    schema = {"a": "string", "b": "string", "c": "string"}
    table = apply(columns, {"operator": choice, key: block}, schema, [("1", "2", "3"), ("4", "", "")])
    assert list(table.columns) == names
    if choice == "Concatenate columns":
        assert values(table, "ac") == ["1-3", "4"]


@pytest.mark.parametrize(
    ("choice", "more", "names"),
    [
        ("Move to start", {}, ["c", "a", "b", "d"]),
        ("Move to end", {}, ["a", "b", "d", "c"]),
        ("Move to index", {"index": 1}, ["a", "c", "b", "d"]),
        ("Move after", {"target_column": "a"}, ["a", "c", "b", "d"]),
        ("Move before", {"target_column": "b"}, ["a", "c", "b", "d"]),
    ],
)
def test_move_columns(apply: Apply, choice: str, more: dict[str, Any], names: list[str]) -> None:
    block = {"column_to_move": ["c"], **more}
    inner = {"move_type": choice, choice.lower().replace(" ", "_") + "_parameters": block}
    schema = dict.fromkeys("abcd", "string")
    parameters = {"operator": "Move column", "move_column_parameters": inner}
    table = apply(columns, parameters, schema, [("1", "2", "3", "4")])
    assert list(table.columns) == names
    assert [values(table, name) for name in "abcd"] == [["1"], ["2"], ["3"], ["4"]]


def test_a_missing_column_names_node_parameter_and_the_likely_one(apply: Apply) -> None:
    parameters = {"operator": "Drop column", "drop_column_parameters": {"column_to_drop": "genr"}}
    with pytest.raises(flow.FlowError) as caught:
        apply(columns, parameters, {"genre": "string"}, [("x",)])
    said = str(caught.value)
    assert said.startswith(
        "step (sagemaker.spark.manage_columns_0.1), parameter 'column_to_drop': there is no column"
    )
    assert "Did you mean 'genre'?" in said


def test_a_name_that_is_taken(apply: Apply) -> None:
    parameters = {
        "operator": "Rename column",
        "rename_column_parameters": {"input_column": "a", "new_name": "B"},
    }
    with pytest.raises(flow.FlowError, match="already a column 'B'"):
        apply(columns, parameters, {"a": "string", "b": "string"}, [("x", "y")])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.characters(codec="utf-8", exclude_characters="\x00\r\n", exclude_categories=["Cs"]), min_size=1
    ),
    value=st.text(
        st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Cs"]), min_size=1
    ),
)
def test_any_name_and_value_come_through(
    name: str, value: str, tmp_path_factory: pytest.TempPathFactory, new_builder: Callable[[], Any]
) -> None:
    import csv

    folder = tmp_path_factory.mktemp("any")
    with (folder / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([[name, "other column"], [value, "1"]])
    builder = new_builder()
    block = {"column_to_move": name}
    source = builder.source(s3MultiLine=True)
    builder.columns("moved", source, "Move column", move_type="Move to end", move_to_end_parameters=block)
    paths = [folder / "in.csv"]
    [written] = flow.execute(
        builder.read(), lambda _: paths, [flow.Output("moved", "default", folder / "out")]
    )
    with written.paths[0].open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    # Spark's writer takes white space off both ends of a value.
    assert rows == [["other column", name], ["1", value.strip("".join(map(chr, range(33))))]]


# Encoding and formulas

one_hot = "sagemaker.spark.encode_categorical_0.1"


def encoded(apply: Apply, rows: list[Any], **block: Any) -> pd.DataFrame:
    parameters = {
        "operator": "One-hot encode",
        "one_hot_encode_parameters": {
            "input_column": "g",
            "invalid_handling_strategy": "Keep",
            "drop_last": False,
            "output_style": "Columns",
            **block,
        },
    }
    return apply(one_hot, parameters, {"n": "long", "g": "string", "z": "long"}, rows)


GENRES = [(1, "jazz", 0), (2, "rap", 0), (3, "", 0), (4, "rap", 0), (5, "folk", 0)]


def test_one_hot_columns_by_frequency_then_alphabet_at_the_end(apply: Apply) -> None:
    table = encoded(apply, GENRES)
    assert list(table.columns) == ["n", "z", "g_rap", "g_folk", "g_jazz"]
    assert values(table, "g_rap") == [0.0, 1.0, 0.0, 1.0, 0.0]
    assert values(table, "g_jazz") == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_one_hot_options(apply: Apply) -> None:
    # The slot for rows without a category is the last one, and the one that goes.
    assert values(encoded(apply, GENRES, drop_last=True), "g_jazz") == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert values(encoded(apply, GENRES, invalid_handling_strategy="Skip"), "n") == [1, 2, 4, 5]
    kept = encoded(apply, GENRES, output_column="o")
    assert list(kept.columns) == ["n", "g", "z", "o_rap", "o_folk", "o_jazz"]
    with pytest.raises(flow.FlowError, match="1 rows have no value in 'g'"):
        encoded(apply, GENRES, invalid_handling_strategy="Error")
    vector = encoded(apply, GENRES, output_style="Vector")
    assert list(vector.columns) == ["n", "g", "z"]
    assert values(vector, "g") == [
        "(4,[2],[1.0])",
        "(4,[0],[1.0])",
        "(4,[3],[1.0])",
        "(4,[0],[1.0])",
        "(4,[1],[1.0])",
    ]


def formula(apply: Apply, text: str, output: str = "r") -> pd.DataFrame:
    rows = [(1.5, 2.0, 7, 2, "Hello"), (-2.5, 0.0, -7, 2, " pad "), ("", 3.25, "", 0, "")]
    schema = {"x": "float", "y": "float", "n": "long", "m": "long", "s": "string"}
    parameters = {"formula": text, "output_column": output}
    return apply("sagemaker.spark.custom_formula_0.1", parameters, schema, rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3*x + 0.1*y", [0.65, -0.75, None]),
        ("x / y", [0.75, None, None]),  # division by zero is null
        ("n / m", [3.5, -3.5, None]),
        ("n % m", [1, -1, None]),
        ("CASE WHEN n > 3 THEN 'hi' ELSE 'lo' END", ["hi", "lo", "lo"]),
        ("coalesce(x, y, 0)", [1.5, -2.5, 3.25]),
        ("cast(x as int)", [1, -2, None]),  # cut off, not rounded
        ("cast('1.7' as long)", [1, 1, 1]),
        ("round(x)", [2.0, -3.0, None]),
        ("upper(trim(s))", ["HELLO", "PAD", None]),
        ("s is null or `X` > 1", [True, False, True]),
    ],
)
def test_formulas_mean_what_they_mean_in_spark(apply: Apply, text: str, expected: list[Any]) -> None:
    assert values(formula(apply, text), "r") == pytest.approx(expected)


def test_a_formula_may_replace_a_column_in_its_place(apply: Apply) -> None:
    table = formula(apply, "x * 2", output="x")
    assert list(table.columns) == ["x", "y", "n", "m", "s"]
    assert values(table, "x") == [3.0, -5.0, None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x +", "does not parse"),
        ("select 1", "not an expression"),
        ("x + nothing", "no column 'nothing'"),
        ("rand()", "the DuckDB engine does not run as Spark does"),
        ("sum(x)", "looks at other rows"),
        ("read_text('/etc/passwd')", "the DuckDB engine does not run as Spark does"),
        ("(select 1)", "not an expression"),
        ("x + array(s)", "between double and array<string>"),
    ],
)
def test_formulas_that_cannot_be(apply: Apply, text: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says) as caught:
        formula(apply, text)
    assert str(caught.value).startswith("step (sagemaker.spark.custom_formula_0.1)")


# Joins


def joined(builder: Any, write_csv: Any, kind: str, **more: str) -> pd.DataFrame:
    left = write_csv(
        "l.csv", ["K", "v", "v_0"], [("b", "1", "p"), ("a", "2", "q"), ("c", "3", "r"), ("", "4", "s")]
    )
    right = write_csv(
        "r.csv", ["k", "V", "w"], [("a", "x", "1"), ("b", "y", "2"), ("a", "z", "3"), ("d", "u", "4")]
    )
    keys = {"left_column": "K", "right_column": "k", **more}
    builder.add(
        "join",
        "sagemaker.spark.join_tables_0.1",
        {**keys, "join_type": kind},
        [builder.source("l.csv"), builder.source("r.csv")],
    )
    return flow.preview(
        builder.read(), "join", {"l.csv": left, "r.csv": right}, rows=100, engine=builder.engine
    )


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("inner", ["1", "2", "2"], ["2", "1", "3"]),
        ("leftouter", ["1", "2", "2", "3", "4"], ["2", "1", "3", None, None]),
        ("right", ["1", "2", "2", None], ["2", "1", "3", "4"]),
        ("full", ["1", "2", "2", "3", "4", None], ["2", "1", "3", None, None, "4"]),
        ("cross", ["1"] * 4 + ["2"] * 4 + ["3"] * 4 + ["4"] * 4, ["1", "2", "3", "4"] * 4),
    ],
)
def test_joins_rename_shared_columns_and_keep_the_order(
    builder: Any, write_csv: Any, kind: str, left: list[str], right: list[str]
) -> None:
    table = joined(builder, write_csv, kind)
    assert list(table.columns) == ["K_0", "v_0_dup", "v_0", "k_1", "V_1", "w"]
    assert values(table, "v_0_dup") == left
    assert values(table, "w") == right


@pytest.mark.parametrize(("kind", "kept"), [("leftsemi", ["1", "2"]), ("left_anti", ["3", "4"])])
def test_joins_that_only_choose_rows(builder: Any, write_csv: Any, kind: str, kept: list[str]) -> None:
    table = joined(builder, write_csv, kind)
    assert list(table.columns) == ["K", "v", "v_0"]
    assert values(table, "v") == kept


def test_join_on_several_keys_and_on_different_types(builder: Any, write_csv: Any) -> None:
    path = write_csv("a.csv", ["i", "j", "x"], [("1", "p", "A"), ("1", "q", "B")])
    other = write_csv("b.csv", ["i", "j", "y"], [("1", "q", "C"), ("2", "p", "D")])
    a, b = builder.source("a.csv"), builder.source("b.csv")
    keys = [{"left": "i", "right": "i"}, {"left": "j", "right": "j"}]
    builder.add(
        "both", "sagemaker.spark.join_multi_keys_0.1", {"join_keys": keys, "join_type": "inner"}, [a, b]
    )
    files = {"a.csv": path, "b.csv": other}
    assert flow.preview(builder.read(), "both", files, engine=builder.engine).to_numpy().tolist() == [
        ["1", "q", "B", "1", "q", "C"]
    ]
    typed = builder.types(a, {"i": "long", "j": "string", "x": "string"})
    parameters = {"left_column": "i", "right_column": "i", "join_type": "inner"}
    builder.add("mixed", "sagemaker.spark.join_tables_0.1", parameters, [typed, b])
    with pytest.raises(flow.FlowError, match=r"differ in type: 'i' is int64, 'i' is string"):
        flow.preview(builder.read(), "mixed", files, engine=builder.engine)


# Splits

split = "sagemaker.spark.split_0.1"
PARTS = [
    {"name": "Train", "percentage": 0.7},
    {"name": "Validation", "percentage": 0.2},
    {"name": "Test", "percentage": 0.1},
]


def parts_of(apply: Apply, choice: str, rows: list[Any], **block: Any) -> list[pd.DataFrame]:
    parameters = {
        "operator": choice,
        choice.lower().replace(" ", "_") + "_parameters": {"splits": PARTS, **block},
    }
    found = []
    for part in PARTS:
        found.append(apply(split, parameters, {"n": "long", "g": "string"}, rows, output=str(part["name"])))
    return found


ROWS = [(number * 37 % 1000, "abcde"[number % 5]) for number in range(1000)]


def test_a_randomized_split_goes_by_what_rows_hold_not_by_their_order(apply: Apply) -> None:
    first = parts_of(apply, "Randomized split", ROWS)
    second = parts_of(apply, "Randomized split", ROWS[::-1])
    assert [len(part) for part in first] == [700, 200, 100]
    for one, other in zip(first, second, strict=True):
        assert set(one["n"]) == set(other["n"])
        assert list(one["n"]) == list(other["n"])[::-1]
    assert set(first[0]["n"]) != {n for n, _ in ROWS[:700]}


def test_an_ordered_split_goes_by_a_number(apply: Apply) -> None:
    train, validation, test = parts_of(apply, "Ordered split", ROWS, input_column="n")
    assert (train["n"].max(), validation["n"].min(), validation["n"].max(), test["n"].min()) == (
        699,
        700,
        899,
        900,
    )
    assert list(train["n"]) == [n for n, _ in ROWS if n < 700]  # the order of the rows stays
    by_place = parts_of(apply, "Ordered split", ROWS)
    assert list(by_place[0]["n"]) == [n for n, _ in ROWS[:700]]
    with pytest.raises(flow.FlowError, match="'g' is string, and rows are ordered by a number"):
        parts_of(apply, "Ordered split", ROWS, input_column="g")


def test_a_split_by_key_keeps_keys_together(apply: Apply) -> None:
    rows = [(number % 50, "x") for number in range(1000)]
    found = [set(part["n"]) for part in parts_of(apply, "Split by key", rows, input_columns=["n"])]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert len(found[0] | found[1] | found[2]) == 50


def test_a_stratified_split_keeps_shares_and_drops_rows_without_a_stratum(apply: Apply) -> None:
    rows = [*ROWS, (1, ""), (2, "")]
    for part, share in zip(
        parts_of(apply, "Stratified split", rows, input_column="g"), (140, 40, 20), strict=True
    ):
        assert part["g"].value_counts().to_dict() == dict.fromkeys("abcde", share)


def test_nothing_cannot_be_split(apply: Apply) -> None:
    with pytest.raises(flow.FlowError, match="no rows to split"):
        parts_of(apply, "Randomized split", [])
