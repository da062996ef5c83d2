"""One asynchronous invocation: the model asked, its answer or what went wrong written to S3."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

from helpers.local.errors import ServiceError
from helpers.local.objects import Attributes, NoSuchBucket, NoSuchKey, split_uri
from helpers.local.runtime.containers import Question, opened
from helpers.local.runtime.errors import ModelError
from helpers.local.runtime.headers import Wishes
from helpers.local.runtime.spool import Invocation, Spool
from helpers.local.sagemaker.model_server import ModelServer, TooMuch
from helpers.local.sagemaker.plane import Plane

LARGEST_OUTPUT = 1024**3  # bytes
PAUSE = 0.2  # seconds between two looks at an endpoint that is not up


class _Replaced(Exception):
    """The containers went away under an invocation: another deployment will answer it."""


class _Interrupted(Exception):
    """The server ends: the next one answers the invocation."""


class _Failed(Exception):
    """An invocation that has no answer; ``args[0]`` is what the caller finds at the FailureLocation."""


class Delivery:
    """Brings invocations to their end. What is under way when ``closing`` is set stays in the spool."""

    def __init__(self, plane: Plane, spool: Spool, closing: threading.Event) -> None:
        self._plane = plane
        self._spool = spool
        self._closing = closing

    def finish(self, invocation: Invocation) -> None:
        """Answer an invocation, whatever comes of it. Raises OSError when the disk is full."""
        while True:
            try:
                self._answer(invocation)
            except _Replaced:
                continue
            except _Interrupted:
                return
            except _Failed as error:
                self._fail(invocation, str(error))
            except ModelError as error:
                self._fail(invocation, error.text)
            except ServiceError as error:
                self._fail(invocation, error.message)
            self._spool.remove(invocation)
            return

    def _answer(self, invocation: Invocation) -> None:
        while not self._closing.is_set():
            self._check(invocation)
            with self._plane.fleet.use(invocation.endpoint) as running:
                if running is None:
                    self._closing.wait(PAUSE)
                    continue
                variant = running.choose(None)
                assert variant is not None
                try:
                    self._ask(invocation, variant.servers)
                    return
                except (ModelError, ServiceError) as error:
                    if isinstance(error, ModelError) and error.status:
                        raise  # the container's own words
                    if self._closing.is_set():
                        break  # the server ended the container
                    if running.stopped.is_set():
                        raise _Replaced from None
                    raise
        raise _Interrupted

    def _check(self, invocation: Invocation) -> None:
        """Raises _Failed unless the invocation may still be answered."""
        if time.time() - invocation.accepted > invocation.time_to_live:
            raise _Failed(
                f"The invocation expired: it waited for more than {invocation.time_to_live} seconds."
            )
        record = self._plane.endpoints.find(invocation.endpoint)
        if record is None or record.created != invocation.made or record.status in ("Deleting", "Failed"):
            what = "failed" if record is not None and record.status == "Failed" else "was deleted"
            raise _Failed(f"Endpoint {invocation.endpoint} {what} before this invocation was answered.")

    def _ask(self, invocation: Invocation, servers: Sequence[ModelServer]) -> None:
        """Ask the containers, and write the answer to the OutputLocation as it comes."""
        wishes = Wishes(
            content_type=invocation.content_type,
            accept=invocation.accept,
            custom_attributes=invocation.custom_attributes,
            inference_id=invocation.inference_id,
        )
        bucket, key = split_uri(invocation.output)
        with self._input(invocation) as body, self._plane.objects.stage() as staged:
            deadline = time.monotonic() + invocation.timeout
            with opened(Question(invocation.endpoint, wishes, body, deadline), servers) as answer:
                while piece := answer.read():
                    staged.write(piece)
                    if staged.size > LARGEST_OUTPUT:
                        raise TooMuch
                content_type = answer.headers.get("content-type")
            try:
                attributes = Attributes(content_type=content_type) if content_type else Attributes()
                self._plane.objects.commit(bucket, key, staged, attributes)
            except NoSuchBucket:
                raise _Failed(f"{invocation.output} cannot be written: there is no such bucket.") from None

    def _input(self, invocation: Invocation) -> BinaryIO:
        """The opened input. Raises _Failed."""
        try:
            if invocation.input is None:
                return self._spool.body(invocation).open("rb")
            return self._plane.objects.open(*split_uri(invocation.input))[1]
        except (NoSuchBucket, NoSuchKey, FileNotFoundError) as error:
            raise _Failed(f"The input {invocation.input or ''} cannot be read: {error}.") from None

    def _fail(self, invocation: Invocation, text: str) -> None:
        """Write what went wrong to the FailureLocation, if there is one."""
        if invocation.failure is None:
            return
        try:
            bucket, key = split_uri(invocation.failure)
            self._plane.objects.put(bucket, key, text.encode(), "text/plain; charset=utf-8")
        except NoSuchBucket:
            print(f"{invocation.failure} cannot be written: there is no such bucket. {text}", flush=True)
