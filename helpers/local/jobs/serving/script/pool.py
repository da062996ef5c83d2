"""The worker processes of one container: started, asked one request at a time, ended when they hang."""

import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import helpers
from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.script import wire

LOOK = 0.2  # seconds between two looks whether a worker that says nothing still lives
LONGEST_PAUSE = 30.0  # seconds between two starts of a worker that cannot be started
STEADY = 60.0  # seconds of life after which a crash counts as the first again
DYING = 1.0  # seconds a worker that broke off may take to end, if it crashed
GRACE = 30.0  # seconds between SIGTERM and SIGKILL


class WorkerDied(Exception):
    """The worker ended before it had answered."""


class WorkerHung(Exception):
    """The worker did not answer in time, and was ended."""


class NoWorker(Exception):
    """No worker was free in time."""


@dataclass(frozen=True)
class Reply:
    """A worker's answer; ``body`` is bytes, or chunks that come as the user's code makes them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | Iterator[bytes]


class Worker:
    """One process, and the socket to it."""

    def __init__(self, settings: wire.Settings, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "helpers.local.jobs.serving.script.worker",
                    str(theirs.fileno()),
                ],
                stdin=subprocess.PIPE,  # held open as long as this process lives: the worker's lifeline
                pass_fds=[theirs.fileno()],
                cwd=settings.model,
                env=dict(environment),
            )
        self.connection: Connection[Any, Any] = Connection(ours.detach())
        wire.send(self.connection, settings)

    def wait(self, deadline: float) -> None:
        """Wait until the worker says something. Raises WorkerDied, and WorkerHung after the deadline."""
        while not self.connection.poll(min(LOOK, max(0.0, deadline - time.monotonic()))):
            # A child of the worker may hold the socket open, so its end alone does not tell.
            if self.process.poll() is not None and not self.connection.poll(0):
                raise WorkerDied
            if time.monotonic() > deadline:
                raise WorkerHung

    def loaded(self) -> wire.Ready:
        """Wait until the model is loaded, without end: the health check has the limit. Raises WorkerDied."""
        self.wait(float("inf"))
        try:
            return wire.Ready(**wire.receive(self.connection))
        except (EOFError, OSError, ValueError):
            raise WorkerDied from None

    def ask(self, call: wire.Call, seconds: float) -> wire.Answer:
        """Send a request and wait for the beginning of its answer. Raises WorkerDied and WorkerHung."""
        try:
            wire.send_call(self.connection, call)
            self.wait(time.monotonic() + seconds)
            return wire.Answer(**wire.receive(self.connection))
        except (EOFError, OSError, ValueError, TypeError):
            raise WorkerDied from None

    def chunk(self, seconds: float) -> bytes:
        """The next frame of the body. Raises WorkerDied and WorkerHung."""
        try:
            self.wait(time.monotonic() + seconds)
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            raise WorkerDied from None

    @property
    def ending(self) -> str:
        """How the process ended."""
        code = self.process.wait()
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    def kill(self, patience: float = 0.0) -> None:
        """End the process, now or when it has not done so by itself within some seconds."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """Workers of one model. ``seconds``: how long a request may wait for a worker, and for its answer."""

    def __init__(
        self, settings: wire.Settings, environment: Mapping[str, str], count: int, seconds: float
    ) -> None:
        self.count = count
        self.seconds = seconds
        self.parameters = False  # the code has an execution_parameters_fn
        self._settings = settings
        root = str(Path(next(iter(helpers.__path__))).parent)
        paths = [environment.get("PYTHONPATH", ""), root, os.environ.get("PYTHONPATH", "")]
        self._environment = {
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONUNBUFFERED": "1",
        }
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._alive: set[Worker] = set()

    def start(self) -> None:
        """Start the first worker, and the others once it is there. Raises JobFailure when it cannot load."""
        worker, problem = self._load()
        if problem:
            raise JobFailure(problem)
        for number in range(self.count):
            first = worker if number == 0 else None
            threading.Thread(target=self._keep, args=(first,), name=f"worker {number}", daemon=True).start()

    def ask(self, call: wire.Call) -> Reply:
        """Hand a request to a worker. Raises NoWorker, WorkerDied and WorkerHung."""
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                worker = self._idle.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise NoWorker from None
            if worker.process.poll() is None:
                break
        try:
            answer = worker.ask(call, self.seconds)
            if answer.whole:
                body = worker.chunk(self.seconds)
                self._idle.put(worker)
                return Reply(answer.status, answer.headers, body)
        except WorkerDied:
            worker.kill(DYING)
            raise
        except WorkerHung:
            worker.kill()
            raise
        return Reply(answer.status, answer.headers, self._chunks(worker))

    def close(self) -> None:
        """End every worker: SIGTERM, SIGKILL after the grace time."""
        self._closing.set()
        with self._lock:
            alive = list(self._alive)
        for worker in alive:
            worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in alive:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()

    def _chunks(self, worker: Worker) -> Iterator[bytes]:
        whole = False
        try:
            while chunk := worker.chunk(self.seconds):
                yield chunk
            whole = True
        finally:
            if whole:
                self._idle.put(worker)
            else:  # the caller is gone or the code failed: what it would still say must reach nobody else
                worker.kill()

    def _load(self) -> tuple[Worker | None, str]:
        """A worker that is ready, or why there is none."""
        worker = Worker(self._settings, self._environment)
        with self._lock:
            self._alive.add(worker)
        if self._closing.is_set():
            worker.process.terminate()
        try:
            ready = worker.loaded()
            problem = ready.problem
            self.parameters = ready.parameters
        except WorkerDied:
            problem = f"The process that loads the model ended: {worker.ending}."
        if problem:
            self._bury(worker)
            return None, problem
        return worker, ""

    def _bury(self, worker: Worker) -> None:
        """Forget a worker. Its socket closes with the last request that has it in hand."""
        worker.kill(DYING)
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        with self._lock:
            self._alive.discard(worker)

    def _keep(self, worker: Worker | None) -> None:
        """Keep one worker running, and replace it when it ends."""
        crashes = 0
        while not self._closing.is_set():
            began = time.monotonic()
            problem = ""
            if worker is None:
                worker, problem = self._load()
            if worker is not None:
                self._idle.put(worker)
                worker.process.wait()
                problem = f"A worker ended: {worker.ending}."
                self._bury(worker)
                worker = None
            if self._closing.is_set():
                return
            crashes = 1 if time.monotonic() - began > STEADY else crashes + 1
            print(f"{problem} Starting another.", flush=True)
            if crashes > 1:
                self._closing.wait(min(LONGEST_PAUSE, 0.25 * 2**crashes))
