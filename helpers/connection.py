"""How programs reach a running local SageMaker: address and key, as a boto3 client or as variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "000000000000"
ACCESS_KEY = "WORKSHOPLOCAL0000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/workshop"

# Variables of another AWS setup that would win over ours.
UNSET = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CA_BUNDLE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
UNSET_PREFIX = "AWS_ENDPOINT_URL_"


@dataclass(frozen=True)
class Service:
    """A running local SageMaker."""

    address: str
    state: Path
    key: str = field(repr=False)
    pid: int = 0
    region: str = "us-east-1"

    @property
    def bucket(self) -> str:
        """The default bucket, as the SageMaker SDK names it."""
        return f"sagemaker-{self.region}-{ACCOUNT}"


def client(service: Service, name: str, **options: Any) -> Any:
    """A boto3 client of a running server, whatever the environment says of AWS."""
    import boto3
    import botocore.session
    from botocore.config import Config

    core = botocore.session.Session()
    core.session_var_map["profile"] = (None, [], None, None)  # AWS_PROFILE is not for us
    for name_of_file in ("config_file", "credentials_file"):
        core.set_config_variable(name_of_file, os.devnull)
    session = boto3.session.Session(
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=service.key,
        region_name=service.region,
        botocore_session=core,
    )
    direct = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False).merge(
        options.pop("config", Config())
    )
    return session.client(name, endpoint_url=service.address, config=direct, **options)


def environment(service: Service, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables with which boto3, the SageMaker SDK, s3fs or the aws command reach a server.

    ``variables`` (default: this process's) says what NO_PROXY holds already. ``unset`` names what must go.
    Writes the two small files that the variables name into the state directory.
    """
    _write_files(service)
    given = os.environ if variables is None else variables
    loopback = ["127.0.0.1", "localhost"]
    before = [
        each.strip()
        for each in (given.get("NO_PROXY") or given.get("no_proxy") or "").split(",")
        if each.strip()
    ]
    no_proxy = ",".join([*before, *(each for each in loopback if each not in before)])
    empty = str(service.state / "aws.config")
    return {
        "AWS_ENDPOINT_URL": service.address,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": service.key,
        "AWS_DEFAULT_REGION": service.region,
        "AWS_REGION": service.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": empty,
        "AWS_SHARED_CREDENTIALS_FILE": empty,
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(service.state / "sdk.yaml"),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def unset(variables: Mapping[str, str] | None = None) -> list[str]:
    """The variables that must not be set beside ``environment``: profiles, tokens, endpoints of services.

    All names that could matter, and those of ``variables`` (default: this process's) that begin with
    AWS_ENDPOINT_URL_.
    """
    given = os.environ if variables is None else variables
    return [*UNSET, *sorted(name for name in given if name.startswith(UNSET_PREFIX))]


def _write_files(service: Service) -> None:
    content = (
        "SchemaVersion: '1.0'\n"
        "SageMaker:\n"
        "  PythonSDK:\n"
        "    Modules:\n"
        "      TelemetryOptOut: true\n"
        "      Session:\n"
        f"        DefaultS3Bucket: {service.bucket}\n"
    )
    for name, text in (("sdk.yaml", content), ("aws.config", "")):
        path = service.state / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
