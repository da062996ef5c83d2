"""One worker process: imports the user's code, loads the model, answers one request after the other.

`python -P -m helpers.local.jobs.serving.script.worker FD`; FD is a socket to the model server. What the code
prints goes to the log. The process ends when the model server does.
"""

import contextlib
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

from werkzeug.exceptions import InternalServerError
from werkzeug.wrappers import Response

from helpers.local.jobs import lifeline
from helpers.local.jobs.serving.script import toolkits, wire
from helpers.local.jobs.serving.script.frameworks import FRAMEWORKS
from helpers.local.jobs.serving.script.handlers import PARAMETERS, Handlers, NewerHandlers, OlderHandlers

LEVEL = "SAGEMAKER_CONTAINER_LOG_LEVEL"  # a number of Python's logging
FIRST_TO_GO = "500"  # how gladly the kernel ends this process when memory runs out; the server has 0


def main() -> None:
    """Serve until the model server is gone."""
    lifeline.watch()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    connection: Connection[Any, Any] = Connection(descriptor)
    settings = wire.Settings(**wire.receive(connection))
    _set_up_logging()
    toolkits.offer()
    _forget_ourselves(settings.code)
    handlers, has_parameters = _load(settings, connection)
    wire.send(connection, wire.Ready(parameters=has_parameters))
    with contextlib.suppress(EOFError, ConnectionError):  # the model server is gone
        while True:
            _answer(connection, handlers.answer(wire.receive_call(connection)))


def _load(settings: wire.Settings, connection: "Connection[Any, Any]") -> tuple[Handlers, bool]:
    """The loaded model. Tells the model server why there is none, and ends the process."""
    framework = FRAMEWORKS[settings.image]
    step = f"importing {settings.program}.py"
    try:
        module = importlib.import_module(settings.program)
        step = "loading the model with model_fn"
        kind = OlderHandlers if framework.flask else NewerHandlers
        return kind(module, framework, settings.model), _has_parameters(module)
    except BaseException as error:  # noqa: BLE001 - sys.exit of the user's code is a failure too
        traceback.print_exc()
        sys.stderr.flush()
        said = traceback.format_exception_only(error)[-1].strip()
        where = _place(error, settings.code)
        wire.send(connection, wire.Ready(problem=f"{step} failed: {said}{where}"))
        raise SystemExit(1) from None


def _has_parameters(module: ModuleType) -> bool:
    return callable(getattr(module, PARAMETERS, None))


def _place(error: BaseException, code: str) -> str:
    """The file and the line of the user's code at which it happened."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(code)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _answer(connection: "Connection[Any, Any]", response: Response) -> None:
    """Send a response; a stream chunk by chunk. An error in a stream ends the process and so the answer."""
    if not response.is_streamed:
        try:
            body = response.get_data()
        except Exception:  # noqa: BLE001 - the code has put something into a response that is no body
            traceback.print_exc()
            response = InternalServerError().get_response()
            body = response.get_data()
        wire.send(connection, wire.Answer(response.status_code, list(response.headers.items()), True))
        connection.send_bytes(body)
        return
    headers = list(response.headers.items())
    wire.send(connection, wire.Answer(response.status_code, headers, False))
    try:
        wire.send_body(connection, _chunks(response))
    except (OSError, EOFError):
        raise
    except Exception:  # noqa: BLE001 - the user's generator; nothing but a broken answer can say so now
        traceback.print_exc()
        sys.stderr.flush()
        raise SystemExit(1) from None


def _chunks(response: Response) -> Iterator[bytes]:
    with contextlib.closing(response):
        for chunk in response.iter_encoded():
            yield bytes(chunk)


def _forget_ourselves(code: str) -> None:
    """The user's code comes first on the path, and a module `helpers` of its own is not taken for ours."""
    sys.path.insert(0, code)
    for name in [name for name in sys.modules if name == "helpers" or name.startswith("helpers.")]:
        del sys.modules[name]
    sys.argv = [code]


def _set_up_logging() -> None:
    level = os.environ.get(LEVEL, "").strip()
    logging.basicConfig(
        level=int(level) if level.isdigit() else logging.INFO,
        format="%(asctime)s %(levelname)s - %(name)s - %(message)s",
        stream=sys.stdout,
    )


if __name__ == "__main__":
    main()
