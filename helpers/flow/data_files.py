"""The files behind a source: which ones, in which encoding, with which columns. Any engine reads them so."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from . import spark_csv
from .errors import OperatorError
from .operators.sources import S3Context

if TYPE_CHECKING:
    from .runs import Run


@dataclass(frozen=True)
class SourceFile:
    """A file to read and the address it goes by."""

    path: Path
    address: str


def kind_of(path: Path) -> str:
    """The kind of file behind a source that is no S3 file: told by its ending, or CSV."""
    first = (
        next((each for each in sorted(path.rglob("*")) if each.is_file()), path) if path.is_dir() else path
    )
    endings = {".parquet": "parquet", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".orc": "orc"}
    return endings.get(first.suffix.lower(), "csv")


def found_files(path: Path, context: S3Context) -> list[SourceFile]:
    """The files behind a path, those of a folder sorted. Raises OperatorError when there is none."""
    uri = context.uri.replace("s3://", "s3a://")
    if path.is_dir():
        inside = path.rglob("*") if context.nested else path.glob("*")
        found = sorted(file for file in inside if file.is_file() and file.name[0] not in "._")
        return [SourceFile(file, _address(uri, file.relative_to(path).as_posix())) for file in found]
    if not path.is_file():
        raise OperatorError(f"the file {path} does not exist", "Look at the path of this source.")
    alone = uri.rsplit("/", 1)[-1] == path.name or not uri.endswith("/")
    return [SourceFile(path, quote(uri, _safe) if uri and alone else _address(uri, path.name))]


_safe = "/:@!$&'()*+,;=~"


def _address(folder: str, name: str) -> str:
    return quote(f"{folder.rstrip('/')}/{name}" if folder else name, _safe)


_of_programs = ("idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape")
"""Encodings that Python has for its own ends: no file is written so."""


def codec(name: str | None) -> str:
    """Python's name of an encoding of texts; UTF-8 without one. Raises OperatorError."""
    remedy, parameter = "Use utf-8.", "s3CsvEncodingType"
    try:
        found = codecs.lookup(name or "utf-8").name
    except (LookupError, ValueError):
        raise OperatorError(f"the encoding {name!r} is unknown", remedy, parameter) from None
    try:
        # Python also knows codecs of bytes (zlib) and of texts (rot13): only this tells them.
        io.TextIOWrapper(io.BytesIO(), encoding=found)
    except LookupError:
        found = "undefined"
    if found.replace("-", "_") in _of_programs:
        raise OperatorError(f"{name!r} is no encoding of texts", remedy, parameter)
    return "utf-8" if found in ("utf-8", "ascii", "utf-8-sig") else found


def header(file: Path, context: S3Context, encoding: str = "utf-8-sig") -> list[str]:
    """Names of the columns as Spark makes them: an empty one is _c<index>, repeated ones get their index."""
    try:
        first = next(spark_csv.records(file, context.delimiter, False, encoding), None)
        if context.multi_line and first and file.stat().st_size and '"' in "".join(first):
            first = next(spark_csv.records(file, context.delimiter, True, encoding), None)
    except UnicodeError:
        found = "UTF-8" if encoding == "utf-8-sig" else encoding
        raise OperatorError(
            f"the file {file.name} is not {found}", "Say which encoding it has.", "s3CsvEncodingType"
        ) from None
    if not first:
        raise OperatorError(f"the file {file.name} is empty", "Give this source a file with a header line.")
    if not context.has_header:
        return [f"_c{place}" for place in range(len(first))]
    lowered = Counter(name.lower() for name in first)
    names = []
    for place, name in enumerate(first):
        if not name:
            name = f"_c{place}"
        elif lowered[name.lower()] > 1:
            name = f"{name}{place}"
        names.append(name)
    return names


def unpacked(run: Run, file: Path) -> Path:
    """The file without compression, which its ending tells."""
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
    if file.suffix.lower() not in openers:
        return file
    target = run.directory / f"{run.fresh()}.csv"
    source: IO[bytes]
    try:
        with openers[file.suffix.lower()](file, "rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except (OSError, EOFError) as error:
        raise OperatorError(f"the file {file.name} cannot be unpacked: {error}", "Pack it again.") from None
    return target
