"""The objects of a channel as one table: CSV or Parquet, many files, more rows than fit in memory."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from helpers.local.jobs.automl.data.sampling import Sample
from helpers.local.jobs.automl.settings import Channel
from helpers.local.jobs.channels import InputObject, read_source
from helpers.local.jobs.job import JobFailure
from helpers.local.objects import ObjectStore

parquet: Any = pyarrow.parquet  # its names are declared in no stub

CHUNK = 100_000  # rows read at a time of files that may not fit in memory
# In memory a table takes at most so many times the bytes of its files.
SWELLING = 20
INDEX = "__index_level_0__"  # the unnamed index that pandas writes to Parquet files: no data


@dataclass
class Reader:
    """Reads the objects of one channel."""

    channel: Channel
    texts: Sequence[str]  # columns to read as text whatever is in them
    budget: int  # bytes that the table may take in memory
    header: list[str] | None = field(default=None)  # of the first CSV file

    def read(self, objects: ObjectStore) -> pd.DataFrame:
        """The rows of every object; a sample of them where all would take more than the budget.

        Column names are unique and not empty. Raises JobFailure when an object cannot be read.
        """
        found = [item for item in read_source(objects, self.channel.source) if item.path.stat().st_size]
        if not found:
            raise JobFailure(
                f"Every object under {self.channel.source['S3Uri']} is empty: upload data with rows."
            )
        large = sum(item.path.stat().st_size for item in found) * SWELLING > self.budget
        sample = Sample(self.budget)
        for item in found:
            for frame in self._frames(item, CHUNK if large else None):
                sample.add(frame, item.uri)
        if not sample.frames:
            raise JobFailure(
                f"Every object under {self.channel.source['S3Uri']} is empty: upload data with rows."
            )
        return sample.table()

    def _frames(self, item: InputObject, rows: int | None) -> Iterator[pd.DataFrame]:
        if self.channel.parquet:
            return _parquet_frames(item, rows)
        return self._csv_frames(item, rows)

    def _csv_frames(self, item: InputObject, rows: int | None) -> Iterator[pd.DataFrame]:
        """After the first file a header row is expected only where the first line repeats the header."""
        foreign = _foreign(item, self.channel.gzip)
        if foreign is not None:
            raise JobFailure(f"{item.uri} cannot be read as CSV ({foreign}).")
        try:
            with self._open(item) as lines:
                first = next((row for row in csv.reader(lines) if row), [])
            if not first:
                return
            names = self._names(first, item)
            options: dict[str, Any] = {
                "header": None if names is None else 0,
                "names": self.header if names is None else names,
                "dtype": dict.fromkeys(set(self.texts) & set(self.header or ()), str),
                "compression": "gzip" if self.channel.gzip else None,
                "encoding": "utf-8-sig",
                "low_memory": False,
            }
            if rows is None:
                yield _as_wide_as_header(pd.read_csv(item.path, **options), item)
                return
            with pd.read_csv(item.path, chunksize=rows, **options) as chunks:
                for frame in chunks:
                    yield _as_wide_as_header(frame, item)
        except (OSError, EOFError, ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
            raise JobFailure(f"{item.uri} cannot be read as CSV ({_reason(error)}).") from None

    def _names(self, first: list[str], item: InputObject) -> list[str] | None:
        """The column names of a file in its order; None for a file without a header row."""
        own = [name.strip() for name in first]
        if self.header is None:
            self.header = unique(own)
            return self.header
        named = unique(own)
        if set(named) == set(self.header):
            return named
        common = len(set(named) & set(self.header))
        if common > len(self.header) / 2:
            raise JobFailure(
                f"The files of a channel have different columns: {listed(self.header)}, and in {item.uri} "
                f"{listed(named)}. Give every file the same columns."
            )
        return None

    def _open(self, item: InputObject) -> IO[str]:
        if self.channel.gzip:
            return gzip.open(item.path, "rt", encoding="utf-8-sig", newline="")
        return item.path.open("rt", encoding="utf-8-sig", newline="")


def _as_wide_as_header(frame: pd.DataFrame, item: InputObject) -> pd.DataFrame:
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes cells without a column for an index
        raise JobFailure(
            f"{item.uri} cannot be read as CSV (its rows have "
            f"{frame.index.nlevels + len(frame.columns)} cells, its header {len(frame.columns)} columns). "
            "Name every column in the header row."
        )
    return frame


def _parquet_frames(item: InputObject, rows: int | None) -> Iterator[pd.DataFrame]:
    try:
        file = parquet.ParquetFile(item.path)
        tables = (
            [file.read()]
            if rows is None
            else (pa.Table.from_batches([batch]) for batch in file.iter_batches(batch_size=rows))
        )
        for table in tables:
            names = unique([str(name) for name in table.column_names])
            frame = table.rename_columns(names).to_pandas(ignore_metadata=True)
            yield frame.drop(columns=INDEX, errors="ignore")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise JobFailure(
            f"{item.uri} cannot be read as Parquet ({_first_line(error)}). Write it again, or correct the "
            "ContentType of the channel."
        ) from None


def unique(names: Sequence[str]) -> list[str]:
    """Names for columns: an empty one gets `Unnamed: position`, a repeated one a number after a dot."""
    taken: set[str] = set()
    found = []
    for position, name in enumerate(names):
        base = name or f"Unnamed: {position}"
        candidate, number = base, 1
        while candidate in taken or (candidate != base and candidate in names):
            candidate, number = f"{base}.{number}", number + 1
        taken.add(candidate)
        found.append(candidate)
    return found


def listed(names: Sequence[str] | pd.Index, limit: int = 20) -> str:
    """Names in quotes for a message."""
    shown = ", ".join(f"'{name}'" for name in list(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _foreign(item: InputObject, compressed: bool) -> str | None:
    """What a file is instead of CSV text, and what to do; None when its first bytes do not tell."""
    with item.path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return "it is a Parquet file: set the channel's ContentType to x-application/vnd.amazon+parquet"
    if (start[:2] == b"\x1f\x8b") == compressed:
        return None
    if compressed:
        return "it is not compressed by gzip: set the channel's CompressionType to None"
    return "it is compressed by gzip: set the channel's CompressionType to Gzip"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not text in UTF-8, at byte {error.start}: save it as UTF-8"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
