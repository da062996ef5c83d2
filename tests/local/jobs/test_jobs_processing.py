"""Processing jobs with the Data Wrangler image: real processes on a small flow."""

import json
from typing import Any

import pytest
from jobs_harness import BUCKET, DATA_WRANGLER, State

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.wrangler import Refit, output_format, read_arguments

TRACKS = "trackId,energy\nt1,0.5\nt2,0.75\nt3,0.25\n"
SOURCE, KEPT, TARGET = "source-node", "kept-node", "target-node"


def small_flow(uri: str, *, drop: str = "energy") -> dict[str, Any]:
    """A source, a dropped column, a destination."""
    default = [{"name": "default"}]

    def after(node: str) -> list[dict[str, str]]:
        return [{"name": "default", "node_id": node, "output_name": "default"}]

    return {
        "metadata": {"version": 1, "disable_limits": False},
        "nodes": [
            {
                "node_id": SOURCE,
                "type": "SOURCE",
                "operator": "sagemaker.s3_source_0.1",
                "parameters": {
                    "dataset_definition": {
                        "datasetSourceType": "S3",
                        "name": "tracks.csv",
                        "s3ExecutionContext": {"s3Uri": uri, "s3ContentType": "csv", "s3HasHeader": True},
                    }
                },
                "inputs": [],
                "outputs": default,
            },
            {
                "node_id": KEPT,
                "type": "TRANSFORM",
                "operator": "sagemaker.spark.manage_columns_0.1",
                "parameters": {
                    "operator": "Drop column",
                    "drop_column_parameters": {"column_to_drop": drop},
                },
                "inputs": after(SOURCE),
                "outputs": default,
            },
            {
                "node_id": TARGET,
                "type": "DESTINATION",
                "operator": "sagemaker.spark.s3_destination_0.1",
                "name": "S3: tracks",
                "parameters": {
                    "output_config": {
                        "compression": "none",
                        "output_path": f"s3://{BUCKET}/from-the-flow/",
                        "output_content_type": "CSV",
                        "delimiter": ",",
                    }
                },
                "inputs": after(KEPT),
                "outputs": default,
            },
        ],
    }


def s3_input(name: str, uri: str, path: str) -> dict[str, Any]:
    """One ProcessingInput."""
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def processing_request(state: State, content: Any, *outputs: str, **changes: Any) -> dict[str, Any]:
    """A CreateProcessingJob request for a flow and node outputs."""
    flow = state.put("flows/flow-1.flow", content if isinstance(content, str) else json.dumps(content))
    output = {
        "LocalPath": "/opt/ml/processing/output",
        "S3Uri": f"s3://{BUCKET}/results/",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": "wrangle",
        "ProcessingInputs": [s3_input("flow", flow, "/opt/ml/processing/flow")],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": name, "S3Output": output} for name in outputs]},
        "AppSpecification": {
            "ImageUri": DATA_WRANGLER,
            "ContainerArguments": [
                f"--output-config '{json.dumps({name: {'content_type': 'CSV'}})}'" for name in outputs
            ],
        },
        **changes,
    }


def test_outputs_land_where_the_contract_says(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    request = processing_request(state, small_flow(uri), f"{KEPT}.default", f"{TARGET}.default")
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    keys = state.keys("results/")
    assert [key.rpartition("/")[0] for key in keys] == [
        f"results/wrangle/{KEPT}/default",
        f"results/wrangle/{TARGET}/default",
    ]
    for key in keys:
        assert key.rpartition("/")[2].startswith("part-00000-")
        lines = state.objects.read(BUCKET, key).decode().splitlines()
        assert lines[0] == "trackId"
        assert sorted(lines[1:]) == ["t1", "t2", "t3"]
    assert state.keys("from-the-flow/") == []  # a destination writes only what the request names
    configuration = job.directory / "opt/ml/config/processingjobconfig.json"
    assert json.loads(configuration.read_text())["ProcessingJobName"] == "wrangle"


def test_an_input_named_like_the_data_set_wins_over_the_flows_address(state: State) -> None:
    uri = state.put("mine/other-name.csv", "trackId,energy\nmine,1\n")
    request = processing_request(state, small_flow("s3://someone-elses/tracks.csv"), f"{KEPT}.default")
    request["ProcessingInputs"].append(s3_input("tracks.csv", uri, "/opt/ml/processing/tracks.csv"))
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    (key,) = state.keys("results/")
    assert state.objects.read(BUCKET, key).decode().split() == ["trackId", "mine"]
    assert state.objects.read(BUCKET, "mine/other-name.csv") == b"trackId,energy\nmine,1\n"


def fails(state: State, request: dict[str, Any]) -> str:
    """The reason of a job that must fail and leave nothing."""
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 1, job.log
    assert state.keys("results/") == []
    reason = job.progress["FailureReason"]
    assert job.progress["ExitMessage"] == reason
    assert (job.directory / "opt/ml/output/message").read_text() == reason
    assert len(reason) <= 1024
    return str(reason)


def test_a_flow_problem_names_the_node(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    reason = fails(state, processing_request(state, small_flow(uri, drop="enrgy"), f"{KEPT}.default"))
    assert "enrgy" in reason
    assert "manage_columns" in reason


def test_a_missing_source_names_the_source_and_the_remedy(state: State) -> None:
    flow = small_flow(f"s3://{BUCKET}/raw/none.csv")
    reason = fails(state, processing_request(state, flow, f"{KEPT}.default"))
    assert "'tracks.csv'" in reason
    assert "No S3 objects found under s3://music/raw/none.csv" in reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"AppSpecification": {"ImageUri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/x:1"}},
            "Data Wrangler",
        ),
        (
            {
                "AppSpecification": {
                    "ImageUri": DATA_WRANGLER,
                    "ContainerArguments": ["--parameter-override '{\"a\": 1}'"],
                }
            },
            "The flow has no parameter 'a'",
        ),
        ({"ProcessingOutputConfig": {"Outputs": []}}, "names no outputs"),
        ({"ProcessingInputs": []}, "0 .flow files"),
    ],
)
def test_requests_that_cannot_run_say_why(state: State, changes: dict[str, Any], words: str) -> None:
    request = processing_request(state, small_flow("s3://music/x"), f"{KEPT}.default", **changes)
    assert words in fails(state, request)


def test_outputs_into_a_bucket_that_is_not_there_leave_nothing(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    request = processing_request(state, small_flow(uri), f"{KEPT}.default", f"{TARGET}.default")
    request["ProcessingOutputConfig"]["Outputs"][1]["S3Output"] = {
        "LocalPath": "/opt/ml/processing/output",
        "S3Uri": "s3://not-there/results",
        "S3UploadMode": "EndOfJob",
    }
    assert "not-there" in fails(state, request)


def test_arguments_are_split_as_a_shell_would() -> None:
    found = read_arguments(
        [
            """--output-config '{"n.default": {"content_type": "CSV"}}'""",
            """--output-config '{"m.default": {"content_type": "Parquet"}}' --refit-trained-params
            '{"refit": false}'""",
            """--parameter-override='{"Since": "2020"}'""",
        ]
    )
    assert set(found.output_config) == {"n.default", "m.default"}
    assert found.parameter_override == {"Since": "2020"}
    assert found.refit == Refit(False, "")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--output-config '{", "close its quotes"),
        ("--output-config", "lacks its value"),
        ("--output-config '[1]'", "not a JSON object"),
        ("--output-config '{x}'", "not JSON"),
        ("--verbose 1", "'--verbose' is unknown"),
        ("--refit-trained-params '{\"refit\": 1}'", "true or false is needed"),
        ('--refit-trained-params \'{"output_flow": "a/b.flow"}\'', "the name of a file is needed"),
        ("--refit-trained-params '{\"again\": true}'", "'again'"),
    ],
)
def test_arguments_that_cannot_be_read_are_named(argument: str, words: str) -> None:
    with pytest.raises(JobFailure, match=words):
        read_arguments([argument])


def test_output_formats_are_checked() -> None:
    form = output_format("n.default", {"content_type": "Parquet", "partition_config": {"num_partitions": 3}})
    assert (form.content_type, form.partitions) == ("PARQUET", 3)
    by = output_format("n.default", {"partition_config": {"partition_by": ["a", "b"]}})
    assert (by.partitions, by.partition_by) == (1, ("a", "b"))
    for config, words in [
        ({"content_type": "XML"}, "CSV or Parquet"),
        ({"colour": 1}, "'colour'"),
        ({"partition_config": {"num_partitions": 0}}, "whole number"),
        ({"partition_config": {"partition_by": [1]}}, "partition_by"),
    ]:
        with pytest.raises(JobFailure, match=words):
            output_format("n.default", config)


def scaled_flow(uri: str) -> dict[str, Any]:
    """A flow whose columns are typed and scaled to 0 to 1, by types and scales that it does not hold yet."""
    content = small_flow(uri)
    kept = content["nodes"][1]
    typed = {
        **kept,
        "node_id": "typed",
        "operator": "sagemaker.spark.infer_and_cast_type_0.1",
        "parameters": {},
    }
    kept["operator"] = "sagemaker.spark.process_numeric_0.1"
    scaler = {"scaler": "Min-max scaler", "min_max_scaler_parameters": {"input_column": "energy"}}
    kept["parameters"] = {"operator": "Scale values", "scale_values_parameters": scaler}
    kept["inputs"] = [{"name": "df", "node_id": "typed", "output_name": "default"}]
    return {**content, "nodes": [content["nodes"][0], typed, *content["nodes"][1:]]}


def energies(state: State, name: str) -> list[str]:
    """The second column of the only part of a job's output."""
    (key,) = state.keys(f"results/{name}/{KEPT}/default/")
    return [line.split(",")[1] for line in state.objects.read(BUCKET, key).decode().splitlines()[1:]]


def test_a_refitted_flow_lies_beside_the_data_and_is_used(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    request = processing_request(state, scaled_flow(uri), f"{KEPT}.default")
    arguments = request["AppSpecification"]["ContainerArguments"]
    refit = """--refit-trained-params '{"refit": true, "output_flow": "fitted.flow"}'"""
    request["AppSpecification"]["ContainerArguments"] = [*arguments, refit]
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    assert energies(state, "wrangle") == ["0.5", "1.0", "0.0"]
    fitted = state.objects.read(BUCKET, "results/wrangle/fitted.flow").decode()
    nodes = {node["node_id"]: node for node in json.loads(fitted)["nodes"]}
    assert nodes["typed"]["trained_parameters"] == {"schema": {"trackId": "string", "energy": "float"}}

    # On other data the scale is that of the first: 0.25 to 0.75.
    state.put("raw/tracks.csv", "trackId,energy\nt1,1.25\nt2,0.25\n")
    request = processing_request(state, fitted, f"{KEPT}.default", ProcessingJobName="second")
    job = state.run("processing", "second", request)
    assert job.wait() == 0, job.log
    assert energies(state, "second") == ["2.0", "0.0"]
    assert [key for key in state.keys("results/second/") if key.endswith(".flow")] == []


def test_parameters_are_overridden_and_outputs_partitioned(state: State) -> None:
    state.put("raw/2024.csv", TRACKS)
    content = small_flow(f"s3://{BUCKET}/raw/{{{{year}}}}.csv", drop="{{column}}")
    content["parameters"] = [
        {"name": "year", "type": "String", "default_value": "2023"},
        {"name": "column", "type": "String", "default_value": "trackId"},
    ]
    request = processing_request(state, content, f"{SOURCE}.default", f"{KEPT}.default")
    by = json.dumps({f"{SOURCE}.default": {"partition_config": {"partition_by": ["trackId"]}}})
    request["AppSpecification"]["ContainerArguments"] = [
        f"--output-config '{by}'",
        """--parameter-override '{"year": "2024"}'""",
        """--parameter-override '{"column": "energy"}'""",
    ]
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    folders = [key.split("/")[4] for key in state.keys(f"results/wrangle/{SOURCE}/")]
    assert folders == ["trackId=t1", "trackId=t2", "trackId=t3"]
    (key,) = state.keys(f"results/wrangle/{KEPT}/")
    assert state.objects.read(BUCKET, key).decode().split() == ["trackId", "t1", "t2", "t3"]


def test_an_analysis_is_an_output_too(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    content = small_flow(uri)
    summary = {**content["nodes"][1], "node_id": "summary", "type": "VISUALIZATION"}
    summary["operator"] = "sagemaker.visualizations.describe_0.1"
    summary["parameters"] = {"name": "Table summary"}
    content["nodes"].append(summary)
    request = processing_request(state, content, f"{KEPT}.default", "summary.default")
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    keys = state.keys("results/wrangle/summary/default/")
    assert [key.rpartition("/")[2] for key in keys] == ["analysis.json", "analysis.png", "analysis.svg"]
    assert "trackId" in state.objects.read(BUCKET, keys[0]).decode()
    assert len(state.keys(f"results/wrangle/{KEPT}/")) == 1


def test_an_analysis_that_cannot_be_made_fails_the_job(state: State) -> None:
    uri = state.put("raw/tracks.csv", TRACKS)
    content = small_flow(uri)
    picture = {**content["nodes"][1], "node_id": "picture", "type": "VISUALIZATION"}
    picture["operator"] = "sagemaker.visualizations.histogram_0.1"
    picture["parameters"] = {"name": "Energies", "x_axis": "enrgy"}
    content["nodes"].append(picture)
    reason = fails(state, processing_request(state, content, f"{KEPT}.default", "picture.default"))
    assert "Energies" in reason and "enrgy" in reason


def test_a_feature_group_gets_records_that_stay_on_this_machine(state: State) -> None:
    import pandas as pd

    uri = state.put("raw/tracks.csv", TRACKS)
    request = processing_request(state, small_flow(uri), f"{KEPT}.default")
    group = {"OutputName": f"{SOURCE}.default", "AppManaged": True}
    group["FeatureStoreOutput"] = {"FeatureGroupName": "tracks-2024"}
    request["ProcessingOutputConfig"]["Outputs"].append(group)
    job = state.run("processing", "wrangle", request)
    assert job.wait() == 0, job.log
    folder = job.directory / "opt/ml/processing/output/wrangle/tracks-2024"
    assert f"Feature group tracks-2024 is not written here: what would be is in {folder}." in job.log
    assert pd.read_parquet(folder)["trackId"].tolist() == ["t1", "t2", "t3"]
    assert len(state.keys("results/")) == 1

    group["FeatureStoreOutput"] = {"FeatureGroupName": "not a name"}
    request = {**request, "ProcessingJobName": "again"}
    job = state.run("processing", "again", request)
    assert job.wait() == 1
    assert "at most 64 letters" in job.progress["FailureReason"]
