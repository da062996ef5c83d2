"""A flow as Python, SQL, a notebook and a pipeline: the scripts run alone and give the flow's own output."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import duckdb
import pandas as pd
import pytest
from botocore.validate import ParamValidator
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.builder import FlowBuilder
from helpers.flow.commands import app
from helpers.flow.outputs import outputs_of

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"


def run_script(text: str, ending: str, folder: Path) -> None:
    """Run an exported script by itself, without this repository on the path."""
    folder.mkdir()
    path = folder / f"script{ending}"
    path.write_text(text, encoding="utf-8")
    program = "import sys, duckdb; duckdb.execute(open(sys.argv[1], encoding='utf-8').read())"
    command = [sys.executable, path.name] if ending == ".py" else [sys.executable, "-c", program, path.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PATH": ""}, check=False)
    assert done.returncode == 0, done.stderr


def same(first: Path, second: Path) -> None:
    """Equal tables; numbers but for their last digits."""
    pd.testing.assert_frame_equal(
        pd.read_csv(first, keep_default_na=False, na_values=[""]),
        pd.read_csv(second, keep_default_na=False, na_values=[""]),
        rtol=1e-9,
        atol=0,
    )


@pytest.fixture(scope="module")
def music_scripts(music: dict[str, Path]) -> dict[str, str]:
    """The workshop's flow as Python and as SQL."""
    return {to: flow.export(flow.read(music_flow), to, music, name="music") for to in ("python", "sql")}


@pytest.fixture(scope="module")
def music_written(music: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[flow.Written]:
    """What the workshop's flow itself writes."""
    return flow.run(flow.read(music_flow), music, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("to", ["python", "sql"])
def test_the_workshops_flow_as_a_script(
    to: str, music_scripts: dict[str, str], music_written: list[flow.Written], tmp_path: Path
) -> None:
    text, written = music_scripts[to], music_written
    assert "helpers" not in text and str(Path(flow.__file__).parents[2]) not in text
    run_script(text, {"python": ".py", "sql": ".sql"}[to], tmp_path / "alone")
    assert len(written) == 4
    for each in written:
        exported = tmp_path / "alone" / f"music-{each.output.directory.name}.csv"
        same(exported, each.paths[0])
        if to == "sql":
            assert exported.read_bytes() == each.paths[0].read_bytes()


def test_the_python_of_the_workshops_flow_is_pandas(music_scripts: dict[str, str]) -> None:
    text = music_scripts["python"]
    ast.parse(text)
    assert "one_hot_genre = one_hot(copy_genre, 'genre')" in text
    assert "0.3 * restore_genre['valence'] + 0.1 * restore_genre['liveness']" in text
    # Only the custom PySpark, which pandas has no short form for, goes through SQL.
    assert [line.split(" = ")[0] for line in text.splitlines() if line.endswith(" = sql(")] == [
        "listener_averages"
    ]


MESSY = [
    (1, "1.5", "red", "x_1"),
    (2, "", "blue", ""),
    ("", "NaN", "", 'a "quoted", text'),
    ("7.9", "1_0", "red", "Straße\nline"),
    ("-.5", "-2e3", "red ", "null"),
    ("99999999999999999999", "inf", "blue", " 12 "),
]
SCHEMA = {"n": "long", "x": "float", "colour": "string", "text": "string"}


@pytest.fixture
def messy(write_csv: Any) -> dict[str, Path]:
    return {"messy.csv": write_csv("messy.csv", list(SCHEMA), MESSY)}


def executed(read: flow.Flow, sources: dict[str, Path], folder: Path) -> list[flow.Written]:
    """What a flow itself writes, run in this process."""
    outputs = outputs_of(read, folder)
    return flow.execute(read, lambda source: [sources[source.dataset_name]], outputs)


def built(steps: Any) -> flow.Flow:
    made = FlowBuilder("messy")
    typed = made.source("messy.csv", "s3://bucket/messy.csv", s3MultiLine=True).types("Types", SCHEMA)
    steps(typed).destination("out", "s3://bucket/out/")
    return made.flow()


def columns(step: Any, name: str, *choices: str, **parameters: Any) -> Any:
    return step.then(name, "manage_columns", *choices, **parameters)


PANDAS = "import numpy as np\ndf['length'] = df['text'].str.len()\ndf = df[df['colour'].notna()]\n"


def drop_x(step: Any, name: str) -> Any:
    return columns(step, name, "Drop column", column_to_drop="x")


def halves(step: Any, kind: str, **parameters: Any) -> Any:
    return step.split(kind, kind, {"A": 0.5, "B": 0.5}, **parameters)


STEPS = {
    "types only": lambda step: step,
    "one-hot": lambda step: step.then(
        "Colours",
        "encode_categorical",
        "One-hot encode",
        input_column=["colour"],
        invalid_handling_strategy="Keep",
    ),
    "move": lambda step: columns(
        columns(step, "To the end", "Move column", "Move to end", column_to_move=["N"]),
        "After x",
        "Move column",
        "Move after",
        column_to_move="text",
        target_column="x",
    ),
    "formula in floats": lambda step: step.formula("Floats", "y", "2 * (x - 1) + X"),
    "formula in SQL": lambda step: step.formula("Case", "n", "CASE WHEN n > 1 THEN n / 0 ELSE n % 2 END"),
    "self join": lambda step: step.join("Self", drop_x(step, "No x"), "colour"),
    "left join": lambda step: step.join("Left", drop_x(step, "No x left"), "n", "left"),
    "anti join": lambda step: step.join("Anti", step.formula("K", "k", "1.0 * x"), ("x", "k"), "leftanti"),
    "random split": lambda step: halves(step, "Randomized split")["B"],
    "ordered split": lambda step: halves(step, "Ordered split", input_column="n")["A"],
    "names that are words": lambda step: columns(
        columns(step, "select", "Duplicate column", input_column="x", new_name='the "x"'),
        "import",
        "Rename column",
        input_column="n",
        new_name="order",
    ),
    "a date and a moment": lambda step: step.formula("D", "d", "CAST('2024-01-31' AS date)").formula(
        "M", "m", "CAST('2024-01-31 01:02:03' AS timestamp)"
    ),
    "pyspark": lambda step: step.pyspark(
        "P", "import pyspark.sql.functions as F\ndf = df.groupBy('colour').agg(F.sum('x').alias('s'))"
    ),
}


@pytest.mark.parametrize("to", ["python", "sql"])
def test_scripts_give_what_the_flow_gives(to: str, messy: dict[str, Path], tmp_path: Path) -> None:
    made = FlowBuilder("messy")
    typed = made.source("messy.csv", "s3://bucket/messy.csv", s3MultiLine=True).types("Types", SCHEMA)
    for name, steps in STEPS.items():
        steps(typed).destination(name, "s3://bucket/out/")
    written = executed(made.flow(), messy, tmp_path / "run")
    text = flow.export(made.flow(), to, messy, name="messy")
    run_script(text, {"python": ".py", "sql": ".sql"}[to], tmp_path / "alone")
    assert len(written) == len(STEPS)
    for each in written:
        same(tmp_path / "alone" / f"messy-{each.output.directory.name}.csv", each.paths[0])


def test_custom_pandas_is_python_and_named_where_it_cannot_go(messy: dict[str, Path], tmp_path: Path) -> None:
    read = built(lambda step: step.pandas("Lengths", PANDAS))
    [written] = executed(read, messy, tmp_path / "run")
    text = flow.export(read, "python", messy, name="messy")
    assert PANDAS.strip() in text
    run_script(text, ".py", tmp_path / "alone")
    same(tmp_path / "alone" / "messy-out.csv", written.paths[0])
    with pytest.raises(flow.FlowError, match=r"Lengths \(.*custom_pandas_0.1\): has no form in SQL"):
        flow.export(read, "sql", messy)


def test_a_time_of_day_may_differ_and_nothing_else_may(messy: dict[str, Path]) -> None:
    clock = "import time\ndf['now'] = time.time_ns()\n"
    text = flow.export(built(lambda step: step.pandas("Now", clock)), "python", messy)
    assert "df['now'] = time.time_ns()" in text
    # Where the code looks at what the script does not have, the script gives something else.
    inside = "import sys\ndf['engine'] = 'helpers.flow' in sys.modules\n"
    with pytest.raises(flow.FlowError, match=r"another output 'out' \(row 1, column 'engine'"):
        flow.export(built(lambda step: step.pandas("Inside", inside)), "python", messy)


def test_dummies_are_numbers_as_in_the_container(messy: dict[str, Path], tmp_path: Path) -> None:
    code = "import pandas as pd\ndf = pd.get_dummies(df, columns=['colour'])"
    read = built(lambda step: step.pandas("Dummies", code))
    [written] = executed(read, messy, tmp_path / "run")
    run_script(flow.export(read, "python", messy, name="messy"), ".py", tmp_path / "alone")
    same(tmp_path / "alone" / "messy-out.csv", written.paths[0])


def test_an_export_needs_its_sources(messy: dict[str, Path]) -> None:
    with pytest.raises(flow.FlowError, match=r"Source 'messy.csv' has no file"):
        flow.export(built(lambda step: step), "sql")
    with pytest.raises(flow.FlowError, match=r"no export to 'scala'. Known: python, sql"):
        flow.export(built(lambda step: step), "scala", messy)


def filled(value: Any, parameters: dict[str, Any]) -> Any:
    """A pipeline's arguments as the service fills them in."""
    if isinstance(value, list):
        return [filled(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        return parameters[value["Get"].removeprefix("Parameters.")]
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return join["On"].join(filled(each, parameters) for each in join["Values"])
    return {key: filled(each, parameters) for key, each in value.items()}


def validate(request: dict[str, Any]) -> None:
    """Hold a request against the service model."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    report = ParamValidator().validate(request, model.operation_model("CreateProcessingJob").input_shape)
    assert not report.has_errors(), report.generate_report()


def test_a_pipeline_is_a_valid_request() -> None:
    read = flow.read(music_flow)
    definition = json.loads(flow.export(read, "pipeline", name="music"))
    assert definition["Version"] == "2020-12-01"
    given = {each["Name"]: each.get("DefaultValue") for each in definition["Parameters"]}
    assert given["InstanceType"] == "ml.m5.4xlarge"
    place = "s3://bucket/flow"
    given |= {"FlowUri": place, "OutputUri": "s3://bucket/out", "ImageUri": "image:3.x"}
    given["RoleArn"] = "arn:aws:iam::111122223333:role/workshop"
    [step] = definition["Steps"]
    assert (step["Name"], step["Type"]) == ("DataWrangler-music", "Processing")
    request = filled(step["Arguments"], given)
    validate({"ProcessingJobName": "job", **request})
    outputs = request["ProcessingOutputConfig"]["Outputs"]
    assert [each["OutputName"] for each in outputs] == [
        f"{node.node_id}.default" for node in read.destinations()
    ]
    assert outputs[0]["S3Output"]["S3Uri"] == "s3://bucket/out/train"
    arguments = request["AppSpecification"]["ContainerArguments"]
    assert all(len(each) <= 256 for each in arguments) and len(arguments) == 4
    assert arguments[0] == f'--output-config \'{{"{outputs[0]["OutputName"]}": {{"content_type": "CSV"}}}}\''


def test_a_pipeline_writes_to_feature_store_and_a_notebook_says_that_it_does_not() -> None:
    document = json.loads(json.dumps(dict(built(lambda step: step).document)))
    node = document["nodes"][-1]
    node["operator"] = "sagemaker.spark.featurestore_destination_0.1"
    node["parameters"] = {"output_config": {"feature_group_name": "tracks"}}
    read = flow.read(document)
    [step] = json.loads(flow.export(read, "pipeline"))["Steps"]
    [output] = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert output["FeatureStoreOutput"] == {"FeatureGroupName": "tracks"} and "S3Output" not in output
    with pytest.raises(flow.FlowError, match=r"out .*writes to Feature Store"):
        flow.export(read, "notebook")


def test_more_outputs_than_a_job_has_are_refused() -> None:
    made = FlowBuilder("many")
    source = made.source("a.csv", "s3://bucket/a.csv")
    for place in range(11):
        source.destination(f"out {place}", "s3://bucket/out/")
    for to in ("pipeline", "notebook"):
        with pytest.raises(flow.FlowError, match=r"writes 11 outputs .*at most 10"):
            flow.export(made.flow(), to)


def test_a_notebook_is_one_and_its_code_compiles() -> None:
    import nbformat

    text = flow.export(flow.read(music_flow), "notebook", name="music")
    document = nbformat.reads(text, as_version=4)
    nbformat.validate(document)
    code = [cell.source for cell in document.cells if cell.cell_type == "code"]
    for each in code:
        compile(each, "cell", "exec")
    assert "<<" not in text
    [parameters] = [cell for cell in document.cells if cell.metadata.get("tags") == ["parameters"]]
    assert 'flow_file: str = "music.flow"' in parameters.source


def test_the_command_prints_or_writes(music: dict[str, Path], tmp_path: Path) -> None:
    sources = [text for name, path in music.items() for text in ("--source", f"{name}={path}")]
    target = tmp_path / "music.sql"
    written = CliRunner().invoke(app, ["export", str(music_flow), "--to", "sql", *sources, "-o", str(target)])
    assert written.exit_code == 0, written.output
    assert written.stdout.strip() == str(target)
    with duckdb.connect() as connection:
        assert len(connection.extract_statements(target.read_text(encoding="utf-8"))) > 30
    printed = CliRunner().invoke(app, ["export", str(music_flow), "--to", "pipeline"])
    assert json.loads(printed.stdout)["Steps"][0]["Name"] == "DataWrangler-music"
    wrong = CliRunner().invoke(app, ["export", str(music_flow), "--to", "python"])
    assert wrong.exit_code == 2
    assert "csv=PATH" in wrong.stderr
