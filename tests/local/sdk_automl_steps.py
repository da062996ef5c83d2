"""Steps through AutoMLJobV2 and AutoMLJob of SageMaker SDK v3; sdk_steps.py runs them with its own."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_harness import MODEL_DATA, ROLE
from sagemaker.core import resources as sdk
from sagemaker.core import shapes
from sagemaker.core.utils.exceptions import FailedStatusError

SOURCE = shapes.AutoMLDataSource(
    s3_data_source=shapes.AutoMLS3DataSource(s3_data_type="S3Prefix", s3_uri="s3://data/train/")
)
OUTPUT = shapes.AutoMLOutputDataConfig(s3_output_path="s3://data/output")
REGRESSION = {"auto_ml_job_objective": shapes.AutoMLJobObjective(metric_name="RMSE")}


def second(name: str, target: str, **members: Any) -> Any:
    """Create a job by the second version; the target's name tells the stand-in job what to do."""
    problem = {"problem_type": "Regression"} if "auto_ml_job_objective" in members else {}
    return sdk.AutoMLJobV2.create(
        auto_ml_job_name=name,
        role_arn=ROLE,
        auto_ml_job_input_data_config=[
            shapes.AutoMLJobChannel(
                channel_type="training", content_type="text/csv;header=present", data_source=SOURCE
            )
        ],
        output_data_config=OUTPUT,
        auto_ml_problem_type_config=shapes.AutoMLProblemTypeConfig(
            tabular_job_config=shapes.TabularJobConfig(
                target_attribute_name=target,
                mode="ENSEMBLING",
                completion_criteria=shapes.AutoMLJobCompletionCriteria(max_candidates=12),
                **problem,
            )
        ),
        **members,
    )


def first(name: str, target: str, **members: Any) -> Any:
    """Create a job by the first version."""
    return sdk.AutoMLJob.create(
        auto_ml_job_name=name,
        role_arn=ROLE,
        input_data_config=[
            shapes.AutoMLChannel(channel_type="training", target_attribute_name=target, data_source=SOURCE)
        ],
        output_data_config=OUTPUT,
        **members,
    )


def automl_job_and_its_candidates() -> None:
    job = second("sdk-automl", "automl", **REGRESSION)
    assert job.auto_ml_job_status in ("InProgress", "Completed")
    job.wait(poll=1, timeout=40)
    assert job.auto_ml_job_status == "Completed"
    assert job.best_candidate.candidate_name == "sdk-automl-candidate-12"
    assert job.best_candidate.inference_containers[0].model_data_url == MODEL_DATA
    found = sdk.AutoMLJobV2.get("sdk-automl")
    assert found.auto_ml_problem_type_config_name == "Tabular"
    assert found.resolved_attributes.auto_ml_job_objective.metric_name == "RMSE"
    kind = found.resolved_attributes.auto_ml_problem_type_resolved_attributes
    assert kind.tabular_resolved_attributes.problem_type == "Regression"
    candidates = list(sdk.AutoMLJob(auto_ml_job_name="sdk-automl").get_all_candidates())
    assert len(candidates) == 12
    assert candidates[0].candidate_name == "sdk-automl-candidate-12"
    with pytest.raises(ClientError, match="use DescribeAutoMLJobV2"):
        sdk.AutoMLJob.get("sdk-automl")


def automl_job_that_is_stopped_or_fails() -> None:
    job = second("sdk-automl-hang", "hang")
    sdk.AutoMLJob(auto_ml_job_name="sdk-automl-hang").stop()
    job.wait(poll=1, timeout=40)
    assert (job.auto_ml_job_status, job.auto_ml_job_secondary_status) == ("Stopped", "Stopped")
    with pytest.raises(FailedStatusError, match=r"Failure Reason: .*the data is no good"):
        second("sdk-automl-fail", "fail").wait(poll=1, timeout=40)
    with pytest.raises(ClientError, match="ResourceInUse"):
        second("sdk-automl-fail", "fail")


def automl_job_of_the_first_version() -> None:
    job = first(
        "sdk-first",
        "automl",
        problem_type="Regression",
        auto_ml_job_config=shapes.AutoMLJobConfig(
            mode="ENSEMBLING",
            completion_criteria=shapes.AutoMLJobCompletionCriteria(max_candidates=12),
        ),
        **REGRESSION,
    )
    job.wait(poll=1, timeout=40)
    job.refresh()
    assert (job.auto_ml_job_status, job.auto_ml_job_secondary_status) == (
        "Completed",
        "MaxCandidatesReached",
    )
    assert job.input_data_config[0].target_attribute_name == "automl"
    assert job.auto_ml_job_config.completion_criteria.max_candidates == 12
    assert job.resolved_attributes.problem_type == "Regression"
    best, *_ = job.get_all_candidates(sort_by="FinalObjectiveMetricValue", sort_order="Ascending")
    assert best.candidate_name == job.best_candidate.candidate_name == "sdk-first-candidate-12"
    assert (
        sdk.AutoMLJobV2.get("sdk-first").auto_ml_problem_type_config.tabular_job_config.mode == "ENSEMBLING"
    )
    hanging = first("sdk-first-hang", "hang")
    hanging.stop()
    hanging.wait(poll=1, timeout=40)
    assert hanging.auto_ml_job_status == "Stopped"
    # The SDK describes each job of a list by the first version, so a list of both versions fails, as on AWS.
    listed = {item.auto_ml_job_name for item in sdk.AutoMLJob.get_all(name_contains="sdk-first")}
    assert listed == {"sdk-first", "sdk-first-hang"}
    with pytest.raises(ClientError, match="DescribeAutoMLJobV2"):
        list(sdk.AutoMLJob.get_all(name_contains="sdk-"))


def automl_job_that_deploys() -> None:
    config = shapes.ModelDeployConfig(endpoint_name="sdk-deployed")
    job = second("sdk-automl-deploy", "automl", model_deploy_config=config)
    job.wait(poll=1, timeout=60)
    assert job.auto_ml_job_secondary_status == "MaxCandidatesReached"
    assert job.model_deploy_result.endpoint_name == "sdk-deployed"
    endpoint = sdk.Endpoint.get("sdk-deployed")
    assert endpoint.endpoint_status == "InService"
    assert endpoint.invoke(body=b"1,2", content_type="text/csv").body.read() == b"1,2"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=40)
    sdk.EndpointConfig.get(endpoint.endpoint_config_name).delete()
    for model in sdk.Model.get_all(name_contains="sdk-automl-deploy"):
        model.delete()


STEPS = (
    automl_job_and_its_candidates,
    automl_job_that_is_stopped_or_fails,
    automl_job_of_the_first_version,
    automl_job_that_deploys,
)
