"""The control plane behind a real server, with stand-in jobs: ``python control_server.py STATE CORES GB``.

Prints its address when it listens. No signatures are asked for; the server around it has its own tests.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress
from werkzeug.wrappers import Request, Response

from helpers.local.machine import budget
from helpers.local.objects import ObjectStore
from helpers.local.runtime import Runtime
from helpers.local.sagemaker import SageMaker
from helpers.local.supervisor import Supervisor

FAKE_JOB = Path(__file__).with_name("fake_job.py")
TRANSFORM_JOB = Path(__file__).with_name("transform_job.py")


class NoLogs:
    """Streams nobody reads."""

    def add(self, group: str, stream: str, path: Path) -> None:
        del group, stream, path


def launch(kind: str, state: Path, directory: Path) -> list[str]:
    """The stand-in job; for models of ``transform_model.py`` the real transform job with stand-in models."""
    if kind == "transform":
        first = json.loads((directory / "request.json").read_text())["Containers"][0]["Container"]
        if "answer" in first.get("Environment", {}):
            return [sys.executable, str(TRANSFORM_JOB), "--state", str(state), "--job", str(directory)]
    return [sys.executable, "-S", str(FAKE_JOB), kind, "--state", str(state), "--job", str(directory)]


def main() -> None:
    state, cores, gigabytes = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    objects = ObjectStore(state / "s3")
    sagemaker = SageMaker(
        state, objects, "us-east-1", NoLogs(), launch, Supervisor(1.0), budget(cores, gigabytes)
    )
    runtime = Runtime(sagemaker, patience=3.0, at_once=8, stream_patience=5.0, capture_delay=0.3)
    doors = (sagemaker, runtime)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        response = next(
            (found for door in doors if (found := door(request)) is not None), Response(status=404)
        )
        return response(environ, start_response)

    def leave(number: int, frame: object) -> None:
        del number, frame
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    server = waitress.create_server(application, host="127.0.0.1", port=0, threads=12)
    sagemaker.recover()
    runtime.recover()
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    try:
        server.run()
    finally:
        runtime.close()
        sagemaker.close()


if __name__ == "__main__":
    main()
