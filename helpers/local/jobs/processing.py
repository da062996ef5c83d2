"""A processing job with the Data Wrangler image: runs the flow it is given and stores the outputs it names.

`python -m helpers.local.jobs.processing --state STATE --job JOBDIR`
"""

import mimetypes
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import flow
from helpers.local.jobs.channels import list_prefix, read_source
from helpers.local.jobs.container import Container
from helpers.local.jobs.job import Job, JobFailure, StopRequested, run
from helpers.local.jobs.progress import shorten
from helpers.local.jobs.wrangler import Arguments, output_format, read_arguments
from helpers.local.objects import NoSuchBucket, split_uri

IMAGE = "sagemaker-data-wrangler-container"
FLOW_DIRECTORY = "/opt/ml/processing/flow"


def work(job: Job) -> None:
    """Inputs, flow, outputs; what goes wrong is the job's ExitMessage too."""
    try:
        Processing(job).run()
    except flow.FlowError as error:
        raise _failed(job, str(error)) from None
    except JobFailure as failure:
        raise _failed(job, str(failure)) from None


def _failed(job: Job, reason: str) -> JobFailure:
    message = shorten(reason)
    (job.directory / "opt/ml/output").mkdir(parents=True, exist_ok=True)
    (job.directory / "opt/ml/output/message").write_text(message, encoding="utf-8")
    job.progress.update(ExitMessage=message)
    return JobFailure(message)


class Processing:
    """One run of the container."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.name = str(job.request["ProcessingJobName"])
        self.container = Container(job.directory)
        self.inputs: dict[str, list[Path]] = {}  # files by InputName and by the name of their directory
        self.started = time.monotonic()

    def run(self) -> None:
        """Run the flow and store every output, or none."""
        specification = self.job.request["AppSpecification"]
        image = str(specification["ImageUri"]).rsplit("/", 1)[-1].split(":")[0].split("@")[0]
        if image != IMAGE:
            raise JobFailure(
                f"The image '{specification['ImageUri']}' cannot run on this machine: only the Data "
                f"Wrangler image "
                f"({IMAGE}) can."
            )
        arguments = read_arguments(specification.get("ContainerArguments", []))
        if arguments.parameter_override:
            raise JobFailure(
                "--parameter-override is not available on this machine yet: set the values in the flow's "
                "parameters."
            )
        if arguments.refit:
            raise JobFailure(
                "--refit-trained-params is not available on this machine yet: give it refit false."
            )
        self.container.create(self.job.request)
        self._fetch()
        music = flow.read(self._flow_file())
        destinations = self._outputs()
        outputs = [self._output(name, directory, arguments) for name, (directory, _) in destinations.items()]
        self.job.stop.interrupting = True
        written = flow.execute(music, self._source, outputs, progress=self._say)
        self.job.stop.interrupting = False  # what is finished is stored whole
        if self.job.stop.requested:
            raise StopRequested
        self._store(destinations)
        rows = ", ".join(f"{item.rows:,}" for item in written)
        self._say(f"Completed: {len(written)} outputs with {rows} rows.")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    def _fetch(self) -> None:
        for item in self.job.request.get("ProcessingInputs", []):
            source = item.get("S3Input")
            if source is None:
                raise JobFailure(
                    f"The input '{item['InputName']}' has no S3Input: only S3 inputs can be read here."
                )
            directory = self.container.host(str(source["LocalPath"]))
            directory.mkdir(parents=True, exist_ok=True)
            found = read_source(self.job.objects, source)
            files = [self.container.place(entry, directory) for entry in found]
            self.inputs[str(item["InputName"])] = self.inputs[directory.name] = files
            self._say(f"Input {item['InputName']}: {len(files)} objects from {source['S3Uri']}.")

    def _flow_file(self) -> Path:
        found = sorted(self.container.host(FLOW_DIRECTORY).glob("*.flow"))
        if len(found) != 1:
            raise JobFailure(
                f"{len(found)} .flow files were found under {FLOW_DIRECTORY}; one is needed. Pass the flow "
                f"as an "
                f"input with LocalPath {FLOW_DIRECTORY}, and give its object a name that ends in .flow."
            )
        return found[0]

    def _source(self, node: flow.SourceNode) -> Sequence[Path]:
        """The files of a source: an input named like the data set, else the place the flow names."""
        for name in (node.dataset_name, node.name):
            if name and name in self.inputs:
                return self.inputs[name]
        if not node.uri:
            raise JobFailure(
                f"The source '{node.label}' names no S3 address: pass an input called '{node.dataset_name}'."
            )
        try:
            return [item.path for item in list_prefix(self.job.objects, node.uri)]
        except JobFailure as failure:
            raise JobFailure(
                f"The source '{node.label}' cannot be read. {failure} Or pass an input called "
                f"'{node.dataset_name}'."
            ) from None

    def _outputs(self) -> dict[str, tuple[Path, str]]:
        """For every output, `<node id>.<output name>`: its directory in the container and its S3 URI."""
        found: dict[str, tuple[Path, str]] = {}
        for item in self.job.request.get("ProcessingOutputConfig", {}).get("Outputs", []):
            name = str(item["OutputName"])
            if "S3Output" not in item:
                raise JobFailure(f"The output '{name}' has no S3Output: only S3 outputs can be written here.")
            local, uri = str(item["S3Output"]["LocalPath"]), str(item["S3Output"]["S3Uri"])
            node, _, output = name.rpartition(".")
            if not node or not output:
                raise JobFailure(
                    f"The output '{name}' is not named after a node: write <node id>.<output name>, for "
                    f"example "
                    "'4dd276b3-….default'."
                )
            directory = self.container.host(local) / self.name / node / output
            found[name] = directory, f"{uri.rstrip('/')}/{self.name}/{node}/{output}"
        if not found:
            raise JobFailure(
                "The job names no outputs: add one to ProcessingOutputConfig, called <node id>.<output name>."
            )
        return found

    def _output(self, name: str, directory: Path, arguments: Arguments) -> flow.Output:
        node, _, output = name.rpartition(".")
        form = output_format(name, arguments.output_config.get(name, {}))
        return flow.Output(
            node, output, directory, form.content_type, form.delimiter, form.compression, form.partitions
        )

    def _store(self, destinations: Mapping[str, tuple[Path, str]]) -> None:
        """Upload everything, or take back what was uploaded."""
        stored: list[tuple[str, str]] = []
        try:
            for directory, uri in destinations.values():
                bucket, prefix = split_uri(uri)
                for path in sorted(
                    item for item in directory.rglob("*") if item.is_file() and not item.is_symlink()
                ):
                    key = f"{prefix}/{path.relative_to(directory).as_posix()}"
                    kind: Any = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                    self.job.objects.put_file(bucket, key, path, content_type=kind)
                    stored.append((bucket, key))
                    self._say(f"Stored s3://{bucket}/{key} ({path.stat().st_size:,} bytes).")
        except (OSError, ValueError, NoSuchBucket) as error:
            for bucket, key in stored:
                self.job.objects.delete(bucket, key)
            raise JobFailure(f"The outputs cannot be stored, nothing was kept: {error}") from None


if __name__ == "__main__":
    run("processing", work)
