"""A batch transform: every object of the input through the model, one `.out` object for each.

`python -m helpers.local.jobs.transform --state STATE --job JOBDIR`; request.json is the CreateTransformJob
request and `"Containers": [{"Name", "Container"}]`, those of its model.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from helpers.local.jobs.batches import Batch, TooLarge, batches
from helpers.local.jobs.channels import InputObject, read_source
from helpers.local.jobs.filters import Joined, read_filter
from helpers.local.jobs.job import Job, JobFailure, StopRequested, run
from helpers.local.jobs.pipeline import ModelError, Pipeline
from helpers.local.objects import NoSuchBucket, split_uri

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Plan:
    """How objects become requests and answers become objects."""

    content_type: str
    accept: str
    compressed: bool
    lines: bool  # SplitType Line
    assemble_lines: bool  # AssembleWith Line
    joined: Joined

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> "Plan":
        """The plan of a validated CreateTransformJob request.

        Raises JobFailure for what cannot be done here.
        """
        given, wanted = request["TransformInput"], request["TransformOutput"]
        split, assemble = given.get("SplitType", "None"), wanted.get("AssembleWith", "None")
        if split not in ("None", "Line"):
            raise JobFailure(f"SplitType {split} is not available on this machine: use Line or None.")
        processing = request.get("DataProcessing", {})
        joined = Joined(
            read_filter(processing.get("InputFilter"), "InputFilter"),
            read_filter(processing.get("OutputFilter"), "OutputFilter"),
            processing.get("JoinSource", "None") == "Input",
        )
        plan = cls(
            content_type=str(given.get("ContentType", "")),
            accept=str(wanted.get("Accept", "")),
            compressed=given.get("CompressionType") == "Gzip",
            lines=split == "Line",
            assemble_lines=assemble == "Line",
            joined=joined,
        )
        if not joined.idle and not (
            plan.content_type.startswith("text/csv")
            and plan.accept.startswith("text/csv")
            and plan.lines
            and plan.assemble_lines
        ):
            raise JobFailure(
                "DataProcessing works on CSV here: set ContentType and Accept to text/csv, and SplitType and "
                "AssembleWith to Line."
            )
        return plan


def work(job: Job) -> None:
    """Start the model, transform every object, keep the good ones, fail when one is bad."""
    plan = Plan.read(job.request)
    found = read_source(job.objects, job.request["TransformInput"]["DataSource"]["S3DataSource"])
    client = job.request.get("ModelClientConfig", {})
    pipeline = Pipeline(
        job.state,
        job.directory,
        timeout=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=int(client.get("InvocationsMaxRetries", 3)),
    )
    job.stop.interrupting = True
    try:
        pipeline.start(job.request["Containers"], _environment(job.request))
        Transform(job, plan, pipeline).run(found)
    finally:
        job.stop.interrupting = False
        pipeline.close()


def _environment(request: Mapping[str, Any]) -> dict[str, str]:
    environment = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in request:
        environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if "BatchStrategy" in request:
        strategy = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}[request["BatchStrategy"]]
        environment["SAGEMAKER_BATCH_STRATEGY"] = strategy
    if "MaxConcurrentTransforms" in request:
        environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return environment | {str(name): str(value) for name, value in request.get("Environment", {}).items()}


class Transform:
    """The work on the objects, with the parameters of the job, else of the container, else the defaults."""

    def __init__(self, job: Job, plan: Plan, pipeline: Pipeline) -> None:
        self.job = job
        self.plan = plan
        self.pipeline = pipeline
        said = pipeline.execution_parameters()
        strategy = job.request.get("BatchStrategy") or said.get("BatchStrategy", "MultiRecord")
        self.single = str(strategy).upper().replace("_", "") == "SINGLERECORD"
        payload = job.request.get("MaxPayloadInMB", said.get("MaxPayloadInMB", 6))
        self.limit = int(payload) * MEGABYTE
        wanted = job.request.get("MaxConcurrentTransforms") or said.get("MaxConcurrentTransforms", 1)
        self.concurrent = max(1, int(wanted))
        self.output = str(job.request["TransformOutput"]["S3OutputPath"]).rstrip("/")

    def run(self, found: list[InputObject]) -> None:
        """Transform the objects one after the other. Raises JobFailure when some of them could not be."""
        failures: list[str] = []
        begun = time.monotonic()
        with ThreadPoolExecutor(self.concurrent) as threads:
            for item in found:
                if self.job.stop.requested:
                    raise StopRequested
                try:
                    records = self._object(item, threads)
                except (ModelError, TooLarge, ValueError, OSError, EOFError) as error:
                    failures.append(f"{item.uri}: {error}")
                    print(f"{item.uri}: failed. {error}", flush=True)
                else:
                    seconds = time.monotonic() - begun
                    print(f"{item.uri}: {records:,} records; {seconds:.1f} s so far.", flush=True)
        if failures:
            kept = len(found) - len(failures)
            raise JobFailure(
                f"{len(failures)} of {len(found)} objects could not be transformed; the outputs of {kept} "
                f"are kept. "
                f"{failures[0]}"
            )

    def _object(self, item: InputObject, threads: ThreadPoolExecutor) -> int:
        pieces = batches(
            item.path,
            compressed=self.plan.compressed,
            lines=self.plan.lines,
            single=self.single,
            limit=self.limit,
        )
        result = self.job.directory / "result.out"
        records = 0
        with result.open("wb") as output:
            while window := list(itertools.islice(pieces, self.concurrent)):
                for batch, answer in zip(window, threads.map(self._batch, window), strict=True):
                    output.write(answer)
                    records += len(batch.records)
        bucket, prefix = self._target()
        key, kind = f"{prefix}{item.relative}.out", self.plan.accept or "text/csv"
        try:
            self.job.objects.put_file(bucket, key, result, content_type=kind, move=True)
        except NoSuchBucket:
            raise JobFailure(f"The bucket '{bucket}' of S3OutputPath does not exist: create it.") from None
        return records

    def _target(self) -> tuple[str, str]:
        try:
            bucket, prefix = split_uri(self.output)
        except ValueError as error:
            raise JobFailure(f"The S3OutputPath '{self.output}' is not an S3 URI ({error}).") from None
        return bucket, f"{prefix}/" if prefix else ""

    def _batch(self, batch: Batch) -> bytes:
        """The bytes one batch adds to the output."""
        plan = self.plan
        try:
            body = b"\n".join(plan.joined.to_model(batch.records))
            answer = self.pipeline.ask(body, plan.content_type, plan.accept)
            if not plan.assemble_lines:
                return answer
            lines = list(_filled(answer))
            if not plan.joined.idle:
                lines = plan.joined.to_output(batch.records, lines)
        except (ModelError, ValueError) as error:
            where = f"the batch from line {batch.line}: " if plan.lines else ""
            raise ModelError(f"{where}{error}") from None
        return b"".join(line + b"\n" for line in lines)


def _filled(answer: bytes) -> Iterator[bytes]:
    return (line for line in answer.splitlines() if line)


if __name__ == "__main__":
    run("transform", work)
