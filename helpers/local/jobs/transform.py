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
BAD_OBJECT = (ModelError, ValueError, OSError, EOFError)  # what fails one object and not the job


def work(job: Job) -> None:
    """Start the model, transform every object, keep the good ones, fail when one is bad."""
    begun = time.time()
    request = job.request
    plan = Plan.read(request, begun)
    bucket, prefix = _target(job.objects, request["TransformOutput"]["S3OutputPath"])
    client = request.get("ModelClientConfig", {})
    pipeline = Pipeline(
        job.state,
        job.directory,
        timeout=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=int(client.get("InvocationsMaxRetries", 3)),
        region=str(request.get("Region", "us-east-1")),
    )
    folder = job.directory / "outputs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with job.stop.interruptible():
            pipeline.launch(request["Containers"], environment(request))  # loads while the input is listed
            found = read_source(job.objects, request["TransformInput"]["DataSource"]["S3DataSource"])
            started = time.monotonic()
            pipeline.wait()
            print(f"The model was ready after another {time.monotonic() - started:.1f} s.", flush=True)
            settings = Settings.settle(request, pipeline.execution_parameters())
            print(f"[sagemaker logs]: {settings}", flush=True)
            transform = Transform(plan, settings, Requests(plan, settings, pipeline), folder)
            outputs = transform.run(found)
            print(f"At most {peak_memory() / 1e6:.0f} MB of memory, the model's apart.", flush=True)
    finally:
        pipeline.close()
    good = [output for output in outputs if not output.failure]
    _store(
        job, [(output.path, f"{prefix}{output.item.relative}.out") for output in good], bucket, plan.accept
    )
    _fail(outputs)
    if capturing := request.get("DataCaptureConfig"):
        capture(
            job.objects,
            capturing["DestinationS3Uri"],
            begun,
            [output.item.uri for output in good],
            [f"s3://{bucket}/{prefix}{output.item.relative}.out" for output in good],
        )


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


def _target(objects: ObjectStore, uri: str) -> tuple[str, str]:
    """The bucket of the outputs and what their keys begin with. Raises JobFailure where none can be."""
    try:
        bucket, prefix = split_uri(uri.rstrip("/"))
    except ValueError as error:
        raise JobFailure(f"The S3OutputPath '{uri}' is not an S3 URI ({error}).") from None
    try:
        objects.directory(bucket)
    except NoSuchBucket:
        raise JobFailure(f"The bucket '{bucket}' of S3OutputPath does not exist: create it.") from None
    return bucket, f"{prefix}/" if prefix else ""


def _store(job: Job, outputs: list[tuple[Path, str]], bucket: str, accept: str) -> None:
    """Store the outputs; none when the job was asked to stop before the last."""
    stored: list[str] = []
    for path, key in outputs:
        if not job.stop.requested:
            job.objects.put_file(bucket, key, path, content_type=accept or None, move=True)
            stored.append(key)
    if job.stop.requested:
        for key in stored:
            job.objects.delete(bucket, key)
        raise StopRequested


def _fail(outputs: list[Output]) -> None:
    failed = [output for output in outputs if output.failure]
    if failed:
        kind = "ClientError" if failed[0].by_client else "AlgorithmError"
        raise JobFailure(
            f"{kind}: {len(failed)} of {len(outputs)} objects could not be transformed; the outputs of "
            f"{len(outputs) - len(failed)} are kept. {failed[0].failure}"
        )


if __name__ == "__main__":
    run("transform", work)
