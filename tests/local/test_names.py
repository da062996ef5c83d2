"""Keys as file names: reversible, inside the bucket's directory, in S3's order."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.local import names

# What is hard: separators, dots, our own marks, escapes, control characters, letters that sort oddly.
PIECES = [
    "/",
    ".",
    "..",
    "%",
    "%25",
    "%2E",
    names.EMPTY,
    names.MORE,
    names.BESIDE,
    "a",
    "b",
    "\n",
    "\x00",
    "é",
    "😀",
]
PIECES += [" ", "!", "0", "~", "a" * 240, "a" * 241, "ü" * 130, "\x7f", "\\", ":", "*"]
hard_keys = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
any_keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
keys = (hard_keys | any_keys).filter(lambda key: len(key.encode()) <= 1024)


def write(directory: Path, key: str) -> Path:
    place = names.make_place(directory, key)
    place.write_bytes(key.encode())
    return place


@given(st.sets(keys, min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
@example({"a", "a/b", "a/b/c", "a/", "a//b"})
@example({"../../x", "./x", "x/..", "/", "//"})
@example({"k" * 240, "k" * 240 + "/z", "k" * 240 + "!", "k" * 240 + "0" + "k" * 300})
@example({"k" * 240 + ".", "k" * 240 + "..", "k" * 240 + "../../x"})
@example({"%", "%25", "%2525", "%-", "a%(object)", "b" * 300 + "%(more)"})
def test_any_set_of_keys_comes_back(wanted: set[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name, "bucket")
        directory.mkdir()
        for key in wanted:
            write(directory, key)
        assert [found.key for found in names.walk(directory)] == sorted(wanted, key=str.encode)
        for key in wanted:
            place = names.locate(directory, key)
            assert place is not None
            assert place.read_bytes() == key.encode()
            assert directory in Path(os.path.normpath(place)).parents
        assert list(Path(name).iterdir()) == [directory]


@given(st.sets(keys, min_size=1, max_size=10), keys, keys)
@settings(max_examples=200, deadline=None)
def test_prefix_and_start_choose_as_comparison_does(wanted: set[str], prefix: str, start: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for key in wanted:
            write(directory, key)
        some = sorted(wanted)[0]
        for chosen_prefix, chosen_start in ((prefix, ""), ("", start), (some[: len(some) // 2], start)):
            expected = [
                key
                for key in sorted(wanted, key=str.encode)
                if key.startswith(chosen_prefix) and key.encode() >= chosen_start.encode()
            ]
            found = names.walk(directory, chosen_prefix, chosen_start.encode())
            assert [item.key for item in found] == expected


@given(keys)
@settings(max_examples=500, deadline=None)
def test_names_stay_short_and_stay_inside(key: str) -> None:
    for name in names.path_names(key):
        assert 0 < len(name.removesuffix(names.MORE).encode()) <= 255 - len(names.BESIDE)
        assert "/" not in name
        assert "\0" not in name
        assert name not in (".", "..")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), max_size=40))
def test_escape_and_unescape_are_inverse(segment: str) -> None:
    assert names.unescape(names.escape(segment)) == segment


@pytest.mark.parametrize(
    "name", ["100%.csv", "50%25%.txt", "%-x", "%(empty", "a\tb", "l" * 250, ".hidden", "%zz", "a%2e"]
)
def test_a_file_put_there_by_hand_is_listed_under_its_own_name(tmp_path: Path, name: str) -> None:
    below = tmp_path / "50%" / "data"
    below.mkdir(parents=True)
    (below / name).write_text("by hand")
    key = f"50%/data/{name}"
    assert [found.key for found in names.walk(tmp_path)] == [key]
    assert names.locate(tmp_path, key) == below / name


def test_two_files_of_one_key_are_one_object(tmp_path: Path) -> None:
    (tmp_path / "100%.csv").write_text("by hand")
    write(tmp_path, "100%.csv")
    assert [found.key for found in names.walk(tmp_path)] == ["100%.csv"]
    place = names.locate(tmp_path, "100%.csv")
    assert place is not None
    assert place.name == "100%25.csv"


def test_symbolic_links_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "directory").symlink_to(outside)
    (bucket / "file").symlink_to(outside / "secret")
    assert list(names.walk(bucket)) == []
    assert names.locate(bucket, "directory/secret") is None
    assert names.locate(bucket, "file") is None
    with pytest.raises(NotADirectoryError, match="remove it"):
        names.make_place(bucket, "directory/new")
    assert list(outside.iterdir()) == [outside / "secret"]


def test_a_name_that_is_no_text_is_no_object(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/\xff\xfe")).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert list(names.walk(tmp_path)) == []


def test_successor_is_the_first_text_behind_a_prefix() -> None:
    assert names.successor(b"a/") == b"a0"
    assert names.successor(b"a\xff") == b"b"
    assert names.successor(b"\xff") is None
    assert names.successor(b"") is None
