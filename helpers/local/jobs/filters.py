"""InputFilter, OutputFilter and JoinSource of a batch transform on CSV: JSONPath that selects columns."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from helpers.local.jobs.job import JobFailure

_PART = re.compile(r"\s*(-?\d+)?\s*(:)?\s*(-?\d+)?\s*")


@dataclass(frozen=True)
class ColumnFilter:
    """The columns a path such as `$[0,5:]` selects: positions and (begin, end) slices, in order.

    None is `$`: all.
    """

    path: str
    parts: tuple[int | slice, ...] | None

    def apply(self, row: Sequence[str]) -> list[str]:
        """The selected cells. Raises ValueError for a position the row does not have."""
        if self.parts is None:
            return list(row)
        chosen: list[str] = []
        for part in self.parts:
            if isinstance(part, slice):
                chosen += row[part]
            elif -len(row) <= part < len(row):
                chosen.append(row[part])
            else:
                raise ValueError(
                    f"the filter {self.path} asks for column {part} of a row with {len(row)} columns"
                )
        return chosen


def read_filter(path: str | None, member: str) -> ColumnFilter:
    """The filter of a path; `$` when there is none.

    Raises JobFailure for paths that select no columns of CSV.
    """
    text = (path or "$").strip()
    if text in ("$", "$[:]", "$[*]"):
        return ColumnFilter(text, None)
    if not (text.startswith("$[") and text.endswith("]")):
        raise _unreadable(text, member)
    parts: list[int | slice] = []
    for piece in text[2:-1].split(","):
        match = _PART.fullmatch(piece)
        if match is None or not piece.strip():
            raise _unreadable(text, member)
        begin, colon, end = match.groups()
        if colon:
            parts.append(slice(int(begin) if begin else None, int(end) if end else None))
        elif begin and not end:
            parts.append(int(begin))
        else:
            raise _unreadable(text, member)
    return ColumnFilter(text, tuple(parts))


def _unreadable(text: str, member: str) -> JobFailure:
    return JobFailure(
        f"The {member} '{text}' cannot be used with CSV: select columns by position, as in $[1:], $[0,5:] "
        f"or $[-1]."
    )


@dataclass(frozen=True)
class Joined:
    """What the model sees of an input record, and what is kept of record and prediction."""

    input_filter: ColumnFilter
    output_filter: ColumnFilter
    join: bool

    @property
    def idle(self) -> bool:
        """Whether nothing is filtered or joined."""
        return not self.join and self.input_filter.parts is None and self.output_filter.parts is None

    def to_model(self, records: Sequence[bytes]) -> list[bytes]:
        """The records with the columns the model gets."""
        if self.input_filter.parts is None:
            return list(records)
        return _rewritten(records, self.input_filter.apply)

    def to_output(self, records: Sequence[bytes], predictions: Sequence[bytes]) -> list[bytes]:
        """One line for each record: its own columns first when they are joined, filtered."""
        if self.join:
            if len(records) != len(predictions):
                raise ValueError(
                    f"{len(predictions)} predictions cannot be joined with {len(records)} records"
                )
            predictions = [record + b"," + line for record, line in zip(records, predictions, strict=True)]
        if self.output_filter.parts is None:
            return list(predictions)
        return _rewritten(predictions, self.output_filter.apply)


def _rewritten(lines: Sequence[bytes], change: Callable[[Sequence[str]], list[str]]) -> list[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in csv.reader(line.decode("utf-8") for line in lines):
        writer.writerow(change(row))
    return text.getvalue().encode().splitlines()
