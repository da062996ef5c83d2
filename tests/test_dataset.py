"""The music data's three sources: what is made, downloaded and checked, and what the errors say."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from helpers import dataset, generator
from helpers.dataset import DatasetError

KEY = "datasets/tabular/synthetic-music"
TRACKS_HEADER = "trackId,length,energy,acousticness,valence,speechiness,instrumentalness,liveness,tempo,genre"
RATINGS_HEADER = "ratingEventId,ts,userId,trackId,sessionId,itemInSession,Rating"


@dataclass
class PublicBucket:
    """A stand-in for S3's side of anonymous downloads, on a socket of this machine."""

    address: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)  # "/bucket/key": content
    refused: dict[str, int] = field(default_factory=dict)  # "/bucket": status
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    break_after: int | None = None  # send so many bytes of the next answer, then close
    spoil: bool = False  # send other bytes than the ETag says
    slow: float = 0.0  # seconds between chunks of 64 KiB

    def gets(self, name: str) -> list[dict[str, str]]:
        """The headers of the requests for a file, in lower case."""
        return [headers for _, path, headers in self.requests if path.endswith(name)]


@pytest.fixture
def bucket() -> Iterator[PublicBucket]:
    public = PublicBucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            public.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            status = public.refused.get("/" + self.path.split("/")[1])
            content = public.objects.get(self.path)
            if status or content is None:
                code = {403: "AccessDenied", 500: "InternalError"}.get(status or 404, "NoSuchKey")
                body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
                self.send_response(status or 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            tag = f'"{hashlib.md5(content).hexdigest()}"'
            if self.headers.get("If-Match", tag) != tag:
                self.send_response(412)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(re.sub(r"bytes=(\d+)-", r"\1", self.headers.get("Range", "bytes=0-")))
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if public.spoil:
                body = bytes(len(body))
            if public.break_after is not None:
                body, public.break_after = body[: public.break_after], None
                self.close_connection = True
            for place in range(0, len(body), 1 << 16):
                self.wfile.write(body[place : place + (1 << 16)])
                time.sleep(public.slow)

        do_GET = do_HEAD = do_POST = do_PUT = answer

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True  # the client was killed, as a test wants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    public.address = f"http://127.0.0.1:{server.server_port}"
    music = generator.generate("tiny", 5)
    for name, table in (("tracks.csv", music.tracks), ("ratings.csv", music.ratings)):
        public.objects[f"/sagemaker-sample-files/{KEY}/{name}"] = table.to_csv(index=False).encode()
    yield public
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of a learner's own, with 400 tracks and 800 ratings that fit."""
    folder = tmp_path / "mine"
    folder.mkdir()
    music = generator.generate("tiny", 1)
    music.tracks.to_csv(folder / "tracks.csv", index=False)
    music.ratings.to_csv(folder / "ratings.csv", index=False)
    return folder


def change(path: Path, line: int, column: str, value: str) -> None:
    """Write another value into a line (the header is line 1) of a CSV file."""
    lines = path.read_text().splitlines()
    values = lines[line - 1].split(",")
    values[lines[0].split(",").index(column)] = value
    lines[line - 1] = ",".join(values)
    path.write_text("\n".join(lines) + "\n")


# Generated


def test_generated_data_is_the_default_and_lies_as_two_files(tmp_path: Path) -> None:
    found = dataset.load(directory=tmp_path, scale="tiny", seed=3)
    assert (found.source, found.scale, found.seed) == ("generated", "tiny", 3)
    music = generator.generate("tiny", 3)
    pd.testing.assert_frame_equal(dataset.read_tracks(found.tracks), music.tracks)
    pd.testing.assert_frame_equal(dataset.read_ratings(found.ratings), music.ratings)
    assert found.tracks.read_text().splitlines()[0] == TRACKS_HEADER
    assert found.ratings.read_text().splitlines()[0] == RATINGS_HEADER


def test_scales_and_seeds_do_not_share_files(tmp_path: Path) -> None:
    paths = {dataset.load(directory=tmp_path, scale="tiny", seed=seed).ratings for seed in (0, 1)}
    assert len(paths) == 2
    assert len({path.read_bytes() for path in paths}) == 2


def test_generated_files_that_are_intact_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = dataset.load(directory=tmp_path, scale="tiny")
    before = first.ratings.stat()
    assert dataset.load(directory=tmp_path, scale="tiny") == first
    assert first.ratings.stat().st_mtime_ns == before.st_mtime_ns
    monkeypatch.setattr(generator, "VERSION", generator.VERSION + 1)  # another generator, other data
    dataset.load(directory=tmp_path, scale="tiny")
    assert first.ratings.stat().st_ino != before.st_ino


@pytest.mark.parametrize("damage", ["change", "cut", "remove", "forget", "garble"])
def test_generated_files_that_are_damaged_are_made_again(tmp_path: Path, damage: str) -> None:
    first = dataset.load(directory=tmp_path, scale="tiny")
    content = first.ratings.read_bytes()
    manifest = first.ratings.parent / "manifest.json"
    if damage == "change":
        first.ratings.write_bytes(content[:-2] + (b"1" if content[-2:-1] != b"1" else b"2") + b"\n")
    elif damage == "cut":
        first.ratings.write_bytes(content[:1000])
    elif damage == "remove":
        first.ratings.unlink()
    elif damage == "forget":
        first.ratings.write_bytes(b"half")
        manifest.unlink()
    else:
        first.ratings.write_bytes(b"half")
        manifest.write_text('{"tracks.csv": {"si')
    dataset.load(directory=tmp_path, scale="tiny")
    assert first.ratings.read_bytes() == content
    assert not list(first.ratings.parent.glob("*.part"))


def test_two_processes_that_load_at_once_both_get_whole_files(tmp_path: Path) -> None:
    code = (
        "import sys; from helpers import dataset; dataset.load(directory=sys.argv[1], scale='tiny', seed=9)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    try:
        folder = tmp_path / "generated" / "tiny-9"
        wait_until(lambda: folder.exists() or other.poll() is not None)
        dataset.load(directory=tmp_path, scale="tiny", seed=9)
        assert other.wait(60) == 0
    finally:
        other.kill()
        other.wait()
    expected = generator.generate("tiny", 9)
    pd.testing.assert_frame_equal(dataset.read_ratings(folder / "ratings.csv"), expected.ratings)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock", "manifest.json", "ratings.csv", "tracks.csv"
    ]  # fmt: skip


@pytest.mark.parametrize(("scale", "seed"), [("enormous", 0), ("tiny", -1)])
def test_an_unknown_scale_or_seed_leaves_nothing_behind(tmp_path: Path, scale: str, seed: int) -> None:
    with pytest.raises(ValueError, match=r"tiny, small, full|0 to 4294967295"):
        dataset.load(directory=tmp_path / "data", scale=scale, seed=seed)
    assert not (tmp_path / "data").exists()


def test_the_noise_floor_of_a_scale_and_of_some_of_its_ratings() -> None:
    music = generator.generate("tiny", 2)
    events = list(music.ratings["ratingEventId"].tail(160))
    assert dataset.noise_floor("tiny", 2) == music.noise_floor()
    assert dataset.noise_floor("tiny", 2, events) == music.noise_floor(events) != music.noise_floor()


# Public


def test_public_data_comes_anonymously_and_with_get_only(
    bucket: PublicBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # local SageMaker is not asked
    found = dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert found == dataset.Dataset(
        tmp_path / "public" / "tracks.csv", tmp_path / "public" / "ratings.csv", "public"
    )
    assert found.tracks.read_bytes() == bucket.objects[f"/sagemaker-sample-files/{KEY}/tracks.csv"]
    assert found.ratings.read_bytes() == bucket.objects[f"/sagemaker-sample-files/{KEY}/ratings.csv"]
    assert [command for command, _, _ in bucket.requests] == ["GET", "GET"]
    assert not any("authorization" in headers for _, _, headers in bucket.requests)


def test_the_real_bucket_is_asked_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers.download import _client

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert _client("us-east-1", None).meta.endpoint_url.endswith("amazonaws.com")
    assert _client("eu-west-1", None).meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"


def test_public_data_that_is_there_and_intact_is_not_asked_for_again(
    bucket: PublicBucket, tmp_path: Path
) -> None:
    found = dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert len(bucket.requests) == 2
    content = found.ratings.read_bytes()
    found.ratings.write_bytes(content[:-100])
    dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert len(bucket.gets("ratings.csv")) == 2
    assert len(bucket.gets("tracks.csv")) == 1
    assert found.ratings.read_bytes() == content


@pytest.mark.parametrize("status", [403, 404])
def test_the_example_bucket_of_the_region_is_the_second_place(
    bucket: PublicBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    bucket.refused["/sagemaker-sample-files"] = status
    for name in ("tracks.csv", "ratings.csv"):
        content = bucket.objects.pop(f"/sagemaker-sample-files/{KEY}/{name}")
        bucket.objects[f"/sagemaker-example-files-prod-eu-west-1/{KEY}/{name}"] = content
    found = dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert len(dataset.read_ratings(found.ratings)) == 800
    manifest = json.loads((tmp_path / "public" / "manifest.json").read_text())
    assert manifest["tracks.csv"]["origin"] == f"s3://sagemaker-example-files-prod-eu-west-1/{KEY}/tracks.csv"


def test_no_public_bucket_is_a_clear_error(bucket: PublicBucket, tmp_path: Path) -> None:
    bucket.objects.clear()
    bucket.refused["/sagemaker-sample-files"] = 403
    with pytest.raises(DatasetError) as error:
        dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    message = str(error.value)
    assert f"s3://sagemaker-sample-files/{KEY}/tracks.csv (403 AccessDenied)" in message
    assert "s3://sagemaker-example-files-prod-" in message
    assert 'source="generated"' in message


def test_no_network_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.download.time.sleep", lambda _: None)
    with pytest.raises(DatasetError, match="Check the network and call again"):
        dataset.load("public", tmp_path, endpoint="http://127.0.0.1:9", progress=False)
    assert not (tmp_path / "public" / "tracks.csv").exists()


def test_a_broken_connection_is_taken_up_where_it_broke(bucket: PublicBucket, tmp_path: Path) -> None:
    bucket.break_after = 10_000
    found = dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    whole = bucket.objects[f"/sagemaker-sample-files/{KEY}/tracks.csv"]
    assert found.tracks.read_bytes() == whole
    assert "range" not in bucket.gets("tracks.csv")[0]
    tag = f'"{hashlib.md5(whole).hexdigest()}"'
    taken_up = [headers for headers in bucket.gets("tracks.csv") if "range" in headers]
    assert [(headers["range"], headers["if-match"]) for headers in taken_up] == [("bytes=10000-", tag)]
    assert not list((tmp_path / "public").glob("*.part*"))


def test_a_download_killed_half_way_is_taken_up_by_the_next_process(
    bucket: PublicBucket, tmp_path: Path
) -> None:
    big = TRACKS_HEADER.encode() + b"\n"
    big += b"".join(b"t%d,1,0,0,0,0,0,0,100,Jazz\n" % number for number in range(200_000))
    bucket.objects[f"/sagemaker-sample-files/{KEY}/tracks.csv"] = big
    bucket.slow = 0.02
    code = (
        "import sys; from helpers import dataset; "
        "dataset.load('public', sys.argv[1], endpoint=sys.argv[2], progress=False)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), bucket.address])
    part = tmp_path / "public" / "tracks.csv.part"
    try:
        wait_until(lambda: part.exists() and part.stat().st_size > 0)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    here = part.stat().st_size
    assert 0 < here < len(big)
    assert not (tmp_path / "public" / "tracks.csv").exists()
    bucket.slow = 0
    bucket.requests.clear()
    with pytest.raises(DatasetError, match="Do the two files belong together"):  # only the tracks are others
        dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert bucket.gets("tracks.csv")[0]["range"] == f"bytes={here}-"
    assert (tmp_path / "public" / "tracks.csv").read_bytes() == big


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_part_of_an_older_file_is_not_continued(bucket: PublicBucket, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "tracks.csv.part").write_bytes(b"x" * 500)
    known = {"bucket": "sagemaker-sample-files", "etag": "0" * 32, "size": 100_000}
    (folder / "tracks.csv.part.json").write_text(json.dumps(known))
    (folder / "ratings.csv.part").write_bytes(b"x" * 500)  # nobody knows what of
    (folder / "ratings.csv.part.json").write_text('{"buck')
    found = dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert found.tracks.read_bytes() == bucket.objects[f"/sagemaker-sample-files/{KEY}/tracks.csv"]
    assert found.ratings.read_bytes() == bucket.objects[f"/sagemaker-sample-files/{KEY}/ratings.csv"]


def test_other_bytes_than_the_server_promised_are_not_taken(
    bucket: PublicBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.download.time.sleep", lambda _: None)
    bucket.spoil = True
    with pytest.raises(DatasetError, match="MD5"):
        dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)
    assert not (tmp_path / "public" / "tracks.csv").exists()


def test_public_data_that_does_not_fit_is_an_error_each_time(bucket: PublicBucket, tmp_path: Path) -> None:
    name = f"/sagemaker-sample-files/{KEY}/ratings.csv"
    bucket.objects[name] = re.sub(rb",\d\n", b",9\n", bucket.objects[name], count=1)
    for _ in range(2):
        with pytest.raises(DatasetError, match=r"column Rating .*row 1 \(line 2\) has '9'"):
            dataset.load("public", tmp_path, endpoint=bucket.address, progress=False)


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_plain_lines_where_there_is_no_terminal(
    bucket: PublicBucket, tmp_path: Path, capsys: pytest.CaptureFixture[str], progress: bool
) -> None:
    dataset.load("public", tmp_path, endpoint=bucket.address, progress=progress)
    output = capsys.readouterr()
    assert output.out == ""
    size = len(bucket.objects[f"/sagemaker-sample-files/{KEY}/ratings.csv"]) / 1e6
    assert (f"ratings.csv: {size:.1f} of {size:.1f} MB" in output.err.splitlines()) == progress
    assert progress or output.err == ""


def test_progress_is_a_bar_on_a_terminal(
    bucket: PublicBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    dataset.load("public", tmp_path, endpoint=bucket.address)
    output = terminal.getvalue()
    assert "━" in output
    size = len(bucket.objects[f"/sagemaker-sample-files/{KEY}/ratings.csv"]) / 1e3
    assert re.search(rf"{size:.1f}/{size:.1f}\D*kB", output)


# A learner's own


def test_own_files_that_fit_are_used_where_they_are(own: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    found = dataset.load(own, tmp_path / "data")
    assert found == dataset.Dataset(own / "tracks.csv", own / "ratings.csv", str(own))
    pair = dataset.load((own / "tracks.csv", str(own / "ratings.csv")), tmp_path / "data")
    assert (pair.tracks, pair.ratings) == (found.tracks, found.ratings)
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before
    assert not (tmp_path / "data").exists()


def test_further_columns_and_another_order_are_left_out_in_a_copy(own: Path, tmp_path: Path) -> None:
    tracks = pd.read_csv(own / "tracks.csv")
    tracks.assign(title="A, B")[["title", *reversed(tracks.columns)]].to_csv(own / "tracks.csv", index=False)
    written = (own / "tracks.csv").read_bytes()
    found = dataset.load(own, tmp_path / "data")
    assert found.ratings == own / "ratings.csv"
    assert found.tracks.is_relative_to(tmp_path / "data" / "own")
    pd.testing.assert_frame_equal(pd.read_csv(found.tracks), tracks)
    assert (own / "tracks.csv").read_bytes() == written


@pytest.mark.parametrize(
    "write",
    [
        lambda text: "\ufeff" + text,  # as Excel saves it
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: re.sub(r"(\d)\n", r"\1.0\n", text),  # whole numbers with a decimal point
        lambda text: re.sub(r"(\d)\n", r" \1 \n", text),
    ],
    ids=["byte order mark", "CRLF", "blank lines", "decimal points", "spaces"],
)
def test_other_ways_to_write_the_same_are_read_as_the_same(
    own: Path, tmp_path: Path, write: Callable[[str], str]
) -> None:
    expected = pd.read_csv(own / "ratings.csv")
    text = (own / "ratings.csv").read_text()
    (own / "ratings.csv").write_bytes(write(text).encode())
    pd.testing.assert_frame_equal(dataset.read_ratings(own / "ratings.csv"), expected)
    found = dataset.load(own, tmp_path / "data")
    pd.testing.assert_frame_equal(pd.read_csv(found.ratings), expected)


@pytest.mark.parametrize(
    ("name", "column", "value", "must"),
    [
        ("ratings.csv", "Rating", "6", "must be a whole number from 1 to 5"),
        ("ratings.csv", "Rating", "0", "must be a whole number from 1 to 5"),
        ("ratings.csv", "Rating", "4.5", "must be a whole number"),
        ("ratings.csv", "Rating", "", "must be a whole number"),
        ("ratings.csv", "ts", "1672562191000", "must be epoch seconds"),
        ("ratings.csv", "ts", "2023-01-01", "must be a whole number"),
        ("ratings.csv", "userId", "anna", "must be a whole number"),
        ("ratings.csv", "sessionId", "-3", "must not be negative"),
        ("ratings.csv", "trackId", "", "must not be empty"),
        ("tracks.csv", "energy", "1.2", "must be from 0 to 1"),
        ("tracks.csv", "energy", "0,5", ""),
        ("tracks.csv", "valence", "nan", "must be a number"),
        ("tracks.csv", "liveness", "inf", "must be a number"),
        ("tracks.csv", "length", "245000", "must be seconds, from 0 to 86400"),
        ("tracks.csv", "tempo", "fast", "must be a number"),
        ("tracks.csv", "genre", "", "must not be empty"),
    ],
)
def test_a_wrong_value_is_named_with_file_column_row_and_line(
    own: Path, name: str, column: str, value: str, must: str
) -> None:
    change(own / name, 42, column, value)
    with pytest.raises(DatasetError) as error:
        dataset.load(own)
    message = str(error.value)
    assert str(own / name) in message
    if must:
        assert f"column {column} {must}" in message
        assert f"row 41 (line 42) has {value!r}" in message
        assert message.count("row ") == 1  # one mistake is told once
    else:
        assert "line 42" in message


def test_many_wrong_values_make_one_message(own: Path) -> None:
    for line in range(10, 20):
        change(own / "ratings.csv", line, "Rating", "7")
    change(own / "ratings.csv", 30, "ts", "yesterday")
    with pytest.raises(DatasetError) as error:
        dataset.load(own)
    assert str(error.value).splitlines() == [
        f"{own / 'ratings.csv'} does not fit the music data:",
        "  column ts must be a whole number: row 29 (line 30) has 'yesterday'",
        "  column Rating must be a whole number from 1 to 5: row 9 (line 10) has '7', row 10 (line 11) has "
        "'7', row 11 (line 12) has '7', and 7 more",
        "Correct these rows or leave them out, and load the data again.",
    ]


@pytest.mark.parametrize(("name", "column"), [("tracks.csv", "trackId"), ("ratings.csv", "ratingEventId")])
def test_a_key_there_twice_is_named(own: Path, name: str, column: str) -> None:
    twice = (own / name).read_text().splitlines()[4].split(",")[0]
    change(own / name, 9, column, twice)
    with pytest.raises(
        DatasetError, match=rf"column {column} must not be there twice: row 8 \(line 9\) has '{twice}'"
    ):
        dataset.load(own)


def test_a_missing_column_is_named_beside_those_there_are(own: Path) -> None:
    text = (own / "ratings.csv").read_text().replace("Rating\n", "rating\n", 1)
    (own / "ratings.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"ratings\.csv has no column Rating; .*itemInSession, rating\."):
        dataset.load(own)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (RATINGS_HEADER.encode() + b"\n", "has no rows"),
        (RATINGS_HEADER.encode() + b"\nr1,1,1,t1,1,1,5,9\n", "more values than the header"),
        (
            RATINGS_HEADER.encode() + b"\nr1,1,1,t1,1\n",
            r"column Rating must be a whole number: row 1 \(line 2\)",
        ),
        (b"\xff\xfe\x00r", "UTF-8"),
        (RATINGS_HEADER.encode() + b"\nr1,1,1,t\xe9,1,1,5\n", "UTF-8"),
        (RATINGS_HEADER.encode() + b",Rating\nr1,1,1,t1,1,1,5,5\n", "column Rating more than once"),
        (RATINGS_HEADER.replace(",", ";").encode() + b"\n", "separated by commas"),
    ],
)
def test_a_file_that_is_no_table_is_a_clear_error(own: Path, content: bytes, says: str) -> None:
    (own / "ratings.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=says) as error:
        dataset.load(own)
    assert str(own / "ratings.csv") in str(error.value)


def test_a_folder_or_file_that_is_missing_is_named(own: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'publik.* is no folder: the source is "generated", "public"'):
        dataset.load("publik")
    (own / "tracks.csv").unlink()
    with pytest.raises(DatasetError, match=re.escape(f"There is no file {own / 'tracks.csv'}")):
        dataset.load(own)
    (own / "tracks.csv").mkdir()
    with pytest.raises(DatasetError, match="cannot be read as a file"):
        dataset.load(own)
    with pytest.raises(DatasetError, match=r"\(tracks, ratings\), not 1"):
        dataset.load((tmp_path,))  # type: ignore[arg-type]


def test_few_ratings_of_unknown_tracks_are_a_warning_many_an_error(own: Path) -> None:
    change(own / "ratings.csv", 12, "trackId", "nobody-knows")
    with pytest.warns(UserWarning, match=r"1 of 800 ratings .* row 11 has 'nobody-knows'"):
        dataset.load(own)
    for line in range(20, 30):
        change(own / "ratings.csv", line, "trackId", "nobody-knows")
    with pytest.raises(DatasetError, match="11 of 800 ratings"):
        dataset.load(own)


def test_numeric_looking_and_null_looking_ids_stay_text(own: Path) -> None:
    for name in ("tracks.csv", "ratings.csv"):
        path = own / name
        first, second = pd.read_csv(own / "tracks.csv", dtype=str)["trackId"][:2]
        if name == "tracks.csv":
            ids = (first, second)
            text = path.read_text()
        else:
            text = path.read_text()
        path.write_text(text.replace(ids[0], "007").replace(ids[1], "NA"))
    found = dataset.load(own)
    assert list(dataset.read_tracks(found.tracks)["trackId"][:2]) == ["007", "NA"]
    assert {"007", "NA"} & set(dataset.read_ratings(found.ratings)["trackId"])


def test_files_of_two_own_folders_do_not_share_a_copy(tmp_path: Path) -> None:
    copies = set()
    for parent in ("a", "b"):
        folder = tmp_path / parent / "music"
        folder.mkdir(parents=True)
        music = generator.generate("tiny", ord(parent))
        music.tracks.assign(more=1).to_csv(folder / "tracks.csv", index=False)
        music.ratings.to_csv(folder / "ratings.csv", index=False)
        copies.add(dataset.load(folder, tmp_path / "data").tracks)
    assert len(copies) == 2
    assert all(os.path.getsize(path) > 1000 for path in copies)  # noqa: PTH202


def test_zones_of_times_are_kept_after_the_schema_is_loaded() -> None:
    """pandera's import tells Arrow to drop them, and processes started later inherit that."""
    code = (
        "import datetime, os\nimport helpers.dataset\nimport pyarrow as pa\n"
        "east = datetime.timezone(datetime.timedelta(hours=2))\n"
        "moment = datetime.datetime(2024, 1, 1, 1, tzinfo=east)\n"
        "kept = pa.array([moment], pa.timestamp('us', tz='UTC'))[0].as_py()\n"
        "print(kept.isoformat(), 'SPARK_LOCAL_IP' in os.environ)"
    )
    clean = {
        name: value for name, value in os.environ.items() if "PYARROW" not in name and "SPARK" not in name
    }
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2023-12-31T23:00:00+00:00", "False"]
