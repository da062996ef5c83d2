"""Reading and writing files: what Spark 3.5 made of the same files, and how it names what it writes."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import orc, parquet
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.commands import app

write_orc: Any = orc.write_table
write_parquet: Any = parquet.write_table


def table_of(builder: Any, path: Path, engine: str, **options: Any) -> list[tuple[Any, ...]]:
    """The rows that a source with these options reads."""
    builder.nodes.clear()
    builder.source(**options)
    table = flow.preview(builder.read(), "data.csv", {"data.csv": path}, rows=1000, engine=engine)
    return [
        tuple(None if not hasattr(cell, "__len__") and pd.isna(cell) else cell for cell in row)
        for row in table.itertuples(index=False)
    ]


STRANGE = """a,b,c
1,"two, and
lines",3
2,x"y,z
3,"q""r,s
4,"abc"def,5
5,"abc"def"g",6
"6
7,"a,b,c,d
8,  "sp" ,x
9,"",""
10,"x"
11,a,b,c,d

12,"unclosed "" quote,k
13,"end"",k
14, lead ,trail\x20
15,'s',"multi"" "
"""
BY_LINE = [
    ("1", "two, and", None), ('lines"', "3", None), ("2", 'x"y', "z"), ("3", 'q"r,s', None),
    ("4", '"abc"def', "5"), ("5", '"abc"def"g"', "6"), ("6", None, None), ("7", "a,b,c,d", None),
    ("8", '  "sp" ', "x"), ("9", None, None), ("10", "x", None), ("11", "a", "b"),
    ("12", 'unclosed " quote,k', None), ("13", 'end",k', None), ("14", " lead ", "trail "),
    ("15", "'s'", 'multi" '),
]  # fmt: skip
MULTI_LINE = [
    ("1", "two, and\nlines", "3"), ("2", 'x"y', "z"), ("3", '"q"r,s\n4,"abc"def', "5"),
    ("5", '"abc"def"g"', "6"),
    ('"6\n7,"a', "b", "c"), ("8", '  "sp" ', "x"), ("9", None, None), ("10", "x", None), ("11", "a", "b"),
    ("12", '"unclosed " quote,k\n13,"end""', "k"), ("14", " lead ", "trail "), ("15", "'s'", 'multi" '),
]  # fmt: skip


@pytest.mark.parametrize(("multi_line", "expected"), [(False, BY_LINE), (None, BY_LINE), (True, MULTI_LINE)])
def test_strange_csv_is_read_as_spark_reads_it(
    builder: Any, tmp_path: Path, multi_line: bool | None, expected: list[tuple[Any, ...]], engine: str
) -> None:
    (tmp_path / "data.csv").write_text(STRANGE)
    assert table_of(builder, tmp_path / "data.csv", engine, s3MultiLine=multi_line) == expected


def test_a_value_over_two_lines_is_cut_unless_values_span_lines(
    builder: Any, tmp_path: Path, engine: str
) -> None:
    (tmp_path / "data.csv").write_text('a,b\n1,"x\ny"\n2,z\n')  # a file that is proper for any reader
    assert table_of(builder, tmp_path / "data.csv", engine) == [("1", "x"), ('y"', None), ("2", "z")]
    assert table_of(builder, tmp_path / "data.csv", engine, s3MultiLine=True) == [("1", "x\ny"), ("2", "z")]


def test_line_ends_and_empty_lines(builder: Any, tmp_path: Path, engine: str) -> None:
    (tmp_path / "data.csv").write_bytes(b'a,b\r\n1,x\r\n\r\n2,"y"\r\n')
    assert table_of(builder, tmp_path / "data.csv", engine) == [("1", "x"), ("2", "y")]
    (tmp_path / "one.csv").write_bytes(b"a\n1\n\n2\n")
    assert table_of(builder, tmp_path / "one.csv", engine) == [("1",), ("2",)]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_csv(builder: Any, tmp_path: Path, pack: Callable[[bytes], bytes], engine: str) -> None:
    path = tmp_path / ("data.csv.gz" if pack is gzip.compress else "data.csv.bz2")
    path.write_bytes(pack(b"a\tb\n1\tx\n"))
    assert table_of(builder, path, engine, s3FieldDelimiter="\\t") == [("1", "x")]


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("klingon", "encoding 'klingon' is unknown"),
        ("utf-16", "is not utf-16"),
        ("utf-8", "UTF-8|utf-8"),
        ("a\0b", "parameter 's3CsvEncodingType': the encoding .* is unknown. Use utf-8"),
        *(
            (name, f"parameter 's3CsvEncodingType': '{name}' is no encoding of texts. Use utf-8")
            for name in ("rot13", "base64", "hex", "zlib", "idna", "unicode_escape")
        ),
    ],
)
def test_wrong_encodings(builder: Any, tmp_path: Path, encoding: str, says: str, engine: str) -> None:
    (tmp_path / "data.csv").write_bytes("a;b;ä\n1;2;3\n".encode("latin-1"))
    with pytest.raises(flow.FlowError, match=says):
        table_of(builder, tmp_path / "data.csv", engine, s3CsvEncodingType=encoding)


@pytest.mark.parametrize("delimiter", ["\n", "\r", '"', "\0", "|\n", "\\n"])
def test_delimiters_that_cannot_part_values(builder: Any, delimiter: str) -> None:
    source = builder.source(s3FieldDelimiter=delimiter)
    builder.destination("out", source)
    builder.nodes[-1]["parameters"]["output_config"]["delimiter"] = delimiter[-1]
    found = flow.check(builder.read())
    wrong = [problem.parameter for problem in found]
    end = ["output_config.delimiter"] if delimiter != "\\n" else []
    assert wrong == ["dataset_definition.s3ExecutionContext.s3FieldDelimiter", *end]
    assert "cannot part values" in found[0].message and "such as ','" in found[0].message


def test_the_name_of_the_file_as_a_column(builder: Any, tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "in"
    for name, text in (("b c.csv", "x,_data_source_filename\n2,q\n"), ("sub/a.csv", "x,y\n1,r\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    builder.source(s3DirIncludesNested=True, s3AddsFilenameColumn=True, s3Uri="s3://bucket/in/")
    table = flow.preview(builder.read(), "data.csv", {"data.csv": folder}, engine=engine)
    assert list(table.columns) == ["x", "_data_source_filename", "_data_source_filename_1"]
    assert list(table["_data_source_filename_1"]) == [
        "s3a://bucket/in/b%20c.csv",
        "s3a://bucket/in/sub/a.csv",
    ]
    assert list(table["x"]) == ["2", "1"]


def test_json_as_one_value(builder: Any, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "data.json"
    path.write_text('[{"b":1,"a":"x","c":{"y":1,"x":[1,2.5]}},{"b":2.5,"d":null,"a":3},{"b":true}]')
    builder.source(s3ContentType="json")
    table = flow.preview(builder.read(), "data.csv", {"data.csv": path}, engine=engine)
    assert list(table.columns) == ["a", "b", "c", "d"]
    assert list(table["a"]) == ["x", "3", None]
    assert list(table["b"]) == ["1", "2.5", "true"]
    first = table["c"][0]
    assert (list(first["x"]), first["y"]) == ([1.0, 2.5], 1)
    assert table["d"].isna().all()


def test_json_lines(builder: Any, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"b":1,"a":"x","t":"2020-01-01"}\n{"b":2,"n":null}\nbroken {\n\n'
        '{"l":[1,null],"m":["a",1],"s":{"z":1}}\n[{"b":9},{"b":10}]\n{"s":{"y":"q"},"e":[],"o":{}}\n'
    )
    builder.source(s3ContentType="jsonl")
    table = flow.preview(builder.read(), "data.csv", {"data.csv": path}, rows=10, engine=engine)
    assert list(table.columns) == ["_corrupt_record", "a", "b", "e", "l", "m", "n", "s", "t"]
    assert [None if pd.isna(each) else each for each in table["b"]] == [1, 2, None, None, 9, 10, None]
    assert table["_corrupt_record"][2] == "broken {"
    assert list(table["m"][3]) == ["a", "1"]
    assert table["s"][3] == {"y": None, "z": 1}


def test_orc_keeps_its_types(builder: Any, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "data.orc"
    write_orc(pa.table({"n": [3, None], "s": ["a", None], "x": [0.5, 1.5]}), str(path))
    assert table_of(builder, path, engine, s3ContentType="ORC") == [(3.0, "a", 0.5), (None, None, 1.5)]
    path.write_bytes(b"nonsense")
    with pytest.raises(flow.FlowError, match="not an ORC file"):
        table_of(builder, path, engine, s3ContentType="orc")


def test_unknown_kinds_of_files_name_the_known_ones(builder: Any) -> None:
    builder.source(s3ContentType="image")
    [problem] = flow.check(builder.read())
    assert "'jsonl' or 'orc'" in str(problem)


@pytest.mark.parametrize("home", ["athena_source", "redshift_source"])
def test_a_query_is_read_from_the_file_that_stands_for_it(
    builder: Any, tmp_path: Path, engine: str, home: str
) -> None:
    definition = {"name": "reviews", "queryString": "select 1"}
    builder.add("q", f"sagemaker.{home}_0.1", {"dataset_definition": definition}, kind="SOURCE")
    pd.DataFrame({"n": [1, 2]}).to_parquet(tmp_path / "data.parquet")
    table = flow.preview(builder.read(), "q", {"reviews": tmp_path / "data.parquet"}, engine=engine)
    assert list(table["n"]) == [1, 2]


# Samples


@pytest.mark.parametrize(
    ("sampling", "least", "most"),
    [
        ({"sampling_method": "sample_by_limit", "limit_rows": 10}, 10, 10),
        ({"sampling_method": "sample_by_count", "sample_size": 100}, 100, 100),
        ({"sampling_method": "sample_by_ratio", "sample_ratio": 0.2}, 150, 250),
        ({"sampling_method": "sample_by_ratio", "sample_ratio": 1}, 1000, 1000),
    ],
)
def test_samples_are_taken_when_asked_for(
    builder: Any, write_csv: Any, tmp_path: Path, sampling: dict[str, Any], least: int, most: int
) -> None:
    path = write_csv("data.csv", ["n"], [(number,) for number in range(1000)])
    builder.source()
    builder.nodes[0]["outputs"][0]["sampling"] = sampling
    counts, texts = [], []
    for sample in (False, True, True):
        output = flow.Output("data.csv", "default", tmp_path / "out")
        [written] = flow.execute(builder.read(), lambda _: [path], [output], sample=sample)
        counts.append(written.rows)
        texts.append(written.paths[0].read_text())
    assert counts[0] == 1000
    assert least <= counts[1] <= most
    assert texts[1] == texts[2]
    numbers = [int(line) for line in texts[1].split()[1:]]
    assert numbers == sorted(numbers)


# Parameters of the flow


def with_parameters(builder: Any) -> flow.Flow:
    builder.source("{{name}}.csv", s3FieldDelimiter="{{ mark }}")
    builder.add(
        "step",
        "sagemaker.spark.custom_formula_0.1",
        {"formula": "a * {{factor}}", "output_column": "b"},
        ["t"],
    )
    builder.nodes.insert(1, {**builder.nodes[-1]})
    builder.nodes[1] = {
        "node_id": "t", "type": "TRANSFORM", "parameters": {},
        "operator": "sagemaker.spark.infer_and_cast_type_0.1",
        "inputs": [{"name": "default", "node_id": "{{name}}.csv", "output_name": "default"}],
        "outputs": [{"name": "default"}], "trained_parameters": {"schema": {"a": "long", "c": "string"}},
    }  # fmt: skip
    declared = [
        {"name": "name", "type": "String", "default_value": "data"},
        {"name": "mark", "type": "String", "default_value": ";", "pattern_expression": "[;|]"},
        {"name": "factor", "type": "Number", "default_value": 2},
    ]
    return flow.read({**builder.document, "parameters": declared})


def test_parameters_have_defaults_and_can_be_given(builder: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a;c\n3;{{name}}\n")
    found = with_parameters(builder)
    table = flow.preview(found, "step", {"data.csv": tmp_path / "x.csv"})
    assert list(table["b"]) == [6]
    assert list(table["c"]) == ["{{name}}"]  # only what the flow says, not its data
    [written] = flow.run(
        found,
        {"other.csv": tmp_path / "x.csv"},
        tmp_path / "out",
        node="step",
        parameters={"factor": 5, "name": "other"},
    )
    assert written.paths[0].read_text() == "a,c,b\n3,{{name}},15\n"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"nothing": 1}, "no parameter 'nothing'. Its parameters: name, mark, factor"),
        ({"factor": "many"}, "'factor' is a number, not 'many'"),
        ({"mark": ","}, "'mark' must match"),
    ],
)
def test_parameters_that_do_not_fit(
    builder: Any, tmp_path: Path, parameters: dict[str, Any], says: str
) -> None:
    (tmp_path / "x.csv").write_text("a;c\n3;x\n")
    with pytest.raises(flow.FlowError, match=says):
        flow.preview(
            with_parameters(builder), "step", {"data.csv": tmp_path / "x.csv"}, parameters=parameters
        )


def test_parameters_of_the_command(builder: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a;c\n3;x\n")
    path = with_parameters(builder).write(tmp_path / "a.flow")
    arguments = [
        "run",
        str(path),
        "--output",
        str(tmp_path / "out"),
        "--source",
        f"data.csv={tmp_path / 'x.csv'}",
    ]
    result = CliRunner().invoke(app, [*arguments, "--parameter", "factor=1.5", "-q"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "step").glob("*.csv").__next__().read_text() == "a,c,b\n3,x,4.5\n"
    assert CliRunner().invoke(app, [*arguments, "--parameter", "factor"]).exit_code == 2


# Writing

CELLS = [
    (1, "  x ", "nan"), (2, "", "1"), (3, "  ", "-inf"), (4, 'a"b', "1"), (5, "a,b", "0.1"), (7, None, "1"),
    (8, "\tt\u00a0", "2"), (11, " a,b ", "1"), (12, "back\\slash", "inf"),
]  # fmt: skip


@pytest.fixture
def written(engine: str, builder: Any, tmp_path: Path) -> Callable[..., flow.Written]:
    """Write rows of k, s, d as an output with these options."""

    def write(rows: list[tuple[Any, ...]], **options: Any) -> flow.Written:
        path = tmp_path / "in.parquet"
        k, s, d = zip(*rows, strict=True)
        # Not through pandas, which takes NaN for missing.
        held = pa.table({"k": list(k), "s": pa.array(s, pa.string()), "d": [float(each) for each in d]})
        write_parquet(held, path)
        builder.nodes.clear()
        builder.source(s3ContentType="parquet")
        output = flow.Output("data.csv", "default", tmp_path / "out", **options)
        return flow.execute(builder.read(), lambda _: [path], [output], engine=engine)[0]

    return write


def test_cells_are_written_as_spark_writes_them(written: Any) -> None:
    expected = (
        'k,s,d\n1,x,NaN\n2,"",1.0\n3,"",-Infinity\n4,"a""b",1.0\n5,"a,b",0.1\n7,,1.0\n'
        '8,t\u00a0,2.0\n11,"a,b",1.0\n12,back\\slash,Infinity\n'
    )
    assert written(CELLS).paths[0].read_text() == expected


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress, "bzip2": bz2.decompress, "deflate": zlib.decompress,
}  # fmt: skip


@pytest.mark.parametrize(
    ("compression", "ending"), [("gzip", ".csv.gz"), ("bzip2", ".csv.bz2"), ("deflate", ".csv.deflate")]
)
def test_packed_outputs(written: Any, compression: str, ending: str) -> None:
    rows = [(1, "x", 1.0), (2, "y", 2.0)]
    first, again = (written(rows, compression=compression, delimiter=";").paths[0] for _ in range(2))
    assert first.name.startswith("part-00000-")
    assert first.name.endswith("-c000" + ending)
    assert UNPACK[compression](first.read_bytes()) == b"k;s;d\n1;x;1.0\n2;y;2.0\n"
    assert first == again
    assert [path.name for path in first.parent.iterdir()] == [first.name]


@pytest.mark.parametrize(
    ("compression", "ending"),
    [("none", "-c000.parquet"), ("gzip", ".gz.parquet"), ("snappy", ".snappy.parquet")],
)
def test_parquet(written: Any, compression: str, ending: str) -> None:
    [path] = written(CELLS, content_type="Parquet", compression=compression).paths
    assert path.name.endswith(ending)
    assert list(pd.read_parquet(path)["s"]) == [row[1] for row in CELLS]


def test_several_parts_hold_all_rows_in_order(written: Any) -> None:
    rows = [(number, "x", 1.0) for number in range(10)]
    result = written(rows, partitions=3)
    assert [path.name[:10] for path in result.paths] == ["part-00000", "part-00001", "part-00002"]
    found = [pd.read_csv(path) for path in result.paths]
    assert [len(each) for each in found] == [3, 3, 4]
    assert list(pd.concat(found)["k"]) == list(range(10))
    assert len(written(rows[:2], partitions=9).paths) == 2
    assert result.rows == 10


def test_folders_of_values(written: Any) -> None:
    rows = [(1, "a/b c=d", 1.0), (2, None, 1.0), (1, "", 2.0), (1, "a/b c=d", 3.0)]
    result = written(rows, partition_by=("k", "s"))
    names = [path.relative_to(result.output.directory).as_posix() for path in result.paths]
    assert [name.rsplit("/", 1)[0] for name in names] == [
        "k=1/s=a%2Fb c%3Dd",
        "k=1/s=__HIVE_DEFAULT_PARTITION__",
        "k=2/s=__HIVE_DEFAULT_PARTITION__",
    ]
    assert all(name.endswith(".c000.csv") for name in names)
    assert result.paths[0].read_text() == "d\n1.0\n3.0\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"compression": "rar"}, "compression 'rar'. Known: none, gzip"),
        ({"partition_by": ("zz",)}, "no column 'zz'"),
        ({"partition_by": ("k", "s", "d")}, "all its columns"),
    ],
)
def test_outputs_that_cannot_be_written(written: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        written([(1, "x", 1.0)], **options)


def test_a_destination_says_how_it_is_written(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["g", "n"], [("a", 1), ("b", 2), ("a", 3)])
    builder.destination("result", builder.source())
    config = builder.nodes[-1]["parameters"]["output_config"]
    config |= {"compression": "gzip", "partition_config": {"num_partitions": 2, "partition_by": ["g"]}}
    result = flow.run(builder.read(), {"data.csv": path}, tmp_path / "out")[0]
    folder = tmp_path / "out" / "result"
    assert sorted(each.parent.name for each in result.paths) == ["g=a", "g=a", "g=b"]
    assert sorted(folder.rglob("*.gz")) == sorted(result.paths)
    assert json.loads(json.dumps(result.rows)) == 3
