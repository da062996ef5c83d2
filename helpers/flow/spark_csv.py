"""CSV as Spark takes it apart, for the files that a plain CSV reader reads otherwise.

Spark reads line by line unless told that values span lines. A quote counts only at the start of a value; a
value that goes on behind its closing quote is taken as it stands. Short lines are filled, long ones cut.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


def records(file: Path, delimiter: str, multi_line: bool, encoding: str = "utf-8-sig") -> Iterator[list[str]]:
    """The rows of a file, header and all, as lists of texts; empty lines are left out."""
    if multi_line:
        with file.open(encoding=encoding, newline="") as source:
            text = source.read().replace("\r\n", "\n")
        start = 0
        while start < len(text):
            if text[start] == "\n":
                start += 1
                continue
            row, start = _row(text, start, delimiter)
            yield row
        return
    with file.open(encoding=encoding, newline=None) as source:
        for line in source:
            line = line.rstrip("\n")
            if not line:
                continue
            yield line.split(delimiter) if '"' not in line else _row(line, 0, delimiter)[0]


def _row(text: str, start: int, delimiter: str) -> tuple[list[str], int]:
    """The values of a row that starts here, and the place behind its end."""
    values = []
    while True:
        value, start = _value(text, start, delimiter)
        values.append(value)
        if text.startswith(delimiter, start):
            start += len(delimiter)
            continue
        return values, start + 1


def _value(text: str, start: int, delimiter: str) -> tuple[str, int]:
    """The value that starts here, and the place of the delimiter or line end behind it."""
    if not text.startswith('"', start):
        end = _end(text, start, delimiter)
        return text[start:end], end
    place = start + 1
    parts: list[str] = []
    while True:
        quote = text.find('"', place)
        if quote < 0:
            # Never closed: all that is left.
            return "".join([*parts, text[place:]]), len(text)
        parts.append(text[place:quote])
        behind = quote + 1
        if behind >= len(text) or text[behind] == "\n" or text.startswith(delimiter, behind):
            return "".join(parts), behind
        if text[behind] != '"':
            # Goes on behind its closing quote: the quotes belong to the value.
            end = _end(text, behind, delimiter)
            return '"' + "".join(parts) + text[quote:end], end
        parts.append('"')
        place = behind + 1


def _end(text: str, start: int, delimiter: str) -> int:
    places = [place for place in (text.find(delimiter, start), text.find("\n", start)) if place >= 0]
    return min(places, default=len(text))


def lines_with_text(file: Path) -> int:
    """How many lines of a file are not empty."""
    with file.open("rb") as source:
        return sum(line not in (b"\n", b"\r\n") for line in source)


def has_quotes(file: Path) -> bool:
    """Whether there is a quote anywhere in a file."""
    with file.open("rb") as source:
        while chunk := source.read(1 << 22):
            if b'"' in chunk:
                return True
    return False


def rewrite(file: Path, target: Path, columns: int, delimiter: str, header: bool, multi_line: bool) -> None:
    """Write a file's rows anew, each with as many values as there are columns, every value quoted."""
    with target.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rows = records(file, delimiter, multi_line)
        if header:
            next(rows, None)
        for row in rows:
            writer.writerow((row + [""] * (columns - len(row)))[:columns])
