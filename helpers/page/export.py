"""A playlist to take away: as CSV for a spreadsheet, as M3U for a player."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd

# A cell that begins with one of these is a formula to a spreadsheet, whoever wrote it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_COLUMNS = ("trackId", "genre", "predicted", "tempo", "energy", "length", "why")


def to_csv(table: pd.DataFrame) -> bytes:
    """The playlist as UTF-8 CSV with a header: rank, then track, stars, sound, seconds and why.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; the byte order mark tells
    spreadsheets the encoding.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["rank", *_COLUMNS])
    for rank, track in zip(table.index, table[list(_COLUMNS)].itertuples(index=False), strict=True):
        writer.writerow([rank, *(_cell(value) for value in track)])
    return text.getvalue().encode("utf-8-sig")


def to_m3u(table: pd.DataFrame) -> bytes:
    """The playlist as extended M3U in UTF-8: for each track its seconds and title, then its name.

    The catalogue holds no files: the last line of an entry is the track's name, for a player's library to
    find.
    """
    lines = ["#EXTM3U"]
    for _, track in table.iterrows():
        name = one_line(str(track["trackId"]))
        title = f"{one_line(str(track['genre']).replace('_', ' '))} - {name}"
        lines += [f"#EXTINF:{round(float(track['length']))},{title}", _entry(name)]
    return ("\n".join(lines) + "\n").encode()


def one_line(text: str) -> str:
    """`text` without line breaks and control characters, which would begin a line of their own."""
    return _BREAKS.sub(" ", text).strip()


def _entry(name: str) -> str:
    # A line that begins with # is a comment to a player.
    return f"./{name}" if name.startswith("#") else name


def _cell(value: object) -> object:
    if isinstance(value, str):
        text = one_line(value)
        return f"'{text}" if value.startswith(_FORMULA) or text.startswith(_FORMULA) else text
    return round(value, 4) if isinstance(value, float) else value
