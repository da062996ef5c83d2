"""The containers of AutoML candidates: their errors become statuses with a sentence."""

import json
import sys

from werkzeug.wrappers import Request, Response

from helpers.local.jobs.serving.container import BadRequest, Container, NotAcceptable, UnsupportedContent

PARAMETERS = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


class BuiltIn:
    """A model in this process."""

    threads = 4

    def __init__(self, container: Container) -> None:
        self.container = container

    @property
    def summary(self) -> str:
        """What was loaded, for the log."""
        return self.container.summary

    def respond(self, request: Request) -> Response:
        """The model's answer; every error has a sentence as its body."""
        try:
            body, content_type = self.container.answer(
                request.get_data(cache=False),
                request.headers.get("Content-Type", ""),
                request.headers.get("Accept", ""),
            )
            return Response(body, content_type=content_type)
        except BadRequest as problem:
            return error(400, str(problem))
        except NotAcceptable as problem:
            return error(406, str(problem))
        except UnsupportedContent as problem:
            return error(415, str(problem))
        except Exception as problem:  # noqa: BLE001 - a model that fails on one request must keep serving
            print(f"Invocation failed: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
            return error(500, f"The model failed on this request: {type(problem).__name__}: {problem}")

    def parameters(self) -> Response:
        """What batch transforms are told."""
        return Response(json.dumps(PARAMETERS), content_type="application/json")

    def close(self) -> None:
        """Nothing runs beside the model server."""


def error(status: int, message: str) -> Response:
    """An answer that is a sentence."""
    return Response(message, status=status, content_type="text/plain; charset=utf-8")
