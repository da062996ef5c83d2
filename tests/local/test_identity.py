"""STS and IAM, as boto3 and the SageMaker SDK ask them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from refusal import refused

from helpers.service import Service

Aws = Callable[..., Any]
ROLE = "arn:aws:iam::000000000000:role/workshop"


def test_the_caller_has_assumed_the_role(shared_aws: Aws) -> None:
    found = shared_aws("sts").get_caller_identity()
    assert found["Arn"] == "arn:aws:sts::000000000000:assumed-role/workshop/local"
    assert found["Account"] == "000000000000"
    assert found["UserId"].endswith(":local")


def test_the_role_trusts_sagemaker(shared_aws: Aws) -> None:
    iam = shared_aws("iam")
    role = iam.get_role(RoleName="workshop")["Role"]
    assert role["Arn"] == ROLE
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Principal"]) == ("Allow", {"Service": "sagemaker.amazonaws.com"})
    assert [each["Arn"] for each in iam.list_roles()["Roles"]] == [ROLE]
    with refused("NoSuchEntity", 404):
        iam.get_role(RoleName="another")


def test_every_action_is_allowed(shared_aws: Aws) -> None:
    iam = shared_aws("iam")
    actions = ["s3:GetObject", "sagemaker:CreateModel"]
    resources = ["arn:aws:s3:::a", "arn:aws:s3:::b"]
    found = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=actions, ResourceArns=resources)
    decisions = [(each["EvalActionName"], each["EvalDecision"]) for each in found["EvaluationResults"]]
    assert decisions == [(action, "allowed") for action in actions for _ in resources]


def test_an_assumed_role_may_come_in(shared_aws: Aws, shared_service: Service) -> None:
    answer = shared_aws("sts").assume_role(RoleArn=ROLE, RoleSessionName="someone")
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/workshop/someone")
    given = answer["Credentials"]
    assert given["Expiration"] > datetime.now(UTC)
    session = boto3.session.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name="us-east-1"
    )
    assert session.client("s3", endpoint_url=shared_service.address).list_buckets()["Buckets"]
    with refused("NoSuchEntity", 404):
        shared_aws("sts").assume_role(RoleArn=ROLE + "s", RoleSessionName="someone")


def test_other_operations_name_themselves(shared_aws: Aws) -> None:
    with refused("InvalidAction", 400):
        shared_aws("iam").list_users()
