"""The user's functions, called as the two model servers of SageMaker's images call them.

``OlderHandlers`` is Flask's way (scikit-learn): fixed parameters, errors as pages, a bare str is text/html.
``NewerHandlers`` is that of the inference toolkit (all others): functions may take a context, errors are the
message and the traceback.
"""

import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Protocol

from werkzeug.exceptions import InternalServerError, NotFound
from werkzeug.wrappers import Response

from helpers.local.jobs.serving.script.context import Context
from helpers.local.jobs.serving.script.formats import JSON, TEXTS, InferenceError, UnsupportedFormatError
from helpers.local.jobs.serving.script.frameworks import Framework
from helpers.local.jobs.serving.script.wire import Call

ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
PARAMETERS = "execution_parameters_fn"


class Handlers(Protocol):
    """A loaded model and the functions around it."""

    def answer(self, call: Call) -> Response:
        """The answer to a request; every exception of the user's code is one."""


def _functions(module: ModuleType, framework: Framework) -> dict[str, Callable[..., Any]]:
    """The user's functions, and the image's where there are none. Raises ValueError for both ways at once."""
    given = {
        name: found
        for name in ("model_fn", "transform_fn", "input_fn", "predict_fn", "output_fn")
        if callable(found := getattr(module, name, None))
    }
    if "transform_fn" in given and given.keys() & {"input_fn", "predict_fn", "output_fn"}:
        raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    defaults = {
        name: getattr(framework, f"default_{name}")
        for name in ("model_fn", "input_fn", "predict_fn", "output_fn")
    }
    return {**defaults, **given}


def _content(call: Call) -> tuple[str | bytes, str, str]:
    """Data (str for JSON and CSV), content type and accept, with the defaults for what was not said."""
    kind = call.content_type or JSON
    accept = call.accept if call.accept and call.accept != "*/*" else os.environ.get(ACCEPT) or JSON
    return call.body.decode("utf-8") if kind in TEXTS else call.body, kind, accept


def _parameters(module: ModuleType) -> Response:
    """What the user's code says to GET /execution-parameters."""
    function = getattr(module, PARAMETERS, None)
    if not callable(function):
        return NotFound().get_response()
    try:
        found = function()
        return found if isinstance(found, Response) else _flask_response(found)
    except Exception:  # noqa: BLE001 - the user's code fails in any way it likes
        traceback.print_exc()
        return InternalServerError().get_response()


class OlderHandlers:
    """Functions behind Flask."""

    def __init__(self, module: ModuleType, framework: Framework, model_dir: str) -> None:
        self.module = module
        self.functions = _functions(module, framework)
        self.model = self.functions["model_fn"](model_dir)

    def answer(self, call: Call) -> Response:
        """The answer to a request."""
        if call.parameters:
            return _parameters(self.module)
        try:
            return self._answer(call)
        except Exception:  # noqa: BLE001 - the user's code fails in any way it likes
            traceback.print_exc()
            return InternalServerError().get_response()

    def _answer(self, call: Call) -> Response:
        data, kind, accept = _content(call)
        if "transform_fn" in self.functions:
            return _flask_response(self.functions["transform_fn"](self.model, data, kind, accept))
        try:
            read = self.functions["input_fn"](data, kind)
        except UnsupportedFormatError as error:
            return _unsupported(error, 415)
        predicted = self.functions["predict_fn"](read, self.model)
        try:
            return _flask_response(self.functions["output_fn"](predicted, accept))
        except UnsupportedFormatError as error:
            return _unsupported(error, 406)


def _flask_response(result: object) -> Response:
    """What Flask makes of a function's result. Raises TypeError for what it takes none of."""
    if isinstance(result, tuple):
        return Response(result[0], mimetype=result[1])
    if isinstance(result, Response):
        return result
    if isinstance(result, (dict, list)):
        return Response(json.dumps(result), mimetype=JSON)
    if isinstance(result, (str, bytes, Iterator)):
        return Response(result, mimetype="text/html")
    if isinstance(result, bytearray):
        return Response(bytes(result), mimetype="text/html")
    raise TypeError(
        f"The function did not return a valid response: it is a {type(result).__name__}, and must be str, "
        "bytes, or the two of (body, content type)."
    )


def _unsupported(error: UnsupportedFormatError, status: int) -> Response:
    content = {
        "error": "UnsupportedFormatError",
        "error-message": str(error),
        "stack-trace": traceback.format_exc(),
    }
    return Response(json.dumps(content), status=status, mimetype=JSON)


class NewerHandlers:
    """Functions behind the inference toolkit."""

    def __init__(self, module: ModuleType, framework: Framework, model_dir: str) -> None:
        self.module = module
        self.directory = model_dir
        self.functions = _functions(module, framework)
        start = Context(model_dir, Call("", ""))
        before, after = (getattr(module, name, None) for name in ("pre_model_fn", "model_warmup_fn"))
        if before is not None:
            _run(before, start, model_dir)
        self.model = _run(self.functions["model_fn"], start, model_dir)
        if after is not None:
            _run(after, start, model_dir, self.model)

    def answer(self, call: Call) -> Response:
        """The answer to a request."""
        if call.parameters:
            return _parameters(self.module)
        context = Context(self.directory, call)
        try:
            return self._answer(call, context)
        except Exception as error:  # noqa: BLE001 - the user's code fails in any way it likes
            trace = traceback.format_exc()
            print(trace, file=sys.stderr, flush=True)
            status = error.status_code if isinstance(error, InferenceError) else 500
            return Response(f"{error}\n{trace}", status=status, mimetype="text/plain")

    def _answer(self, call: Call, context: Context) -> Response:
        data, kind, accept = _content(call)
        if "transform_fn" in self.functions:
            result = _run(self.functions["transform_fn"], context, self.model, data, kind, accept)
        else:
            read = _run(self.functions["input_fn"], context, data, kind)
            predicted = _run(self.functions["predict_fn"], context, read, self.model)
            result = _run(self.functions["output_fn"], context, predicted, accept)
        said = context.request_processor[0]
        body, content_type = result if isinstance(result, tuple) else (result, accept)
        if not isinstance(body, (str, bytes, bytearray, Iterator)):
            body = json.dumps(body)
        response = Response(bytes(body) if isinstance(body, bytearray) else body, status=said.status)
        response.headers["Content-Type"] = content_type
        response.headers.update(said.headers)
        return response


def _run(function: Callable[..., Any], context: Context, *arguments: object) -> Any:
    """Call a function, with the context when it takes one parameter more. Raises TypeError otherwise."""
    count = len(inspect.signature(function).parameters)
    if count == len(arguments):
        return function(*arguments)
    if count == len(arguments) + 1:
        return function(*arguments, context)
    raise TypeError(f"{function.__name__} takes {count} arguments but {len(arguments)} were given.")
