"""An endpoint beside the same model in this process and behind a plain FastAPI application.

    python tests/benchmarks/endpoint.py [--state FOLDER] [--scale small|full] [--seconds 60]
                                        [--candidate NAME] [--rows 1 100 10000]

The best candidate of the workshop's AutoML job is trained once and kept in the folder. Then the contenders
get the same CSV bodies in turns:

    endpoint           local SageMaker, asked by boto3 as in the notebook: signed, through the service's door
    FastAPI, pandas    AutoGluon behind FastAPI and uvicorn, the body read by pandas as people write it
    FastAPI, parser    the same, the body read by the parser of the endpoint
    in process, body   AutoGluon called here, the body read by the endpoint's parser, the answer made text
    in process, table  AutoGluon called here with a table: the limit

The last part is 32 clients at once: errors, answers a second, and the memory of service and model server.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in every model server

import pandas as pd
from botocore.config import Config
from fastapi import FastAPI, Request, Response
from music_model import Lab, opened
from timing import Times, in_turns, resident, served_by

from helpers import service as services

clients = 32
names = (
    "endpoint",
    "FastAPI, pandas",
    "FastAPI, parser",
    "in process, body",
    "in process, table",
)


class Plain:
    """AutoGluon as its documentation shows it, and the reading of bodies."""

    def __init__(self, folder: Path) -> None:
        from helpers.local.jobs.automl.ensembling import engine
        from helpers.local.jobs.serving import archives
        from helpers.local.jobs.serving.description import Description

        engine.load()
        from autogluon.tabular import TabularPredictor

        self.description = Description.from_json(archives.describe(folder, "predictor"))
        self.columns = [column.name for column in self.description.columns]
        self.predictor = TabularPredictor.load(str(folder / "predictor"), verbosity=0)
        self.predictor.persist()

    def parse(self, body: bytes) -> pd.DataFrame:
        """The rows of a body, by the endpoint's parser."""
        from helpers.local.jobs.serving.tables import read_table

        return read_table(body, "text/csv", self.description)

    def parse_pandas(self, body: bytes) -> pd.DataFrame:
        """The rows of a body, by pandas."""
        return pd.read_csv(io.BytesIO(body), header=None, names=self.columns)

    def answer(self, table: pd.DataFrame) -> str:
        """The predictions as CSV."""
        return "\n".join(map(repr, self.predictor.predict(table, as_pandas=False).tolist())) + "\n"


def application(folder: Path) -> Any:
    """The FastAPI application: one prediction at a time."""
    model, app = Plain(folder), FastAPI(max_body_size=None, openapi_url=None)

    async def pandas(request: Request) -> Response:
        return Response(model.answer(model.parse_pandas(await request.body())), media_type="text/csv")

    async def parser(request: Request) -> Response:
        return Response(model.answer(model.parse(await request.body())), media_type="text/csv")

    app.post("/pandas")(pandas)
    app.post("/parser")(parser)
    return app


def serve(folder: Path, descriptor: int) -> None:
    """The FastAPI application's process."""
    import uvicorn

    config = uvicorn.Config(
        application(folder), log_level="warning", access_log=False, timeout_keep_alive=120
    )
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=descriptor)])


@contextmanager
def fastapi(folder: Path) -> Iterator[int]:
    """A running FastAPI application: its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(folder), str(listener.fileno())],
        pass_fds=[listener.fileno()],
    )
    port = listener.getsockname()[1]
    listener.close()
    try:
        wait_for_fastapi(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for_fastapi(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when it answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
    if process.poll() is not None:
        raise SystemExit("The FastAPI application did not start.")


def contenders(
    lab: Lab, endpoint: str, port: int, model: Plain, rows: int
) -> dict[str, Callable[[], object]]:
    """What is timed on so many rows."""
    table = lab.rows(rows)
    body = table.to_csv(index=False, header=False).encode()
    runtime = lab.client("sagemaker-runtime")
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> bytes:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
        return bytes(answer["Body"].read())

    def post(path: str) -> bytes:
        connection.request("POST", path, body, {"Content-Type": "text/csv"})
        return connection.getresponse().read()

    found: dict[str, Callable[[], object]] = dict(
        zip(
            names,
            (
                ask,
                lambda: post("/pandas"),
                lambda: post("/parser"),
                lambda: model.answer(model.parse(body)),
                lambda: model.predictor.predict(table, as_pandas=False),
            ),
            strict=True,
        )
    )
    expected = model.answer(model.parse(body)).split()
    for name in names[:3]:
        answered = bytes(found[name]()).split()  # type: ignore[call-overload]
        if [float(one) for one in answered] != [float(one) for one in expected]:
            raise SystemExit(f"{name} answers other numbers than the model in this process.")
    return found


def show(rows: int, taken: dict[str, Times]) -> None:
    """The lines of one number of rows."""
    fast, body = taken["FastAPI, parser"].median, taken["in process, body"].median
    for name, times in taken.items():
        print(
            f"{rows:>7,} {name:18}{len(times.seconds):>6}{times.median * 1000:>10.2f}"
            f"{times.percentile(99) * 1000:>10.2f}{rows / times.median:>12,.0f}"
            f"{times.median / fast:>12.2f}{body / times.median:>14.2f}",
            flush=True,
        )


def many_clients(lab: Lab, endpoint: str, seconds: float, rows: int) -> None:
    """32 clients at once, each asking as soon as it is answered."""
    body = lab.rows(rows).to_csv(index=False, header=False).encode()
    pids = {"service": lab.service.pid}
    for place, pid in served_by(str(lab.service.state)).items():
        pids[f"model server {Path(place).name}"] = pid
    taken: list[float] = []
    errors: list[str] = []
    over = threading.Event()
    ready = threading.Barrier(clients + 1)

    def client() -> None:
        options = Config(retries={"max_attempts": 0}, read_timeout=70)
        runtime = services.client(lab.service, "sagemaker-runtime", config=options)
        ready.wait()
        while not over.is_set():
            began = time.perf_counter()
            try:
                asked = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
                asked["Body"].read()
                taken.append(time.perf_counter() - began)
            except Exception as error:  # noqa: BLE001 - every error is counted and shown
                errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    memory: dict[str, list[float]] = {name: [] for name in pids}
    for share in (0.1, 0.5, 1.0):
        time.sleep(max(0.0, began + share * seconds - time.perf_counter()))
        for name, pid in pids.items():
            memory[name].append(resident(pid))
    took = time.perf_counter() - began
    over.set()
    for thread in threads:
        thread.join()
    times = Times(taken)
    print(
        f"\n{clients} clients for {took:.0f} s, {rows} row{'s' * (rows > 1)} a request: "
        f"{len(taken):,} answers, {len(errors)} errors, "
        f"{len(taken) / took:,.0f} answers/s, p50 {times.median * 1000:.0f} ms, "
        f"p99 {times.percentile(99) * 1000:.0f} ms"
    )
    for name, (first, middle, last) in memory.items():
        print(
            f"  memory of the {name}: {first:.0f} MB at a tenth, {middle:.0f} at half, {last:.0f} at the end"
        )
    for message in sorted(set(errors))[:5]:
        print(f"  {errors.count(message)} x {message}")


def main() -> int:
    """Time every contender on every number of rows, then many clients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "workshop-benchmarks")
    parser.add_argument("--scale", choices=("tiny", "small", "full"), default="small")
    parser.add_argument("--candidate", help="the beginning of a candidate's name (default: the best)")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--turns", type=float, default=15, help="seconds for each number of rows")
    parser.add_argument("--seconds", type=float, default=60, help="of the many clients; 0: none")
    parser.add_argument("--rows-of-clients", type=int, default=1, help="rows of each of their requests")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(Path(arguments.serve[0]), int(arguments.serve[1]))
        return 0
    with opened(arguments.state, arguments.scale) as lab:
        candidate = lab.named(arguments.candidate)
        folder = lab.unpacked(candidate)
        model = Plain(folder)
        print(f"{candidate['CandidateName']} of the {arguments.scale} data, {os.cpu_count()} cores")
        print(
            f"{'rows':>7} {'':18}{'times':>6}{'p50 ms':>10}{'p99 ms':>10}{'rows/s':>12}"
            f"{'to FastAPI':>12}{'rate to body':>14}",
            flush=True,
        )
        with lab.endpoint(candidate) as endpoint:
            with fastapi(folder) as port:
                for rows in arguments.rows:
                    found = contenders(lab, endpoint, port, model, rows)
                    show(rows, in_turns(found, arguments.turns))
            if arguments.seconds:
                many_clients(lab, endpoint, arguments.seconds, arguments.rows_of_clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
