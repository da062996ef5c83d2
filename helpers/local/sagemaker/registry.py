"""Which operations local SageMaker offers: each a function named after the API operation in snake_case."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name

from helpers.local.errors import ServiceError
from helpers.local.protocol import Api
from helpers.local.sagemaker.plane import Plane

Request = Mapping[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Plane, Request], Answer]

_HANDLERS: dict[str, Handler] = {}


def operation(handler: Handler) -> Handler:
    """Offer the operation this function is named after."""
    _HANDLERS[handler.__name__] = handler
    return handler


def find_handler(api: Api, name: str) -> Handler:
    """The function of an operation. Raises ServiceError (400) naming one that is not offered."""
    handler = _HANDLERS.get(xform_name(name)) if name.isidentifier() else None
    if handler is not None and api.known(name):
        return handler
    if api.known(name):
        raise ServiceError(
            "UnknownOperationException",
            f"Local SageMaker does not offer {name}. It offers: {', '.join(offered(api))}.",
        )
    near = difflib.get_close_matches(name, offered(api), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ServiceError("UnknownOperationException", f"SageMaker has no operation '{name}'.{hint}")


def offered(api: Api) -> list[str]:
    """The API names of every operation offered, sorted."""
    return sorted(name for name in api.model.operation_names if xform_name(name) in _HANDLERS)
