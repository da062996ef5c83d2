"""The modules of SageMaker's toolkits that user code imports in its image: the few names it uses."""

import sys
from types import ModuleType
from typing import Any

from werkzeug.wrappers import Response

from helpers.local.jobs.serving.script import formats


class WorkerResponse(Response):
    """An answer as the older toolkit makes it: JSON unless told otherwise; ``accept`` is a mimetype too."""

    def __init__(
        self,
        response: Any = None,
        accept: str | None = None,
        status: int = 200,
        headers: Any = None,
        mimetype: str | None = None,
    ) -> None:
        super().__init__(response, status, headers, mimetype=mimetype or accept or formats.JSON)


def offer() -> None:
    """Make the modules importable, where the real ones are not installed."""
    kinds = {
        "JSON": formats.JSON,
        "CSV": formats.CSV,
        "NPY": formats.NPY,
        "ANY": "*/*",
        "OCTET_STREAM": "application/octet-stream",
        "UTF8_TYPES": list(formats.TEXTS),
    }
    errors = {
        "UnsupportedFormatError": formats.UnsupportedFormatError,
        "BaseInferenceToolkitError": formats.InferenceError,
        "GenericInferenceToolkitError": formats.InferenceError,
        "ClientError": type("ClientError", (Exception,), {}),
    }
    newer: dict[str, dict[str, Any]] = {
        "content_types": kinds,
        "errors": errors,
        "encoder": {"encode": formats.NEWER.encode},
        "decoder": {"decode": formats.NEWER.decode},
    }
    older: dict[str, dict[str, Any]] = {
        "content_types": kinds,
        "errors": errors,
        "encoders": {"encode": formats.OLDER.encode, "decode": formats.OLDER.decode},
        "worker": {"Response": WorkerResponse},
    }
    _package("sagemaker_inference", newer)
    _package("sagemaker_containers.beta.framework", older)


def _package(name: str, modules: dict[str, dict[str, Any]]) -> None:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = sys.modules.setdefault(".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        module.__path__ = []
        if end > 1:
            setattr(sys.modules[".".join(parts[: end - 1])], parts[end - 1], module)
    for child, content in modules.items():
        found = ModuleType(f"{name}.{child}")
        found.__dict__.update(content)
        sys.modules[found.__name__] = found
        setattr(sys.modules[name], child, found)
