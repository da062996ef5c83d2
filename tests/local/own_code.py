"""Models of a user's own for the tests: archives of code and model files, and containers that serve them."""

import io
import tarfile
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:1.7-1"


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            raw = dedent(content).encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    return buffer.getvalue()


def container(image: str, uri: str, **environment: str) -> dict[str, Any]:
    """The definition of a container."""
    return {"Image": image, "ModelDataUrl": uri, "Environment": environment}
