"""The model servers of every endpoint that is up: whole deployments, started and replaced together."""

from __future__ import annotations

import contextlib
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
from helpers.local.sagemaker.rollout import ALL_AT_ONCE, Rollout, Step
from helpers.local.supervisor import LOG

LONGEST_REQUEST = 485.0  # seconds that requests to a replaced deployment may still take: streams are long
LONGEST_ASYNCHRONOUS = 3660.0  # seconds that asynchronous ones may


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
        self.stopped = threading.Event()
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
                        variant,
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
        self.stopped.set()
        for server in self._servers():
            server.ask_to_stop()
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

    def adopt(self, variants: Sequence[Variant]) -> None:
        """Take on the weights and capacities of these variants."""
        changed = {variant.name: variant for variant in variants}
        for running in self.variants:
            new = changed.get(running.variant.name)
            if new is not None:
                running.variant.weight, running.variant.instances = new.weight, new.instances
                running.variant.serverless = new.serverless
        self.weights = {item.variant.name: item.variant.weight for item in self.variants}

    def _servers(self) -> list[ModelServer]:
        return [server for variant in self.variants for server in variant.servers]


class Fleet:
    """The running deployments of each endpoint, by the endpoint's name."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._serving: dict[str, RunningDeployment] = {}
        self._coming: dict[str, RunningDeployment] = {}
        self._shares: dict[str, float] = {}  # of the requests, for the one that is coming
        self._leaving: dict[str, list[RunningDeployment]] = {}

    def serving(self, endpoint: str) -> RunningDeployment | None:
        """What answers for this endpoint now."""
        with self._changed:
            return self._serving.get(endpoint)

    @contextmanager
    def use(self, endpoint: str) -> Iterator[RunningDeployment | None]:
        """What answers for this endpoint, kept up until the request is through."""
        with self._changed:
            running = self._serving.get(endpoint)
            share = self._shares.get(endpoint, 0.0)
            if share and random.random() < share:
                running = self._coming[endpoint]
            if running is not None:
                running.users += 1
        try:
            yield running
        finally:
            if running is not None:
                with self._changed:
                    running.users -= 1
                    self._changed.notify_all()

    def expect(self, host: Host, endpoint: str, deployment: Deployment) -> None:
        """Let requests wait for a deployment that is about to be brought up."""
        with contextlib.suppress(OSError):  # told by ``bring_up``
            running = RunningDeployment(host, endpoint, deployment)
            with self._changed:
                self._serving[endpoint] = running

    def bring_up(
        self,
        host: Host,
        endpoint: str,
        deployment: Deployment,
        *,
        settle: Callable[[str | None], None],
        rollout: Rollout = ALL_AT_ONCE,
    ) -> None:
        """Start a deployment and wait for it; if it is well it serves, and the one before is ended.

        ``settle`` is told what was wrong, or None, before the loser of the two is ended.
        """
        with self._changed:
            expected = self._serving.get(endpoint)
        try:
            if expected is not None and expected.deployment.generation == deployment.generation:
                running = expected
            else:
                running = RunningDeployment(host, endpoint, deployment)
        except OSError as error:
            settle(f"There is no room for its containers' files: {error}")
            return
        with self._changed:
            self._coming[endpoint] = running
        running.start()
        problem = running.wait()
        if problem is None:
            self._shift(endpoint, running, rollout.steps)
        with self._changed:
            taken_down = self._coming.pop(endpoint, None) is not running
            self._shares.pop(endpoint, None)
            before = self._serving.get(endpoint)
            if problem is None and not taken_down:
                self._serving[endpoint] = running
                if before is not None and before is not running:
                    self._leaving.setdefault(endpoint, []).append(before)
            elif before is running:
                del self._serving[endpoint]
        if host.closing.is_set():
            return
        settle(problem)
        if problem is not None or taken_down:
            running.stop()
        elif before is not None and before is not running:
            self._dismiss(endpoint, before, rollout.linger)

    def take_down(self, endpoint: str) -> None:
        """End what serves an endpoint, what is coming up for it, and what was replaced."""
        with self._changed:
            self._shares.pop(endpoint, None)
            found = [self._serving.pop(endpoint, None), self._coming.pop(endpoint, None)]
            found += self._leaving.pop(endpoint, [])
        for running in found:
            if running is not None:
                running.stop()

    def _shift(self, endpoint: str, running: RunningDeployment, steps: Sequence[Step]) -> None:
        """Let a deployment that is coming have more and more of the requests."""
        for step in steps:
            with self._changed:
                if self._coming.get(endpoint) is not running or endpoint not in self._serving:
                    return  # taken down, or there is nothing to take requests from
                self._shares[endpoint] = step.share
            if step.pause and running.stopped.wait(step.pause):
                return

    def _dismiss(self, endpoint: str, running: RunningDeployment, linger: float) -> None:
        """End a deployment that was replaced, when the requests it still has are through."""
        running.stopped.wait(linger)
        patience = LONGEST_ASYNCHRONOUS if running.deployment.asynchronous else LONGEST_REQUEST
        with self._changed:
            self._changed.wait_for(lambda: running.users == 0, timeout=patience)
            leaving = self._leaving.get(endpoint, [])
            if running in leaving:
                leaving.remove(running)
            if not leaving:
                self._leaving.pop(endpoint, None)
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
