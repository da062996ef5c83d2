"""What CreateTransformJob refuses, through boto3 against a real server with stand-in jobs."""

import copy
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from control_harness import create_model, refused, transform_request, wait_for

Change = Callable[[dict[str, Any]], object]


def joined(request: dict[str, Any], kind: str = "text/csv", split: str = "Line", **processing: Any) -> None:
    """Make it a request whose DataProcessing is right."""
    request["TransformInput"].update(ContentType=kind, SplitType=split)
    request["TransformOutput"].update(Accept=kind, AssembleWith=split)
    request["DataProcessing"] = {"JoinSource": "Input", **processing}


def after(change: Change, **arguments: Any) -> Change:
    def both(request: dict[str, Any]) -> None:
        joined(request, **arguments)
        change(request)

    return both


def source(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = request["TransformInput"]["DataSource"]["S3DataSource"]
    return found


JSON = "application/json"
REFUSED: list[tuple[Change, str]] = [
    (lambda request: request.update(TransformJobName="a" * 64), "length less than or equal to 63"),
    (lambda request: request.update(TransformJobName="-a"), "regular expression pattern"),
    (lambda request: request.pop("ModelName"), "'modelName'"),
    (lambda request: request.pop("TransformResources"), "'transformResources'"),
    (lambda request: request["TransformInput"].pop("DataSource"), "'transformInput.dataSource'"),
    (lambda request: request["TransformOutput"].pop("S3OutputPath"), "'transformOutput.s3OutputPath'"),
    (
        lambda request: source(request).update(S3DataType="AugmentedManifestFile"),
        "'AugmentedManifestFile' is not",
    ),
    (lambda request: source(request).update(S3DataType="Converse"), "'Converse' is not"),
    (lambda request: source(request).update(S3Uri="data/in"), "regular expression pattern"),
    (lambda request: request["TransformInput"].update(SplitType="Lines"), "enum value set"),
    (lambda request: request["TransformInput"].update(CompressionType="Zip"), "enum value set"),
    (lambda request: request["TransformOutput"].update(AssembleWith="RecordIO"), "enum value set"),
    (lambda request: request.update(BatchStrategy="Many"), "enum value set"),
    (lambda request: request["TransformResources"].update(InstanceType="ml.m5.huge"), "enum value set"),
    (lambda request: request["TransformResources"].update(InstanceCount=0), "greater than or equal to 1"),
    (lambda request: request["TransformResources"].update(InstanceCount=101), "not be more than 100"),
    (lambda request: request.update(MaxPayloadInMB=-1), "greater than or equal to 0"),
    (lambda request: request.update(MaxPayloadInMB=101), "MaxPayloadInMB must not be more than 100"),
    (lambda request: request.update(MaxConcurrentTransforms=20, MaxPayloadInMB=6), "not be more than 100 MB"),
    (lambda request: request.update(MaxConcurrentTransforms=17), "17 times 6"),
    (
        lambda request: request.update(ModelClientConfig={"InvocationsTimeoutInSeconds": 3601}),
        "less than or equal to 3600",
    ),
    (
        lambda request: request.update(ModelClientConfig={"InvocationsMaxRetries": 4}),
        "less than or equal to 3",
    ),
    (
        lambda request: request.update(Environment={f"V{n}": "" for n in range(17)}),
        "less than or equal to 16",
    ),
    (lambda request: request.update(DataCaptureConfig={"KmsKeyId": "a"}), "destinationS3Uri"),
    (
        lambda request: request.update(
            DataCaptureConfig={"DestinationS3Uri": "s3://data/c", "GenerateInferenceId": True}
        ),
        "GenerateInferenceId needs an Accept",
    ),
    (
        lambda request: request.update(DataProcessing={"JoinSource": "Input"}),
        "the same ContentType and Accept",
    ),
    (
        lambda request: request.update(DataProcessing={"InputFilter": "$[1:]"}),
        "the same ContentType and Accept",
    ),
    (
        after(lambda request: request["TransformOutput"].update(Accept=JSON)),
        "the same ContentType and Accept",
    ),
    (
        after(lambda request: request["TransformOutput"].pop("AssembleWith")),
        "AssembleWith to be the same as SplitType",
    ),
    (after(lambda _: None, split="None"), "text/csv needs SplitType and AssembleWith to be Line"),
    (after(lambda _: None, InputFilter="$[" + "1," * 40 + "1]"), "less than or equal to 63"),
    (
        after(lambda _: None, InputFilter="$.features"),
        'Invalid InputFilter: "$.features". Unexpected "." in JsonPath',
    ),
    (after(lambda _: None, InputFilter="$[0][1]"), "a row of CSV is an array"),
    (after(lambda _: None, OutputFilter="$[0:2,246:]"), "only single range filters of format (eg: [1:5])"),
    (
        after(lambda _: None, kind="application/jsonlines", OutputFilter="$['account_id']"),
        """Invalid OutputFilter: "$['account_id']". Unexpected "_" in JsonPath. Supported """
        """operators for "application/jsonlines" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']""",
    ),
]


@pytest.fixture(scope="module")
def model(shared: Any) -> str:
    name = f"model-{uuid.uuid4().hex[:8]}"
    create_model(shared, name)
    return name


@pytest.mark.parametrize(("change", "text"), REFUSED)
def test_bad_requests_are_refused_at_once(shared: Any, model: str, change: Change, text: str) -> None:
    request = copy.deepcopy(transform_request("job", model))
    change(request)
    code, message = refused(shared.create_transform_job, **request)
    assert code == "ValidationException"
    assert text in message
    assert refused(shared.describe_transform_job, TransformJobName="job")[0] == "ValidationException"


def strategy_without_split(request: dict[str, Any]) -> None:
    """As notebooks for images do: each object is a record."""
    request["TransformInput"].update(ContentType="application/x-image", SplitType="None")
    request.update(BatchStrategy="SingleRecord", MaxConcurrentTransforms=16, MaxPayloadInMB=6)


def full(request: dict[str, Any]) -> None:
    joined(request, InputFilter="$[1:]", OutputFilter="$[0,-1]")
    request["TransformInput"]["CompressionType"] = "Gzip"
    request["TransformOutput"]["KmsKeyId"] = "alias/a"
    request.update(
        ModelClientConfig={"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 0},
        DataCaptureConfig={"DestinationS3Uri": "s3://data/c", "KmsKeyId": "k", "GenerateInferenceId": True},
        ExperimentConfig={"ExperimentName": "e", "TrialComponentDisplayName": "c", "RunName": "r"},
        Environment={"A": "b"},
        MaxConcurrentTransforms=1,
        MaxPayloadInMB=100,
        BatchStrategy="MultiRecord",
    )


@pytest.mark.parametrize(
    "change",
    [
        strategy_without_split,
        full,
        lambda request: joined(request, kind=JSON, split="None", InputFilter="$.features"),
        lambda request: joined(request, kind="application/jsonlines"),
        lambda request: request.update(DataProcessing={"InputFilter": "$", "JoinSource": "None"}),
        lambda request: request.update(MaxPayloadInMB=0, MaxConcurrentTransforms=0),
    ],
)
def test_good_requests_are_taken_and_echoed(shared: Any, model: str, change: Change) -> None:
    name = f"job-{uuid.uuid4().hex[:8]}"
    request = transform_request(name, model)
    change(request)
    assert shared.create_transform_job(**request)["TransformJobArn"].endswith(f":transform-job/{name}")

    def described() -> dict[str, Any]:
        found: dict[str, Any] = shared.describe_transform_job(TransformJobName=name)
        return found

    wait_for(lambda: described()["TransformJobStatus"] == "Completed")
    request["TransformInput"] = {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]}
    request["TransformOutput"] = {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]}
    assert {member: described()[member] for member in request} == request
