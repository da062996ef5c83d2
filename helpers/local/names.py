"""Object keys as file names, reversibly.

A key such as ``music/train.csv`` is the file ``music/train.csv``. Keys that no file system could hold under
their own name are escaped, always the same way, so that the name alone gives the key back:

=====================================  ==============================================================
in the key                             on disk
=====================================  ==============================================================
``%``, control characters              ``%`` and two hexadecimal digits: ``%25``, ``%0A``
a segment ``.`` or ``..``              ``%2E``, ``%2E%2E``
empty segments (``a//b``, ``a////b``)  ``%-``, ``%-3``: so many of them
a segment of more than 240 bytes       directories ``<240 bytes>%(more)`` around the rest
``a`` when ``a/b`` is an object too    the file ``a%(object)`` beside the directory ``a``
=====================================  ==============================================================

A name that is no escape of anything (a file somebody put there by hand, ``100%.csv``) stands for itself.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

EMPTY = "%-"
MORE = "%(more)"
BESIDE = "%(object)"
LONGEST_PIECE = 240  # bytes; a name with its suffix stays under the 255 bytes file systems allow
LONGEST_NAME = 255

_ESCAPED = re.compile(r"[%\x00-\x1f\x7f]")
_EMPTIES = re.compile(r"%-([2-9]|[1-9]\d{1,3})?")
_HEXADECIMAL = re.compile(r"%([0-9A-F]{2})")


def segments_of(key: str) -> list[str]:
    """The texts between the slashes of a key. Neighbouring empty ones are one, of slashes."""
    found: list[str] = []
    for empty, group in groupby(key.split("/"), key=lambda text: text == ""):
        texts = list(group)
        found += ["/".join(texts)] if empty else texts
    return found


def escape(segment: str) -> str:
    """One segment of ``segments_of`` as one name, however long."""
    if segment.strip("/") == "":
        return f"{EMPTY}{len(segment) + 1}" if segment else EMPTY
    if segment in (".", ".."):
        return "%2E" * len(segment)
    return _ESCAPED.sub(lambda match: f"%{ord(match.group()):02X}", segment)


def unescape(name: str) -> str | None:
    """The segment that ``escape`` turns into this name, or None if there is none."""
    if match := _EMPTIES.fullmatch(name):
        return "/" * (int(match.group(1) or "1") - 1)
    segment = _HEXADECIMAL.sub(lambda match: chr(int(match.group(1), 16)), name)
    return segment if segment and escape(segment) == name else None


def pieces(segment: str) -> list[str]:
    """The names, one inside the other, that hold a segment: one, unless the segment is very long."""
    name = escape(segment)
    if len(name) <= LONGEST_PIECE // 4 or len(name.encode()) <= LONGEST_PIECE:
        return [name]
    units = re.findall(r"%[0-9A-F]{2}|[^%]", name, re.DOTALL)  # never cut through an escape or a character
    found: list[str] = []
    piece, length = "", 0
    for unit in units:
        size = len(unit.encode())
        if length + size > LONGEST_PIECE:
            found.append(piece + MORE)
            piece, length = "", 0
        piece, length = piece + unit, length + size
    return [*found, escape(piece) if piece in (".", "..") else piece]


def path_names(key: str) -> list[str]:
    """The names from the bucket's directory down to the file of a key."""
    return [name for segment in segments_of(key) for name in pieces(segment)]


def _ways(segment: str) -> list[list[str]]:
    """Every way a segment may stand on disk: escaped, and as a person would have named the file."""
    escaped = pieces(segment)
    if escaped == [segment] or segment in (".", "..") or segment.strip("/") == "" or "\0" in segment:
        return [escaped]
    if len(segment.encode()) > LONGEST_NAME or segment.endswith((MORE, BESIDE)):
        return [escaped]
    means = unescape(segment)  # what a file of this name is taken for
    return [escaped, [segment]] if means is None or means == segment else [escaped]


def locate(directory: Path, key: str) -> Path | None:
    """The file that holds a key below a directory, or None. Symbolic links are never followed."""
    return _locate(str(directory), segments_of(key), 0)


def _locate(directory: str, segments: list[str], index: int) -> Path | None:
    while index < len(segments) - 1:
        found = [below for names in _ways(segments[index]) if (below := _descend(directory, names))]
        index += 1
        if len(found) > 1:
            return next((place for below in found if (place := _locate(below, segments, index))), None)
        if not found:
            return None
        directory = found[0]
    for *above, name in _ways(segments[index]):
        inside = _descend(directory, above)
        for candidate in (f"{inside}/{name}", f"{inside}/{name}{BESIDE}") if inside else ():
            if _is(stat.S_ISREG, candidate):
                return Path(candidate)
    return None


def _descend(directory: str, names: list[str]) -> str | None:
    for name in names:
        directory = f"{directory}/{name}"
        if not _is(stat.S_ISDIR, directory):
            return None
    return directory


def _is(kind: Callable[[int], bool], path: str) -> bool:
    try:
        return kind(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def make_place(directory: Path, key: str) -> Path:
    """The path to write a key to, its parents made. A file in the way of a directory steps beside it.

    Raises OSError when something that is neither file nor directory (a symbolic link) is in the way.
    """
    *above, name = path_names(key)
    place = directory
    for piece in above:
        place /= piece
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            place.mkdir()
            continue
        if stat.S_ISREG(mode):
            place.rename(place.with_name(piece + BESIDE))
            place.mkdir()
        elif not stat.S_ISDIR(mode):
            raise NotADirectoryError(f"{place} is neither a file nor a directory: remove it, then try again")
    plain = place / name
    return plain.with_name(name + BESIDE) if _is(stat.S_ISDIR, str(plain)) else plain


def remove_empty(directory: Path, top: Path) -> None:
    """Remove a directory and those above it, up to the first that holds something."""
    while directory != top:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent


@dataclass(frozen=True, slots=True)
class Found:
    """A file found by ``walk``: its key, where it lies, its status."""

    key: str
    path: Path
    status: os.stat_result


def walk(directory: Path, prefix: str = "", start: bytes = b"") -> Iterator[Found]:
    """The objects below a directory whose keys have the prefix and are not before ``start`` (both as UTF-8).

    In the order of the keys' UTF-8 bytes. Directories that cannot hold such a key are not read.
    """
    yield from _walk(directory, str(directory), "", prefix.encode(), start, exact=True)


def successor(prefix: bytes) -> bytes | None:
    """The first string after every string with this prefix, or None if there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


@dataclass(frozen=True, slots=True)
class _Entry:
    sort: bytes
    text: str
    path: str
    directory: bool
    exact: bool  # the name is the only one its key can have
    ordered: bool  # every key inside sorts with this entry


def _entries(directory: str, above: str) -> list[_Entry]:
    found: list[_Entry] = []
    try:
        listing = list(os.scandir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []  # removed meanwhile
    for item in listing:
        name = item.name
        try:
            name.encode()
            is_directory = item.is_dir(follow_symlinks=False)
            if not is_directory and not item.is_file(follow_symlinks=False):
                continue
        except (UnicodeEncodeError, OSError):
            continue  # a name that is not UTF-8 is no key
        suffix = MORE if is_directory else BESIDE
        marked = name.endswith(suffix)
        plain = name.removesuffix(suffix) if marked else name
        segment = plain if plain.isascii() and plain.isalnum() else unescape(plain)
        exact = segment is not None and not marked and len(plain.encode()) <= LONGEST_PIECE
        text = above + (plain if segment is None else segment)
        if is_directory and not marked:
            text += "/"
        ordered = segment is not None and not (is_directory and (marked or segment.startswith("/")))
        found.append(_Entry(text.encode(), text, item.path, is_directory, exact, ordered))
    return found


def _walk(
    top: Path, directory: str, above: str, prefix: bytes, start: bytes, *, exact: bool
) -> Iterator[Found]:
    """Below one directory, with a stack of its own: keys nest deeper than Python's."""
    stack: list[tuple[Iterator[_Entry | Found], bool]] = [
        (iter(_in_order(top, directory, above, prefix, start, exact)), exact)
    ]
    while stack:
        entries, exact = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif isinstance(entry, Found):
            yield entry
        elif entry.directory:
            if _may_hold(entry, prefix, start):
                exact = exact and entry.exact
                inside = _in_order(top, entry.path, entry.text, prefix, start, exact)
                stack.append((iter(inside), exact))
        elif found := _object(top, entry, prefix, start, exact=exact):
            yield found


def _in_order(
    top: Path, directory: str, above: str, prefix: bytes, start: bytes, exact: bool
) -> list[_Entry] | list[Found]:
    """The entries of a directory, or every object inside it where the entries do not sort as the keys do."""
    entries = _entries(directory, above)
    entries.sort(key=lambda entry: entry.sort)
    if all(entry.ordered for entry in entries):
        return entries
    found: list[Found] = []
    for entry in entries:
        inside = exact and entry.exact
        if not entry.directory:
            item = _object(top, entry, prefix, start, exact=exact)
            found += [item] if item else []
        elif _may_hold(entry, prefix, start):
            found += _walk(top, entry.path, entry.text, prefix, start, exact=inside)
    return sorted(found, key=lambda item: item.key.encode())


def _may_hold(entry: _Entry, prefix: bytes, start: bytes) -> bool:
    after = successor(entry.sort)
    if after is not None and after <= start:
        return False
    return entry.sort.startswith(prefix) or prefix.startswith(entry.sort)


def _object(top: Path, entry: _Entry, prefix: bytes, start: bytes, *, exact: bool) -> Found | None:
    if entry.sort < start or not entry.sort.startswith(prefix):
        return None
    path = Path(entry.path)
    if not (exact and entry.exact) and locate(top, entry.text) != path:
        return None  # another file holds this key
    try:
        return Found(entry.text, path, path.lstat())
    except FileNotFoundError:
        return None  # removed meanwhile
