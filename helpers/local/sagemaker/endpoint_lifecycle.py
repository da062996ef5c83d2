"""What becomes of an endpoint by itself: it comes up, goes down, and is there again after a restart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from helpers.local.sagemaker.fleet import keep_log
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.model_server import new_generation
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import Deployment, EndpointRecord
from helpers.local.sagemaker.rollout import ALL_AT_ONCE, Rollout, rollout_of
from helpers.local.store import NoRecord

COMING = ("Creating", "Updating", "SystemUpdating")
LONGEST_REASON = 1024  # characters of a FailureReason


def bring_up(plane: Plane, name: str, deployment: Deployment, rollout: Rollout = ALL_AT_ONCE) -> None:
    """Start a deployment of an endpoint in a thread, and note in its record how that ends."""
    in_thread(f"deploy {name}", lambda: _replace(plane, name, deployment, rollout))


def recover_endpoints(plane: Plane) -> None:
    """After a restart of the service: endpoints serve again, what was under way goes on."""
    for directory in (plane.host.state / "jobs" / "endpoint").glob("*/*/*/*"):
        keep_log(directory)  # of model servers that are no more
    for record in plane.endpoints.all():
        if record.status == "Deleting":
            take_down(plane, record.name)
        elif record.status != "Failed":
            _start_again(plane, record)


def abandon(plane: Plane, name: str) -> None:
    """Take an endpoint down at whatever it is, coming up included; returns when it is gone."""
    while (record := plane.endpoints.find(name)) is not None and record.status in COMING:
        plane.fleet.take_down(name)
        if plane.host.closing.wait(0.1):
            return
    if record is not None:
        take_down(plane, record.name)


def take_down(plane: Plane, name: str) -> None:
    """End what serves an endpoint, and forget it."""
    plane.fleet.take_down(name)
    with contextlib.suppress(NoRecord):  # somebody else was faster
        plane.endpoints.delete(name)


def note(plane: Plane, name: str, change: Callable[[EndpointRecord], None]) -> None:
    """Change an endpoint's record, if it is still there; where the disk is full, as soon as it is not."""
    while True:
        try:
            plane.endpoints.update(name, change)
            return
        except NoRecord:
            return  # deleted meanwhile
        except OSError:
            if plane.host.closing.wait(1.0):
                return


def grant_wishes(record: EndpointRecord) -> None:
    """Weights and capacities that were asked for are so now."""
    for variant in record.serving.variants if record.serving else []:
        if variant.wish is not None:
            variant.weight, variant.instances = variant.wish.weight, variant.wish.instances
            variant.serverless, variant.wish = variant.wish.serverless, None


def _start_again(plane: Plane, record: EndpointRecord) -> None:
    """What served, serves (requests wait while it starts); what had yet to serve, comes up."""

    def change(found: EndpointRecord) -> None:
        found.modified = time.time()
        grant_wishes(found)
        if found.serving is not None:
            found.serving = replace(found.serving, generation=new_generation())
        if found.coming is not None:
            found.coming = replace(found.coming, generation=new_generation())
        else:
            found.status = "SystemUpdating"

    fresh = plane.endpoints.update(record.name, change)

    def work() -> None:
        if fresh.serving is not None:
            _restore(plane, record.name, fresh.serving, update_follows=fresh.coming is not None)
        if fresh.coming is not None:
            rollout = rollout_of(fresh.deployment_config, fresh.coming)
            _replace(plane, record.name, fresh.coming, rollout)

    if fresh.serving is not None:
        plane.fleet.expect(plane.host, record.name, fresh.serving)
    in_thread(f"deploy {record.name}", work)


def _restore(plane: Plane, name: str, deployment: Deployment, *, update_follows: bool) -> None:
    """Bring up again what served before the restart."""

    def settle(problem: str | None) -> None:
        def change(record: EndpointRecord) -> None:
            record.modified = time.time()
            if problem is not None:
                record.serving = None
            if not update_follows:
                record.status = "InService" if problem is None else "Failed"
                record.failure = record.failure if problem is None else problem[:LONGEST_REASON]

        note(plane, name, change)

    plane.fleet.bring_up(plane.host, name, deployment, settle=settle)


def _replace(plane: Plane, name: str, deployment: Deployment, rollout: Rollout) -> None:
    """Bring up a deployment; what served before it serves on until then, and after if it is no good."""

    def settle(problem: str | None) -> None:
        def change(record: EndpointRecord) -> None:
            record.modified = time.time()
            record.coming = None
            if problem is None:
                record.status, record.serving, record.failure = "InService", deployment, None
            elif record.serving is not None:
                record.status = "InService"
                record.failure = f"The update was not completed: {problem}"[:LONGEST_REASON]
            else:
                record.status, record.failure = "Failed", problem[:LONGEST_REASON]

        note(plane, name, change)

    plane.fleet.bring_up(plane.host, name, deployment, settle=settle, rollout=rollout)
