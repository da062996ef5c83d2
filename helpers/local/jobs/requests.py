"""One request of a batch transform: from a mini-batch to the bytes it adds to the output."""

import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from helpers.local.jobs.batches import BLOCK, Batch, Source, lines_of
from helpers.local.jobs.filters import CSV, JSON, Processing, check_line_breaks
from helpers.local.jobs.pipeline import Pipeline
from helpers.local.jobs.settings import Settings


@dataclass(frozen=True)
class Plan:
    """How objects become requests and answers become objects."""

    content_type: str
    accept: str
    compressed: bool
    split: str  # a SplitType
    assemble_lines: bool  # AssembleWith Line
    processing: Processing

    @classmethod
    def read(cls, request: Mapping[str, Any], begun: float) -> "Plan":
        """The plan of a validated CreateTransformJob request that began at a time (epoch seconds)."""
        given, wanted = request["TransformInput"], request["TransformOutput"]
        split, accept = given.get("SplitType", "None"), wanted.get("Accept", "")
        stamped = request.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun)) if stamped else ""
        kind = base(accept or given.get("ContentType", ""))
        return cls(
            content_type=str(given.get("ContentType", "")),
            accept=str(accept),
            compressed=given.get("CompressionType") == "Gzip",
            split=str(split),
            assemble_lines=wanted.get("AssembleWith") == "Line",
            processing=Processing.read(
                request.get("DataProcessing", {}), kind, moment, documents=kind == JSON and split == "None"
            ),
        )


def base(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.split(";", maxsplit=1)[0].strip().lower()


@dataclass(frozen=True)
class Written:
    """What a request adds to its object's output: bytes, or a file that is the whole of it."""

    content: bytes | Path
    records: int


@dataclass(frozen=True)
class Requests:
    """Asks the model; any number of threads may."""

    plan: Plan
    settings: Settings
    pipeline: Pipeline

    def answer(self, batch: Batch, path: Path) -> Written:
        """What a batch adds to its object's output, which is at `path`.

        Raises ModelError, and ValueError for records that cannot be filtered or joined.
        """
        plan = self.plan
        if batch.stream is not None:
            return self._stream(batch.stream, path)
        answer = self.pipeline.ask(self._sent(batch.body), plan.content_type, plan.accept)
        if not plan.processing.passes_answers:
            answer = plan.processing.to_output(batch.body, answer, alone=self.settings.single)
            if not plan.assemble_lines:
                answer = answer.removesuffix(b"\n")
        elif plan.assemble_lines and not answer.endswith(b"\n") and (answer or self.settings.single):
            answer += b"\n"
        return Written(answer, batch.records)

    def place(self, batch: Batch) -> str:
        """Where in its object a batch begins, for messages."""
        if batch.stream is not None or self.plan.split == "None":
            return ""
        if self.settings.single:
            return f"{'line' if self.plan.split == 'Line' else 'record'} {batch.begin}: "
        return f"the batch from {'line' if self.plan.split == 'Line' else 'record'} {batch.begin}: "

    def _sent(self, body: bytes) -> bytes:
        if self.plan.split == "Line" and base(self.plan.content_type) == CSV:
            check_line_breaks(body)
        return self.plan.processing.to_model(body)

    def _stream(self, source: Source, path: Path) -> Written:
        """An object of any length through the model in chunks; its answer is kept in a file."""
        plan = self.plan
        whole = plan.processing.documents and not plan.processing.passes_answers

        def blocks() -> Iterator[bytes]:
            """What is sent and joined together: lines, records, or the one document."""
            try:
                yield from [b"".join(source.blocks())] if whole else source.blocks()
            except (OSError, EOFError) as error:  # those of a connection are another matter
                raise ValueError(f"the object cannot be read: {error}") from None

        records = 0

        def chunks() -> Iterator[bytes]:
            nonlocal records
            records = 0
            for block in blocks():
                records += len(lines_of(block)) if plan.split == "Line" else plan.split != "None"
                sent = self._sent(block)
                yield sent if sent.endswith(b"\n") or plan.split != "Line" else sent + b"\n"

        with (
            self.pipeline.stream(chunks, plan.content_type, plan.accept) as answer,
            tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file,
        ):
            if plan.processing.passes_answers:
                self._copy(answer, file)
            elif whole:
                file.write(plan.processing.to_output(next(blocks()), answer.read()))
            else:
                self._join(blocks(), answer, file)
        return Written(Path(file.name), records or 1)

    def _copy(self, answer: IO[bytes], file: IO[bytes]) -> None:
        last = b"\n"
        while block := answer.read(BLOCK):
            file.write(block)
            last = block[-1:]
        if self.plan.assemble_lines and last != b"\n":
            file.write(b"\n")

    def _join(self, blocks: Iterator[bytes], answer: IO[bytes], file: IO[bytes]) -> None:
        """Each block of records with as many lines of the answer."""
        for block in blocks:
            count = sum(1 for line in block.split(b"\n") if line.strip(b"\r"))
            file.write(self.plan.processing.to_output(block, b"".join(itertools.islice(answer, count))))
        if rest := answer.read(BLOCK):
            if self.plan.processing.join:
                raise ValueError(f"the model answered {rest[:50]!r} beyond one prediction for each record")
            file.write(self.plan.processing.to_output(b"", rest + answer.read()))
