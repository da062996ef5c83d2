"""STS and IAM: one account, one role, as much as SageMaker's SDK asks about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from helpers.local.errors import ServiceError

ACCOUNT = "000000000000"
ROLE = "workshop"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
CALLER_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/local"
ROLE_ID = "AROA00000000000000000"
CREATED = "2026-01-01T00:00:00Z"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}


class Identity:
    """The door of STS and IAM. AssumeRole hands out the one key there is: one identity, whatever its name."""

    def __init__(self, access_key: str, secret: str) -> None:
        self._access_key = access_key
        self._secret = secret
        self._operations: dict[str, tuple[str, Callable[[Request], str]]] = {
            "GetCallerIdentity": ("sts", _get_caller_identity),
            "AssumeRole": ("sts", self._assume_role),
            "GetSessionToken": ("sts", self._get_session_token),
            "GetRole": ("iam", _get_role),
            "ListRoles": ("iam", _list_roles),
            "ListAttachedRolePolicies": ("iam", _list_attached_role_policies),
            "ListRolePolicies": ("iam", _list_role_policies),
            "SimulatePrincipalPolicy": ("iam", _simulate_principal_policy),
        }

    def __call__(self, request: Request) -> Response:
        """Answer one signed request. Raises ServiceError."""
        action = request.form.get("Action", "")
        if action not in self._operations:
            raise ServiceError(
                "InvalidAction", f"Could not find operation {action or '(none)'}: local SageMaker has none."
            )
        service, operation = self._operations[action]
        body = (
            f'<{action}Response xmlns="{_NAMESPACES[service]}">'
            f"<{action}Result>{operation(request)}</{action}Result>"
            f"<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{action}Response>"
        )
        return Response(body, content_type="text/xml")

    def _assume_role(self, request: Request) -> str:
        arn, session = _needed(request, "RoleArn"), _needed(request, "RoleSessionName")
        name = arn.rpartition("/")[2]
        _check_role(name)
        assumed = f"arn:aws:sts::{ACCOUNT}:assumed-role/{escape(name)}/{escape(session)}"
        identifier = f"<AssumedRoleId>{ROLE_ID}:{escape(session)}</AssumedRoleId>"
        user = f"<AssumedRoleUser>{identifier}<Arn>{assumed}</Arn></AssumedRoleUser>"
        return user + self._credentials(request)

    def _get_session_token(self, request: Request) -> str:
        return self._credentials(request)

    def _credentials(self, request: Request) -> str:
        seconds = int(request.form.get("DurationSeconds", "3600"))
        until = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"<Credentials><AccessKeyId>{self._access_key}</AccessKeyId><SecretAccessKey>{self._secret}</SecretAccessKey>"
            f"<SessionToken>local</SessionToken><Expiration>{until}</Expiration></Credentials>"
        )


def _get_caller_identity(request: Request) -> str:  # noqa: ARG001 - every operation takes its request
    return f"<Arn>{CALLER_ARN}</Arn><UserId>{ROLE_ID}:local</UserId><Account>{ACCOUNT}</Account>"


def _get_role(request: Request) -> str:
    _check_role(_needed(request, "RoleName"))
    return f"<Role>{_role()}</Role>"


def _list_roles(request: Request) -> str:  # noqa: ARG001
    return f"<IsTruncated>false</IsTruncated><Roles><member>{_role()}</member></Roles>"


def _list_attached_role_policies(request: Request) -> str:
    _check_role(_needed(request, "RoleName"))
    policy = "AmazonSageMakerFullAccess"
    return (
        f"<AttachedPolicies><member><PolicyName>{policy}</PolicyName><PolicyArn>arn:aws:iam::aws:policy/{policy}"
        "</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"
    )


def _list_role_policies(request: Request) -> str:
    _check_role(_needed(request, "RoleName"))
    return "<PolicyNames/><IsTruncated>false</IsTruncated>"


def _simulate_principal_policy(request: Request) -> str:
    _needed(request, "PolicySourceArn")
    actions = _members(request, "ActionNames")
    if not actions:
        raise _missing("ActionNames")
    resources = _members(request, "ResourceArns") or ["*"]
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
        "</EvalResourceName><EvalDecision>allowed</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
        for action in actions
        for resource in resources
    )
    return f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"


def _role() -> str:
    return (
        f"<Path>/</Path><RoleName>{ROLE}</RoleName><RoleId>{ROLE_ID}</RoleId><Arn>{ROLE_ARN}</Arn>"
        f"<CreateDate>{CREATED}</CreateDate>"
        f"<AssumeRolePolicyDocument>{quote(json.dumps(TRUST))}</AssumeRolePolicyDocument>"
        "<MaxSessionDuration>3600</MaxSessionDuration>"
    )


def _check_role(name: str) -> None:
    if name != ROLE:
        message = f"The role with name {name} cannot be found. Local SageMaker has one role: {ROLE_ARN}."
        raise ServiceError("NoSuchEntity", message, 404)


def _members(request: Request, name: str) -> list[str]:
    found: list[str] = []
    while (value := request.form.get(f"{name}.member.{len(found) + 1}")) is not None:
        found.append(value)
    return found


def _needed(request: Request, name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise _missing(name)
    return value


def _missing(name: str) -> ServiceError:
    member = name[:1].lower() + name[1:]
    return ServiceError(
        "ValidationError",
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
        "Member must not be null",
    )
