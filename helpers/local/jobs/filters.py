"""InputFilter, JoinSource and OutputFilter of a batch transform, and the inference ids of its capture."""

import csv
import io
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.local.jobs.batches import lines_of
from helpers.local.json_path import JsonPath, read_path

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
OUTPUT, INPUT = "SageMakerOutput", "SageMakerInput"
IDENTIFIER, MOMENT = "SageMakerInferenceId", "SageMakerInferenceTime"


@dataclass(frozen=True)
class Processing:
    """What the model sees of records, and what is stored of them and its answers.

    `kind` is the content type of both without parameters; `moment`, where inference ids are added, is the
    time they are given (ISO, UTC). With `documents` each request and each answer is one JSON document.
    """

    kind: str
    input_path: JsonPath
    output_path: JsonPath
    join: bool
    moment: str = ""
    documents: bool = False

    @classmethod
    def read(
        cls, processing: Mapping[str, Any], kind: str, moment: str = "", *, documents: bool = False
    ) -> "Processing":
        """The processing of a validated request. Raises JsonPathError."""
        known = kind if kind in (CSV, JSON, JSON_LINES) else JSON
        return cls(
            kind,
            read_path(processing.get("InputFilter"), known),
            read_path(processing.get("OutputFilter"), known),
            processing.get("JoinSource", "None") == "Input",
            moment,
            documents,
        )

    @property
    def passes_answers(self) -> bool:
        """Whether answers are stored as they are."""
        return not self.join and self.output_path.whole and not self.moment

    def to_model(self, body: bytes) -> bytes:
        """A body of records as the model gets it. Raises ValueError."""
        if self.input_path.whole:
            return body
        if self.kind == CSV:
            return _joined_lines(_selected(lines_of(body), self.input_path))
        return _joined_lines([_dump(self.input_path.select(value)) for value in self._values(body, "input")])

    def to_output(self, body: bytes, answer: bytes, *, alone: bool = False) -> bytes:
        """What is stored for a body of records (unfiltered), or of one `alone`, and the answer to it.

        Raises ValueError.
        """
        written = self._csv(body, answer) if self.kind == CSV else self._json(body, answer, alone)
        return b"".join(line + b"\n" for line in written)

    def _csv(self, body: bytes, answer: bytes) -> list[bytes]:
        lines = answers_of(answer)
        if self.join:
            records = lines_of(body)
            _check_number(len(records), len(lines))
            lines = [record + b"," + line for record, line in zip(records, lines, strict=True)]
        if not self.output_path.whole:
            lines = _selected(lines, self.output_path)
        if self.moment:
            lines = [line + f",{uuid.uuid4()},{self.moment}".encode() for line in lines]
        return lines

    def _json(self, body: bytes, answer: bytes, alone: bool) -> list[bytes]:
        values = self._values(answer, "the model's answer", alone=alone)
        if self.join:
            records = self._values(body, "input", alone=alone)
            _check_number(len(records), len(values))
            values = [_join(record, value) for record, value in zip(records, values, strict=True)]
        values = [self.output_path.select(value) for value in values]
        if self.moment:
            values = [self._marked(value) for value in values]
        return [_dump(value) for value in values]

    def _values(self, content: bytes, what: str, *, alone: bool = False) -> list[Any]:
        pieces = [content] if self.documents or alone else lines_of(content)
        values = []
        for number, piece in enumerate(pieces, start=1):
            try:
                values.append(json.loads(piece))
            except ValueError as error:
                raise ValueError(f"record {number} of {what} is not JSON: {error}") from None
        return values

    def _marked(self, value: Any) -> dict[str, Any]:
        found = value if isinstance(value, dict) else {OUTPUT: value}
        return {**found, IDENTIFIER: str(uuid.uuid4()), MOMENT: self.moment}


def answers_of(answer: bytes) -> list[bytes]:
    """The lines of an answer; an empty one among them is an empty prediction."""
    lines = answer.split(b"\n")
    if b"\r" in answer:
        lines = [line.removesuffix(b"\r") for line in lines]
    return lines[:-1] if lines[-1] == b"" else lines


def check_line_breaks(body: bytes) -> None:
    """Raise ValueError where a quoted cell of CSV goes on in the next line: every line is a record."""
    if b'"' not in body:
        return
    for number, line in enumerate(lines_of(body), start=1):
        if line.count(b'"') % 2:
            try:
                next(csv.reader([line.decode("utf-8", errors="replace")], strict=True))
            except csv.Error:
                raise ValueError(
                    f"record {number}: a quoted cell goes on in the next line. Batch transform splits CSV at "
                    f"every line end: take line breaks out of the cells"
                ) from None


def _join(record: Any, value: Any) -> dict[str, Any]:
    if isinstance(record, dict):
        return {**record, OUTPUT: value}
    return {INPUT: record, OUTPUT: value}


def _check_number(records: int, answers: int) -> None:
    if records != answers:
        raise ValueError(f"{answers} predictions cannot be joined with {records} records")


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _joined_lines(lines: Sequence[bytes]) -> bytes:
    return b"\n".join(lines)


def _selected(lines: Sequence[bytes], path: JsonPath) -> list[bytes]:
    """The chosen cells of CSV lines; those without quotes are cut at commas, which is ten times faster."""
    choose = _chooser(path)
    return [_rewritten(line, path) if b'"' in line else choose(line) for line in lines]


def _chooser(path: JsonPath) -> Callable[[bytes], bytes]:
    places: dict[int, list[int]] = {}

    def choose(line: bytes) -> bytes:
        cells = line.split(b",")
        count = len(cells)
        if count not in places:
            places[count] = path.columns(count)
        # One empty cell would be an empty line, which is no record.
        return b",".join([cells[place] for place in places[count]]) or b'""'

    return choose


def _rewritten(line: bytes, path: JsonPath) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(path.cells(next(csv.reader([line.decode("utf-8")]))))
    return text.getvalue().encode()
