"""The model servers of every endpoint that is up: whole deployments, started and replaced together."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.local.sagemaker.host import Host
from helpers.local.sagemaker.model_server import ModelServer
from helpers.local.sagemaker.records import Deployment, Variant
from helpers.local.supervisor import LOG

LONGEST_REQUEST = 65.0  # seconds that requests to a replaced deployment may still take


@dataclass(frozen=True)
class RunningVariant:
    """A variant and its containers' processes, in the order of the pipeline."""

    variant: Variant
    servers: Sequence[ModelServer]


class RunningDeployment:
    """The processes of one deployment of an endpoint."""

    def __init__(self, host: Host, endpoint: str, deployment: Deployment) -> None:
        self.deployment = deployment
        self.users = 0  # requests under way; the fleet counts them
        self.directory = host.directory("endpoint", endpoint) / deployment.generation
        self.weights = {variant.name: variant.weight for variant in deployment.variants}
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self.variants = [
            RunningVariant(
                variant,
                [
                    ModelServer(
                        host,
                        f"endpoint/{endpoint}/{deployment.generation}/{variant.name}/{number}",
                        self.directory / variant.name / str(number),
                        container,
                        group,
                        _stream(deployment, variant, container.name),
                        variant.patience,
                    )
                    for number, container in enumerate(variant.containers, start=1)
                ],
            )
            for variant in deployment.variants
        ]

    def start(self) -> None:
        """Start every process."""
        for server in self._servers():
            server.start()

    def wait(self) -> str | None:
        """Wait until every container serves or one has failed: what was wrong with it, or None."""
        for server in self._servers():
            server.settled.wait()
            if server.problem is not None:
                return server.problem
        return None

    def stop(self) -> None:
        """End every process and remove what they left, logs excepted."""
        for server in self._servers():
            server.stop()
        for variant in self.variants:
            for number in range(1, len(variant.servers) + 1):
                keep_log(self.directory / variant.variant.name / str(number))

    def choose(self, name: str | None) -> RunningVariant | None:
        """The variant of that name (None if there is none); without a name, one at random by the weights."""
        if name is not None:
            return next((item for item in self.variants if item.variant.name == name), None)
        weights = [self.weights[item.variant.name] for item in self.variants]
        return random.choices(self.variants, weights)[0]

    def _servers(self) -> list[ModelServer]:
        return [server for variant in self.variants for server in variant.servers]


class Fleet:
    """The running deployment of each endpoint, by the endpoint's name."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._serving: dict[str, RunningDeployment] = {}
        self._coming: dict[str, RunningDeployment] = {}

    def serving(self, endpoint: str) -> RunningDeployment | None:
        """What answers for this endpoint now."""
        with self._changed:
            return self._serving.get(endpoint)

    @contextmanager
    def use(self, endpoint: str) -> Iterator[RunningDeployment | None]:
        """What answers for this endpoint, kept up until the request is through."""
        with self._changed:
            running = self._serving.get(endpoint)
            if running is not None:
                running.users += 1
        try:
            yield running
        finally:
            if running is not None:
                with self._changed:
                    running.users -= 1
                    self._changed.notify_all()

    def bring_up(
        self,
        host: Host,
        endpoint: str,
        deployment: Deployment,
        *,
        at_once: bool,
        settle: Callable[[str | None], None],
    ) -> None:
        """Start a deployment and wait for it; if it is well it serves, and the one before is ended.

        ``at_once``: it takes the requests while it starts (they wait for it). ``settle`` is told what was
        wrong, or None, before the loser of the two is ended.
        """
        running = RunningDeployment(host, endpoint, deployment)
        with self._changed:
            self._coming[endpoint] = running
            if at_once:
                self._serving[endpoint] = running
        running.start()
        problem = running.wait()
        with self._changed:
            if self._coming.get(endpoint) is running:
                del self._coming[endpoint]
            before = self._serving.get(endpoint)
            if problem is None:
                self._serving[endpoint] = running
            elif before is running:
                del self._serving[endpoint]
        if host.closing.is_set():
            return
        settle(problem)
        if problem is not None:
            running.stop()
        elif before is not None and before is not running:
            with self._changed:
                self._changed.wait_for(lambda: before.users == 0, timeout=LONGEST_REQUEST)
            before.stop()

    def take_down(self, endpoint: str) -> None:
        """End what serves an endpoint, and what is coming up for it."""
        with self._changed:
            found = [self._serving.pop(endpoint, None), self._coming.pop(endpoint, None)]
        for running in found:
            if running is not None:
                running.stop()


def _stream(deployment: Deployment, variant: Variant, container: str) -> str:
    instance = f"{variant.name}/i-{deployment.generation.replace('-', '')}"
    return instance if len(variant.containers) == 1 else f"{instance}/{container}"


def keep_log(directory: Path) -> None:
    """Remove everything of a container's directory but its log."""
    if not directory.is_dir():
        return
    for item in directory.iterdir():
        if item.name == LOG:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item, ignore_errors=True)
        else:
            item.unlink(missing_ok=True)
