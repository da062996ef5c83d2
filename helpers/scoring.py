"""Predicted stars from an endpoint, for catalogues of any size: many rows a request, several under way.

The client is boto3's, so this is what any application would send, on this machine or on AWS.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from helpers.workshop import ShortError, Workshop

Floats = npt.NDArray[np.float64]

LARGEST_BODY = 6_291_456  # bytes that InvokeEndpoint takes
COMFORTABLE_BODY = 3_000_000  # bytes of a request: few requests, yet room for rows longer than the first ones
AT_ONCE = 4  # requests under way: one is predicted while others are written, sent and read
PATIENCE = 90.0  # seconds for which a busy endpoint is asked again

# What says "not now": asked again after a pause. Everything else is an error at once.
_BUSY = {"ThrottlingException", "ServiceUnavailable", "ModelNotReadyException", "InternalDependencyException"}


class NoScores(ShortError):
    """An endpoint cannot be asked, or what it answers is not one number for each row."""


@dataclass(frozen=True)
class Rows:
    """One row for each track: what the model wants to know of a listener and of every track.

    `columns` are the training columns in their order. Each comes from `tracks` where it has it (a value for
    each track), else from `listener` (the same value in all rows). Missing values are empty fields.
    Raises KeyError naming the columns that neither has.
    """

    columns: Sequence[str]
    tracks: pd.DataFrame
    listener: pd.Series

    def __post_init__(self) -> None:
        missing = [n for n in self.columns if n not in self.tracks.columns and n not in self.listener.index]
        if missing:
            named = ", ".join(missing)
            raise KeyError(f"Neither the tracks nor the listener has the training columns {named}.")

    def __len__(self) -> int:
        return len(self.tracks)

    def encoded(self, start: int, stop: int) -> bytes:
        """The rows `start` to `stop` (excluded) as CSV without a header; every number in full precision.

        What is the same in all rows is written once and put in place of a mark, which takes a quarter of the
        time of writing it row by row.
        """
        part = self.tracks.iloc[start:stop]
        cells: list[pa.Array] = []
        marks: dict[bytes, bytes] = {}
        for varies, names in groupby(self.columns, key=lambda name: name in self.tracks.columns):
            if varies:
                cells += [pa.array(part[name], from_pandas=True) for name in names]
            else:
                mark = secrets.token_hex(8)
                cells.append(pa.repeat(pa.scalar(mark), len(part)))
                marks[f'"{mark}"'.encode()] = _csv(
                    [pa.array([self.listener[n]], from_pandas=True) for n in names]
                )
        body = _csv(cells)
        for mark_in_quotes, values in marks.items():
            body = body.replace(mark_in_quotes, values.rstrip(b"\n"))
        return body


def _csv(cells: Sequence[pa.Array]) -> bytes:
    """Columns as CSV without a header."""
    table = pa.table(list(cells), names=[str(number) for number in range(len(cells))])
    sink = pa.BufferOutputStream()
    without_header = pa.csv.WriteOptions(include_header=False)  # type: ignore[attr-defined]
    pa.csv.write_csv(table, sink, without_header)  # type: ignore[attr-defined]
    body: bytes = sink.getvalue().to_pybytes()
    return body


@dataclass
class Endpoint:
    """An endpoint in service, and which models answer there.

    Requests go to one production variant, the one with the largest weight, so that all scores of a listener
    come from the same model even while two are compared.
    """

    workshop: Workshop
    name: str
    at_once: int = AT_ONCE
    body: int = COMFORTABLE_BODY
    patience: float = PATIENCE
    pause: Callable[[float], None] = time.sleep
    _variant: str = field(default="", init=False)
    _runtime: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        config = Config(
            max_pool_connections=self.at_once,
            retries={"mode": "standard", "total_max_attempts": 3},
            read_timeout=75,  # the service gives up after 60 seconds
        )
        self._runtime = self.workshop.session.client(
            "sagemaker-runtime", region_name=self.workshop.region, config=config
        )

    def identity(self) -> dict[str, str]:
        """What scores depend on: the endpoint, its variant and model, and when it was last updated.

        Raises NoScores when there is no such endpoint, or when it does not serve.
        """
        sagemaker = self.workshop.client("sagemaker")
        try:
            found = sagemaker.describe_endpoint(EndpointName=self.name)
            if not found.get("ProductionVariants"):
                status, reason = found["EndpointStatus"], found.get("FailureReason", "")
                raise NoScores(f"The endpoint {self.name} is {status}, not InService. {reason}".rstrip())
            config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        except (ClientError, BotoCoreError) as error:
            raise self._not_asked(error) from error
        heaviest = max(found["ProductionVariants"], key=lambda one: one.get("CurrentWeight", 1.0))
        several = len(found["ProductionVariants"]) > 1
        self._variant = heaviest["VariantName"] if several else ""
        models = {one["VariantName"]: one["ModelName"] for one in config["ProductionVariants"]}
        return {
            "endpoint": found["EndpointArn"],
            "created": found["CreationTime"].isoformat(),
            "updated": found["LastModifiedTime"].isoformat(),
            "variant": heaviest["VariantName"],
            "model": models.get(heaviest["VariantName"], ""),
        }

    def score(self, rows: Rows) -> Floats:
        """The predicted stars of every row, in order. Memory is bounded by a few requests and the answer.

        Raises NoScores when the endpoint is missing or fails, and when it answers with another number of
        lines, with text, or with missing numbers.
        """
        scores = np.empty(len(rows))
        spans = list(self._spans(rows))
        pool = ThreadPoolExecutor(self.at_once)
        try:
            answers = pool.map(lambda span: self._ask(rows, *span), spans)
            for (start, stop), answer in zip(spans, answers, strict=True):
                scores[start:stop] = answer
        finally:
            pool.shutdown(cancel_futures=True)  # after an error the rest is not asked
        return scores

    def _spans(self, rows: Rows) -> Iterator[tuple[int, int]]:
        """How rows are cut into requests, by the length of the first ones."""
        sample = min(len(rows), 200)
        if sample == 0:
            return
        size = max(int(self.body * sample / len(rows.encoded(0, sample))), 1)
        # Requests of one size: a short last one would leave the others' places empty.
        parts = -(-len(rows) // size)
        edges = np.linspace(0, len(rows), parts + 1).astype(int)
        yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)

    def _ask(self, rows: Rows, start: int, stop: int) -> Floats:
        """The answer for some rows; in halves where they are too many for one request or for its time."""
        body = rows.encoded(start, stop)
        try:
            if len(body) <= LARGEST_BODY or stop - start == 1:
                return numbers(self._invoke(body), stop - start)
        except ClientError as error:
            if not _too_slow(error) or stop - start == 1:
                raise self._not_asked(error) from error
        except BotoCoreError as error:
            raise self._not_asked(error) from error
        middle = (start + stop) // 2
        return np.concatenate([self._ask(rows, start, middle), self._ask(rows, middle, stop)])

    def _invoke(self, body: bytes) -> bytes:
        """One request; while the endpoint is busy it is made again, with growing pauses."""
        target = {"TargetVariant": self._variant} if self._variant else {}
        end = time.monotonic() + self.patience
        pause = 0.1
        while True:
            try:
                answer = self._runtime.invoke_endpoint(
                    EndpointName=self.name, ContentType="text/csv", Accept="text/csv", Body=body, **target
                )
                found: bytes = answer["Body"].read()
                return found
            except ClientError as error:
                if error.response["Error"]["Code"] not in _BUSY or time.monotonic() + pause > end:
                    raise
            self.pause(pause * (0.5 + secrets.randbelow(1000) / 1000))  # so that clients do not come together
            pause = min(pause * 2, 5.0)

    def _not_asked(self, error: Exception) -> NoScores:
        """What an error of boto3 means to somebody who wants scores."""
        details = getattr(error, "response", {}).get("Error", {})
        message = str(details.get("Message", error))
        if details.get("Code", "").startswith("Validation") and "not f" in message.lower():
            return NoScores(
                f"There is no endpoint {self.name}: run 04_inference.ipynb, which makes one, or name another."
            )
        return NoScores(f"The endpoint {self.name} does not answer: {message}")


def _too_slow(error: ClientError) -> bool:
    """Whether the model did not get through with a request's rows in its 60 seconds."""
    response: dict[str, Any] = dict(error.response)
    return bool(response["Error"]["Code"] == "ModelError" and response.get("OriginalStatusCode") == 0)


def numbers(answer: bytes, rows: int) -> Floats:
    """The lines of an answer as numbers, one for each row."""
    lines = answer.split()
    if len(lines) != rows:
        raise NoScores(
            f"The endpoint answered {len(lines):,} lines for {rows:,} rows. It must answer one number for "
            "each row: is it a model of ratings, trained on the columns that were sent?"
        )
    try:
        numbers = np.array(lines, dtype=np.float64)
    except ValueError:
        wrong = next(line for line in lines if not _is_number(line)).decode(errors="replace")[:80]
        raise NoScores(f"The endpoint answered {wrong!r} where one number of stars was expected.") from None
    if not np.isfinite(numbers).all():
        raise NoScores("The endpoint answered numbers that are missing or infinite, not stars.")
    return numbers


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
