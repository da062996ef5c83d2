"""A batch transform: every object of the input through the model, one `.out` object for each.

`python -m helpers.local.jobs.transform --state STATE --job JOBDIR`; request.json is the CreateTransformJob
request and `"Containers": [{"Name", "Container"}]`, those of its model.

Outputs are stored when all objects are through: a job that is stopped or killed before has stored nothing.
"""

import shutil
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from helpers.local.jobs.automl.resources import peak_memory
from helpers.local.jobs.batches import Batch, Source, batches
from helpers.local.jobs.channels import InputObject, read_source
from helpers.local.jobs.job import Job, JobFailure, StopRequested, run
from helpers.local.jobs.manifests import capture
from helpers.local.jobs.pipeline import ModelError, Pipeline
from helpers.local.jobs.requests import Plan, Requests, Written
from helpers.local.jobs.settings import Settings, environment
from helpers.local.objects import NoSuchBucket, ObjectStore, split_uri

PATIENCE = 5.0  # seconds between two lines of progress
MANY = 100  # objects whose ends are told each
BAD_OBJECT = (ModelError, ValueError, OSError, EOFError)  # what fails one object and not the job


@dataclass
class Output:
    """What comes of one object."""

    item: InputObject
    path: Path
    failure: str = ""
    by_client: bool = True  # the object, not the container, is to blame
    records: int = 0
    waiting: int = 0  # requests that are not answered yet
    read: bool = False  # whether all its requests were made


def work(job: Job) -> None:
    """Start the model, transform every object, keep the good ones, fail when one is bad."""
    begun = time.time()
    plan = Plan.read(job.request, begun)
    bucket, prefix = _target(job.objects, job.request["TransformOutput"]["S3OutputPath"], "S3OutputPath")
    captured = job.request.get("DataCaptureConfig", {}).get("DestinationS3Uri")
    destination = _target(job.objects, captured, "DestinationS3Uri") if captured else None
    folder = job.directory / "outputs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        outputs = _transform(job, plan, folder)
        good = {f"{prefix}{output.item.relative}.out": output for output in outputs if not output.failure}
        _store(job, {key: output.path for key, output in good.items()}, bucket, plan.accept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _check(outputs)
    if destination:
        inputs = [output.item.uri for output in outputs]
        capture(job.objects, *destination, begun, inputs, [f"s3://{bucket}/{key}" for key in good])


def _transform(job: Job, plan: Plan, folder: Path) -> list[Output]:
    """The outputs of all objects, as files in a folder. A request to stop breaks into it."""
    request = job.request
    client = request.get("ModelClientConfig", {})
    pipeline = Pipeline(
        job.state,
        job.directory,
        timeout=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=int(client.get("InvocationsMaxRetries", 3)),
        region=str(request.get("Region", "us-east-1")),
    )
    try:
        with job.stop.interruptible():
            pipeline.launch(request["Containers"], environment(request))  # loads while the input is listed
            found = read_source(job.objects, request["TransformInput"]["DataSource"]["S3DataSource"])
            started = time.monotonic()
            pipeline.wait()
            print(f"The model was ready after another {time.monotonic() - started:.1f} s.", flush=True)
            settings = Settings.settle(request, pipeline.execution_parameters())
            print(f"[sagemaker logs]: {settings}", flush=True)
            outputs = Transform(plan, settings, Requests(plan, settings, pipeline), folder).run(found)
            print(f"At most {peak_memory() / 1e6:.0f} MB of memory, the model's apart.", flush=True)
    finally:
        pipeline.close()
    return outputs


@dataclass
class Transform:
    """The objects' requests in their order, some of them under way at once, also of different objects."""

    plan: Plan
    settings: Settings
    requests: Requests
    folder: Path
    begun: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    records: int = 0
    ended: int = 0

    def run(self, found: list[InputObject]) -> list[Output]:
        """Transform the objects; each Output has its file, or says why there is none."""
        outputs = [Output(item, self.folder / f"{number}.out") for number, item in enumerate(found)]
        under_way: deque[tuple[Output, Batch, Future[Written]]] = deque()
        threads = ThreadPoolExecutor(self.settings.concurrent)
        try:
            for output, batch in self._requests(outputs):
                under_way.append((output, batch, threads.submit(self.requests.answer, batch, output.path)))
                output.waiting += 1
                while len(under_way) > self.settings.concurrent:
                    self._take(*under_way.popleft(), len(outputs))
            while under_way:
                self._take(*under_way.popleft(), len(outputs))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        return outputs

    def _requests(self, outputs: list[Output]) -> Iterator[tuple[Output, Batch]]:
        plan, settings = self.plan, self.settings
        for output in outputs:
            source = Source(output.item.path, plan.compressed, plan.split)
            try:
                if settings.streamed:
                    yield output, Batch(b"", stream=source)
                else:
                    for batch in batches(source, single=settings.single, limit=settings.limit):
                        if output.failure:
                            break
                        yield output, batch
            except BAD_OBJECT as error:
                self._fail(output, error)
            output.read = True
            if not output.waiting:
                self._end(output, len(outputs))

    def _take(self, output: Output, batch: Batch, answer: Future[Written], objects: int) -> None:
        """Add an answer to its object's output."""
        output.waiting -= 1
        try:
            written = answer.result()
            if not output.failure:
                _add(written, output.path)
                output.records += written.records
                self.records += written.records
        except BAD_OBJECT as error:
            self._fail(output, error, self.requests.place(batch))
        if output.read and not output.waiting:
            self._end(output, objects)
        elif time.monotonic() - self.told > PATIENCE:
            self._tell(f"{output.item.uri}: {output.records:,} records so far;", objects)

    def _fail(self, output: Output, error: Exception, place: str = "") -> None:
        if not output.failure:
            output.failure = f"{output.item.uri}: {place}{error}"
            output.by_client = not isinstance(error, ModelError) or error.by_client
            print(f"[sagemaker logs]: failed. {output.failure}", flush=True)

    def _end(self, output: Output, objects: int) -> None:
        self.ended += 1
        if not output.failure:
            output.path.touch()
            quiet = time.monotonic() - self.told < PATIENCE
            if quiet and MANY < self.ended < objects:
                return
            self._tell(f"{output.item.uri}: {output.records:,} records;", objects)

    def _tell(self, what: str, objects: int) -> None:
        self.told = time.monotonic()
        seconds = self.told - self.begun
        print(
            f"{what} {self.ended:,} of {objects:,} objects, {self.records:,} records in {seconds:.1f} s "
            f"({self.records / max(seconds, 1e-9):,.0f} a second).",
            flush=True,
        )


def _add(written: Written, path: Path) -> None:
    if isinstance(written.content, Path):
        written.content.replace(path)
    else:
        with path.open("ab") as file:
            file.write(written.content)


def _target(objects: ObjectStore, uri: str, member: str) -> tuple[str, str]:
    """A bucket and what keys in it begin with. Raises JobFailure where nothing can be stored there."""
    try:
        bucket, prefix = split_uri(uri.rstrip("/"))
        objects.directory(bucket)
    except ValueError as error:
        raise JobFailure(f"The {member} '{uri}' is not an S3 URI ({error}).") from None
    except NoSuchBucket:
        raise JobFailure(f"The bucket '{bucket}' of {member} does not exist: create it.") from None
    return bucket, f"{prefix}/" if prefix else ""


def _store(job: Job, outputs: dict[str, Path], bucket: str, accept: str) -> None:
    """Store the outputs under their keys; none when the job was asked to stop before the last."""
    stored: list[str] = []
    for key, path in outputs.items():
        if not job.stop.requested:
            job.objects.put_file(bucket, key, path, content_type=accept or None, move=True)
            stored.append(key)
    if job.stop.requested:
        for key in stored:
            job.objects.delete(bucket, key)
        raise StopRequested


def _check(outputs: list[Output]) -> None:
    """Raise JobFailure when an object has failed."""
    failed = [output for output in outputs if output.failure]
    if failed:
        kind = "ClientError" if failed[0].by_client else "AlgorithmError"
        raise JobFailure(
            f"{kind}: {len(failed)} of {len(outputs)} objects could not be transformed; the outputs of "
            f"{len(outputs) - len(failed)} are kept. {failed[0].failure}"
        )


if __name__ == "__main__":
    run("transform", work)
