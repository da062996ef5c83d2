"""A processing job with the Data Wrangler image: runs the flow it is given and stores the outputs it names.

`python -m helpers.local.jobs.processing --state STATE --job JOBDIR`
"""

import mimetypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import flow
from helpers.local.jobs.channels import list_prefix, read_source
from helpers.local.jobs.container import Container
from helpers.local.jobs.job import Job, JobFailure, StopRequested, run
from helpers.local.jobs.progress import shorten
from helpers.local.jobs.targets import Target, analyses_of, outputs_of, read_targets
from helpers.local.jobs.wrangler import Arguments, read_arguments
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
        self.container.create(self.job.request)
        self._fetch()
        file = self._flow_file()
        given = flow.read(file)
        targets = read_targets(self.job.request, self.container)
        self.job.stop.interrupting = True
        trained = self._work(given, targets, arguments)
        self.job.stop.interrupting = False  # what is finished is stored whole
        if self.job.stop.requested:
            raise StopRequested
        if arguments.refit.refit:
            targets.append(self._refitted(given.with_trained(trained), targets, arguments, file.name))
        self._store(targets)
        self._say(f"Completed: {len(targets)} outputs.")

    def _work(self, given: flow.Flow, targets: list[Target], arguments: Arguments) -> dict[str, Any]:
        """Write every target to its directory; the trained parameters that were used or learned."""
        trained: dict[str, Any] = {}
        refit, parameters = arguments.refit.refit, arguments.parameter_override
        analyses = analyses_of(given, targets)
        tables = [each for each in targets if each.node_id not in analyses]
        if tables:
            extended, outputs = outputs_of(given, tables, arguments)
            written = flow.execute(
                extended,
                self._source,
                outputs,
                progress=self._say,
                parameters=parameters,
                refit=refit,
                fitted=trained.update,
            )
            for target, item in zip(tables, written, strict=True):
                self._say(f"Output {target.name}: {item.rows:,} rows.")
        if analyses:
            flow.execute_analyses(
                given, self._source, analyses, progress=self._say, parameters=parameters, refit=refit
            )
        return trained

    def _refitted(
        self, refitted: flow.Flow, targets: list[Target], arguments: Arguments, given_name: str
    ) -> Target:
        """The refitted flow in a file, which goes beside the data of the first output in S3."""
        stored = [each for each in targets if each.uri]
        directory = self.container.host(FLOW_DIRECTORY).with_name("refitted-flow")
        directory.mkdir()
        refitted.write(directory / (arguments.refit.output_flow or given_name))
        uri = stored[0].uri.removesuffix(f"/{stored[0].node_id}/{stored[0].output}") if stored else ""
        return Target("refitted", "flow", directory, uri)

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

    def _store(self, targets: Sequence[Target]) -> None:
        """Upload everything that goes to S3, or take back what was uploaded."""
        stored: list[tuple[str, str]] = []
        try:
            for target in targets:
                if not target.uri:
                    what = (
                        f"Feature group {target.group} is not written here"
                        if target.group
                        else "No S3 output"
                    )
                    self._say(f"{what}: what would be is in {target.directory}.")
                    continue
                bucket, prefix = split_uri(target.uri)
                for path in sorted(
                    item for item in target.directory.rglob("*") if item.is_file() and not item.is_symlink()
                ):
                    key = f"{prefix}/{path.relative_to(target.directory).as_posix()}"
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
