"""Requests against the API model: every violation found, worded as AWS words it."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from helpers.local import sagemaker  # noqa: F401 - its families register their operations
from helpers.local.errors import ServiceError
from helpers.local.protocol import compile_pattern, load_api, read_request
from helpers.local.sagemaker.registry import find_handler, offered

API = load_api("sagemaker")
ROLE = "arn:aws:iam::000000000000:role/workshop"


def automl(**members: Any) -> dict[str, Any]:
    return {
        "AutoMLJobName": "job",
        "AutoMLJobInputDataConfig": [
            {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}}}
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "Rating"}},
        "RoleArn": ROLE,
        **members,
    }


def message(operation: str, request: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        API.validate(operation, request)
    assert caught.value.code == "ValidationException"
    assert caught.value.status == 400
    return caught.value.message


def test_a_good_request_comes_back_without_its_nulls() -> None:
    request = automl(SecurityConfig=None, DataSplitConfig={"ValidationFraction": None})
    assert API.validate("CreateAutoMLJobV2", request) == automl(DataSplitConfig={})


def test_one_violation_in_the_words_of_aws() -> None:
    name = "a-name-that-is-much-too-long-for-autopilot"
    assert message("CreateAutoMLJobV2", automl(AutoMLJobName=name)) == (
        f"2 validation errors detected: Value '{name}' at 'autoMLJobName' failed to satisfy constraint: "
        f"Member must have length less than or equal to 32; Value '{name}' at 'autoMLJobName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"
    )


def test_all_violations_stand_in_one_message() -> None:
    text = message(
        "CreateAutoMLJobV2",
        {
            "AutoMLJobName": "-",
            "AutoMLJobInputDataConfig": [
                {"ChannelType": "test", "DataSource": {"S3DataSource": {"S3Uri": "file:///tmp/x"}}},
                {"ChannelType": "training"},
                {"ChannelType": "validation"},
            ],
            "AutoMLProblemTypeConfig": {
                "TabularJobConfig": {"CompletionCriteria": {"MaxCandidates": 0}, "TargetAttributeName": ""}
            },
            "OutputDataConfig": None,
            "Tags": [{"Key": "a", "Value": "b"}] * 51,
        },
    )
    assert text.startswith("10 validation errors detected: ")
    for part in (
        "Value null at 'outputDataConfig' failed to satisfy constraint: Member must not be null",
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
        "Value '-' at 'autoMLJobName' failed to satisfy constraint: Member must satisfy regular expression",
        "at 'autoMLJobInputDataConfig' failed to satisfy constraint: Member must have length less than "
        "or equal to 2",
        "Value 'test' at 'autoMLJobInputDataConfig.1.member.channelType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [training, validation]",
        "Value null at 'autoMLJobInputDataConfig.1.member.dataSource.s3DataSource.s3DataType'",
        "Value 'file:///tmp/x' at 'autoMLJobInputDataConfig.1.member.dataSource.s3DataSource.s3Uri'",
        "Value '0' at 'autoMLProblemTypeConfig.tabularJobConfig.completionCriteria.maxCandidates' failed to "
        "satisfy constraint: Member must have value greater than or equal to 1",
        "Value '' at 'autoMLProblemTypeConfig.tabularJobConfig.targetAttributeName' failed to satisfy "
        "constraint: Member must have length greater than or equal to 1",
        "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("members", "path", "wanted"),
    [
        ({"AutoMLJobName": 3}, "autoMLJobName", "a string"),
        ({"AutoMLJobName": {"a": 1}}, "autoMLJobName", "a string"),
        ({"AutoMLJobInputDataConfig": {}}, "autoMLJobInputDataConfig", "a list"),
        ({"OutputDataConfig": "s3://bucket"}, "outputDataConfig", "a structure"),
        ({"OutputDataConfig": []}, "outputDataConfig", "a structure"),
        (
            {"DataSplitConfig": {"ValidationFraction": "0.2"}},
            "dataSplitConfig.validationFraction",
            "a number",
        ),
        ({"DataSplitConfig": {"ValidationFraction": True}}, "dataSplitConfig.validationFraction", "a number"),
        (
            {"ModelDeployConfig": {"AutoGenerateEndpointName": 1}},
            "modelDeployConfig.autoGenerateEndpointName",
            "a bool",
        ),
        ({"Tags": ["a"]}, "tags.1.member", "a structure"),
        ({"Tags": [None]}, "tags.1.member", "a structure"),
    ],
)
def test_wrong_types_are_violations(members: dict[str, Any], path: str, wanted: str) -> None:
    text = message("CreateAutoMLJobV2", automl(**members))
    assert text.startswith("1 validation error detected: ")
    assert f"at '{path}' failed to satisfy constraint: Member must be {wanted}" in text


@pytest.mark.parametrize("value", ["1.5", 1.5, True, None])
def test_whole_numbers_are_whole(value: Any) -> None:
    cluster = {"VolumeSizeInGB": value}
    request = {
        "ProcessingJobName": "job",
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    assert "at 'processingResources.clusterConfig.volumeSizeInGB'" in message("CreateProcessingJob", request)


def test_times_are_numbers() -> None:
    assert API.validate("ListModels", {"CreationTimeAfter": 1.5}) == {"CreationTimeAfter": 1.5}
    assert "a number of seconds since 1970" in message("ListModels", {"CreationTimeAfter": "2026-01-01"})


def test_an_unknown_member_is_named_with_the_known_ones() -> None:
    text = message("DescribeModel", {"ModelName": "model", "Model": "x"})
    assert text == (
        "1 validation error detected: Value 'x' at 'model' failed to satisfy constraint: Member is unknown; "
        "the members here are [ModelName]"
    )


@pytest.mark.parametrize(
    "config", [{}, {"TabularJobConfig": {"TargetAttributeName": "x"}, "TextGenerationJobConfig": {}}]
)
def test_a_union_has_exactly_one_member(config: dict[str, Any]) -> None:
    text = message("CreateAutoMLJobV2", automl(AutoMLProblemTypeConfig=config))
    assert (
        "at 'autoMLProblemTypeConfig' failed to satisfy constraint: Member must have exactly one of [" in text
    )


def test_maps_are_checked_by_key_and_value() -> None:
    container = {"Environment": {"not a name": "x", "NAME": "y" * 1025}}
    text = message("CreateModel", {"ModelName": "m", "PrimaryContainer": container})
    assert text.startswith("2 validation errors detected: ")
    assert "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: " in text
    assert "Map values must satisfy constraint: [Member must have length less than or equal to 1024]" in text
    assert len(text) < 2000  # long values are cut


def test_patterns_of_java_hold_for_any_language() -> None:
    good = [{"Key": "Größe/größe 1", "Value": "日本 +=-@:."}]
    assert API.validate(
        "AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m", "Tags": good}
    )
    bad = [{"Key": "a!", "Value": "b"}]
    text = message(
        "AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m", "Tags": bad}
    )
    assert "Value 'a!' at 'tags.1.member.key'" in text


def test_patterns_match_the_whole_value() -> None:
    for name in ("job\n", " job", "job/../x", "ｊob", "-job", "job-"):
        assert "regular expression pattern" in message("DescribeProcessingJob", {"ProcessingJobName": name})


def test_every_pattern_of_the_operations_offered_is_one_python_knows() -> None:
    lacking: set[str] = set()

    def walk(shape: Any, seen: frozenset[str]) -> None:
        if shape.name in seen:
            return
        seen |= {shape.name}
        pattern = shape.metadata.get("pattern")
        if pattern and compile_pattern(pattern) is None:
            lacking.add(shape.name)
        for child in getattr(shape, "members", {}).values():
            walk(child, seen)
        for name in ("member", "key", "value"):
            if hasattr(shape, name):
                walk(getattr(shape, name), seen)

    for name in offered(API):
        walk(API.model.operation_model(name).input_shape, frozenset())
    # Athena's have ranges of surrogates; DatasetDefinition is refused anyway.
    assert {name for name in lacking if not name.startswith("Athena")} == set()


def test_an_endless_value_costs_no_endless_time() -> None:
    assert "length less than or equal to 32" in message(
        "CreateAutoMLJobV2", automl(AutoMLJobName="-" * 5_000_000)
    )


@pytest.mark.parametrize("body", [b"{", b'"text"', b"[1]", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_a_serialization_error(body: bytes) -> None:
    request = Request(EnvironBuilder(method="POST", data=body).get_environ())
    with pytest.raises(ServiceError) as caught:
        API.validate("ListModels", read_request(request))
    assert caught.value.code == "SerializationException"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["AutoMLJobName", "Tags", "OutputDataConfig", "S3OutputPath", "RoleArn", "Key", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(list(automl())), JSON))
def test_no_request_breaks_the_check(members: dict[str, Any]) -> None:
    try:
        API.validate("CreateAutoMLJobV2", automl(**members))
    except ServiceError as error:
        assert error.code == "ValidationException"


def test_answers_keep_only_what_the_model_knows() -> None:
    answer = API.shape(
        "DescribeModel",
        {
            "ModelName": "m",
            "Invented": 1,
            "VpcConfig": {},
            "PrimaryContainer": {"Image": "i", "Invented": 2, "ImageConfig": {"RepositoryAuthConfig": {}}},
            "Containers": [],
            "ExecutionRoleArn": None,
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )
    assert answer == {
        "ModelName": "m",
        "PrimaryContainer": {"Image": "i"},
        "Containers": [],
        "CreationTime": 1767225600.0,
    }


def test_answers_have_no_numbers_that_json_lacks() -> None:
    metric = {"MetricName": "RMSE", "Value": math.nan}
    answer = API.shape("DescribeAutoMLJobV2", {"BestCandidate": {"FinalAutoMLJobObjectiveMetric": metric}})
    assert answer == {"BestCandidate": {"FinalAutoMLJobObjectiveMetric": {"MetricName": "RMSE"}}}


def test_operations_are_found_by_their_api_names() -> None:
    for name in ("CreateAutoMLJobV2", "ListCandidatesForAutoMLJob", "UpdateEndpointWeightsAndCapacities"):
        assert callable(find_handler(API, name))
    assert len(offered(API)) == 32


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CreateTrainingJob", "Local SageMaker does not offer CreateTrainingJob. It offers: AddTags, "),
        ("CreateEndpont", "SageMaker has no operation 'CreateEndpont'. Did you mean CreateEndpoint?"),
        ("create_endpoint", "SageMaker has no operation 'create_endpoint'."),
        ("../../x", "SageMaker has no operation '../../x'."),
        ("", "SageMaker has no operation ''."),
    ],
)
def test_other_operations_are_named(name: str, text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        find_handler(API, name)
    assert caught.value.code == "UnknownOperationException"
    assert caught.value.status == 400
    assert text in caught.value.message
