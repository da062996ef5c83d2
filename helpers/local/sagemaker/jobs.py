"""The life of a job, whatever its family: its record, its directory, its process, and how the three end."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers.local.machine import GIGABYTE, Share
from helpers.local.protocol import validation_error
from helpers.local.sagemaker.admission import Ticket
from helpers.local.sagemaker.families import FAMILIES, Family
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.plane import Plane, without_tags
from helpers.local.sagemaker.records import JobRecord, JobStatus
from helpers.local.supervisor import LOG, Exit, write_line

REQUEST = "request.json"  # what a job's process reads, in its directory
LITTLE = Share(1, GIGABYTE)  # what a processing or transform job demands
REASON_LIMIT = 1024  # characters of a FailureReason
INTERRUPTED = (
    "The local SageMaker service was stopped while this job ran, so the job ended unfinished. "
    "Start it again under another name."
)


# What follows when the process of a job has ended well: True if the job goes on, and is settled there.
Afterwards = Callable[[Plane, str], bool]
_AFTERWARDS: dict[str, Afterwards] = {}


def afterwards(family: Family) -> Callable[[Afterwards], Afterwards]:
    """Have this function called, with the job's name, when a process of the family has ended well."""

    def register(function: Afterwards) -> Afterwards:
        _AFTERWARDS[family.kind] = function
        return function

    return register


def create_job(
    plane: Plane,
    family: Family,
    name: str,
    request: Mapping[str, Any],
    *,
    demand: Share = LITTLE,
    asked: Mapping[str, Any] | None = None,
    limit: float | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JobRecord:
    """Record a job and start its process, or queue it until the machine has what it demands.

    ``asked`` is what the process reads in place of the request, ``extra`` what it reads beside that. It may
    run for ``limit`` seconds. Raises ServiceError when the name is taken. A process that cannot be started
    is a Failed job.
    """
    record = plane.new(
        family.store(plane),
        JobRecord,
        family.resource,
        name,
        request,
        cores=demand.cores,
        memory=demand.memory,
        limit=limit,
    )
    directory = plane.host.directory(family.kind, name)
    try:
        shutil.rmtree(directory, ignore_errors=True)  # of a job whose record was lost
        directory.mkdir(parents=True)
        read = without_tags(record.request if asked is None else asked)
        _write_json(directory / REQUEST, {"Region": plane.host.region, **read, **(extra or {})})
        plane.host.logs.add(family.log_group, f"{name}/algo-1-{record.created:.0f}", directory / LOG)
    except OSError as error:
        _fail(plane, family, name, f"The job could not be started: {error}")
    else:
        _line_up(plane, family, record)
    return record


def stop_job(plane: Plane, family: Family, name: str) -> None:
    """Ask a job to stop. Raises ServiceError when there is none of that name, or it has ended already."""
    plane.find(family.resource, name)

    def change(record: JobRecord) -> None:
        if record.status not in ("InProgress", "Stopping"):
            raise validation_error(
                f"The request was rejected because the {family.noun} is in status {record.status}."
            )
        record.status = "Stopping"
        record.modified = time.time()

    family.store(plane).update(name, change)
    if plane.admission.withdraw(_key(family, name)):
        settle(plane, family, name, mark_stopped)
    else:
        plane.host.supervisor.stop(_key(family, name))


def _line_up(plane: Plane, family: Family, record: JobRecord) -> None:
    """Start the job's process when its turn has come."""
    name, log = record.name, plane.host.directory(family.kind, record.name) / LOG
    plane.admission.ask(
        Ticket(
            key=_key(family, name),
            lane=family.lane,
            wanted=Share(record.cores, record.memory),
            start=lambda share: _start(plane, family, name, share),
            wait=lambda: _wait(plane, family, name),
            tell=lambda text: write_line(log, text),
        )
    )


def _wait(plane: Plane, family: Family, name: str) -> None:
    """Note that there is no room for a job now."""
    settle(plane, family, name, _mark_queued)
    asked_to_stop = family.store(plane).get(name).status == "Stopping"  # before it stood in the queue
    if asked_to_stop and plane.admission.withdraw(_key(family, name)):
        settle(plane, family, name, mark_stopped)


def _start(plane: Plane, family: Family, name: str, share: Share) -> None:
    """Start the process of a job that was granted its share."""
    key, directory = _key(family, name), plane.host.directory(family.kind, name)
    try:
        record = family.store(plane).update(name, _mark_started)
        if record.status == "Stopping":  # asked to stop when its turn had just come
            settle(plane, family, name, mark_stopped)
            plane.admission.done(key)
            return
        request = json.loads((directory / REQUEST).read_bytes())
        resources = {"Cores": share.cores, "MemoryInBytes": share.memory}
        _write_json(directory / REQUEST, {**request, "Resources": resources})
        plane.host.supervisor.start(
            key,
            plane.host.launcher(family.kind, plane.host.state, directory),
            directory,
            limit=record.limit,
            on_exit=lambda exit: _finish(plane, family, name, exit),
        )
        if family.store(plane).get(name).status == "Stopping":  # asked to stop before there was a process
            plane.host.supervisor.stop(key)
    except (OSError, RuntimeError, ValueError) as error:
        _fail(plane, family, name, f"The job could not be started: {error}")
        plane.admission.done(key)


def read_progress(plane: Plane, family: Family, name: str) -> dict[str, Any]:
    """What the job says of itself: API members, empty until it says something."""
    try:
        members = json.loads((plane.host.directory(family.kind, name) / "progress.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return members if isinstance(members, dict) else {}


def changed(plane: Plane, family: Family, record: JobRecord) -> float:
    """When the job last changed, its own progress included (epoch seconds)."""
    try:
        status = (plane.host.directory(family.kind, record.name) / "progress.json").stat()
    except OSError:
        return record.modified
    return record.modified if record.ended is not None else max(record.modified, status.st_mtime)


def failure(record: JobRecord) -> str | None:
    """The FailureReason of a failed job."""
    return record.failure if record.status == "Failed" else None


def recover_jobs(plane: Plane) -> None:
    """After a crash of the service: jobs that were running have failed, those that waited wait again.

    A job whose process had ended well before is left to what follows that.
    """
    waiting: list[tuple[Family, JobRecord]] = []
    for family in FAMILIES:
        for record in family.store(plane).all():
            if record.queued and record.status == "InProgress":
                waiting.append((family, record))
            elif record.queued and record.status == "Stopping":
                settle(plane, family, record.name, mark_stopped)
            elif record.status in ("InProgress", "Stopping") and record.deployment is None:
                _fail(plane, family, record.name, INTERRUPTED)
    for family, record in sorted(waiting, key=lambda found: found[1].created):
        _line_up(plane, family, record)


def _finish(plane: Plane, family: Family, name: str, exit: Exit) -> None:
    """The process ended: what became of the job."""
    progress = read_progress(plane, family, name)

    def change(record: JobRecord) -> None:
        record.ended = record.modified = time.time()
        status, reason = _outcome(family, record.status, exit, progress)
        record.status, record.failure = status, reason
        if exit.cause == "limit" and status == "Stopped":
            record.message = "The job was stopped when it reached its MaxRuntimeInSeconds."

    follow = _AFTERWARDS.get(family.kind)
    ended_well = exit.cause == "own" and exit.code == 0
    try:
        if not (ended_well and follow is not None and follow(plane, name)):
            settle(plane, family, name, change)
    finally:
        plane.admission.done(_key(family, name))


def _outcome(
    family: Family, status: JobStatus, exit: Exit, progress: Mapping[str, Any]
) -> tuple[JobStatus, str | None]:
    if status == "Stopping" and (exit.cause != "own" or exit.code != 0):
        return "Stopped", None
    if exit.cause == "close":
        return "Failed", INTERRUPTED
    if exit.cause == "limit":
        if not family.completes_at_limit:
            return "Stopped", None
        if exit.code != 0:
            return (
                "Failed",
                "The job did not end in time after its MaxAutoMLJobRuntimeInSeconds, and was stopped.",
            )
    if exit.code == 0:
        return "Completed", None
    return "Failed", _shorten(str(progress.get("FailureReason") or exit.sentence))


def settle(plane: Plane, family: Family, name: str, change: Callable[[JobRecord], None]) -> None:
    """Note how a job ended; where the disk is full, as soon as it is not."""
    try:
        family.store(plane).update(name, change)
    except OSError:

        def try_again() -> None:
            while not plane.host.closing.wait(1.0):
                with contextlib.suppress(OSError):
                    family.store(plane).update(name, change)
                    return

        in_thread(f"settle {name}", try_again)


def _fail(plane: Plane, family: Family, name: str, reason: str) -> None:
    def change(record: JobRecord) -> None:
        record.status, record.failure, record.queued = "Failed", reason, False
        record.ended = record.modified = time.time()

    settle(plane, family, name, change)


def _mark_queued(record: JobRecord) -> None:
    record.queued = record.started is None  # its turn may have come meanwhile


def _mark_started(record: JobRecord) -> None:
    record.started, record.queued = time.time(), False


def mark_stopped(record: JobRecord) -> None:
    """Note in a record that its job is stopped."""
    record.status, record.queued = "Stopped", False
    record.ended = record.modified = time.time()


def _key(family: Family, name: str) -> str:
    return f"{family.kind}/{name}"


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    temporary = path.with_name(path.name + ".writing")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(path)


def _shorten(text: str) -> str:
    return text if len(text) <= REASON_LIMIT else text[: REASON_LIMIT - 1] + "…"
