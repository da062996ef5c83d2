"""The object store: plain files, whole at any moment, shared by threads and processes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.local.metadata import Attributes
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri
from helpers.local.rules import BucketNotEmpty, InvalidBucketName, InvalidKey

BUCKET = "bucket"


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    store = ObjectStore(tmp_path / "s3")
    store.create_bucket(BUCKET)
    return store


def test_an_object_is_a_plain_file(store: ObjectStore) -> None:
    info = store.put(
        BUCKET, "music/train.csv", b"a,b\n1,2\n", content_type="text/csv", metadata={"rows": "1"}
    )
    file = store.root / BUCKET / "music" / "train.csv"
    assert file.read_bytes() == b"a,b\n1,2\n"
    assert store.path(BUCKET, "music/train.csv") == file
    assert (info.size, info.content_type, info.metadata) == (8, "text/csv", {"rows": "1"})
    assert info.etag == hashlib.md5(b"a,b\n1,2\n").hexdigest()
    assert store.head(BUCKET, "music/train.csv") == info
    assert list(store.list(BUCKET)) == [info]


def test_a_file_put_there_by_hand_is_an_object(store: ObjectStore) -> None:
    file = store.root / BUCKET / "here" / "table.csv"
    file.parent.mkdir()
    file.write_text("by hand")
    info = store.head(BUCKET, "here/table.csv")
    assert (info.size, info.content_type) == (7, "text/csv")
    assert info.etag == hashlib.md5(b"by hand").hexdigest()
    file.write_text("changed by hand")
    assert store.head(BUCKET, "here/table.csv").etag == hashlib.md5(b"changed by hand").hexdigest()


def test_a_file_changed_by_hand_loses_the_metadata_of_the_old_one(store: ObjectStore) -> None:
    store.put(BUCKET, "table.csv", b"one", metadata={"rows": "1"})
    (store.root / BUCKET / "table.csv").write_text("three")
    info = store.head(BUCKET, "table.csv")
    assert info.metadata == {}
    assert info.etag == hashlib.md5(b"three").hexdigest()


def test_put_file_copies_or_moves(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(os.urandom(700_000))
    wanted = source.read_bytes()
    info = store.put_file(BUCKET, "model.tar.gz", source)
    assert source.exists()
    assert info.etag == hashlib.md5(wanted).hexdigest()
    store.put_file(BUCKET, "moved", source, content_type="application/gzip", move=True)
    assert not source.exists()
    assert store.read(BUCKET, "model.tar.gz") == store.read(BUCKET, "moved") == wanted
    assert store.head(BUCKET, "moved").content_type == "application/gzip"


def test_a_key_and_keys_below_it_in_either_order(store: ObjectStore) -> None:
    for first, second in (("a", "a/b"), ("c/d", "c")):
        store.put(BUCKET, first, b"first", metadata={"order": "1"})
        store.put(BUCKET, second, b"second", metadata={"order": "2"})
        assert store.read(BUCKET, first) == b"first"
        assert store.head(BUCKET, first).metadata == {"order": "1"}
        assert store.read(BUCKET, second) == b"second"
    assert [info.key for info in store.list(BUCKET)] == ["a", "a/b", "c", "c/d"]
    store.delete(BUCKET, "a/b")
    assert store.read(BUCKET, "a") == b"first"
    store.put(BUCKET, "a", b"again")
    assert store.read(BUCKET, "a") == b"again"
    assert [info.key for info in store.list(BUCKET)] == ["a", "c", "c/d"]


def test_delete_takes_empty_directories_along(store: ObjectStore) -> None:
    store.put(BUCKET, "one/two/three", b"")
    store.put(BUCKET, "one/four", b"")
    store.delete(BUCKET, "one/two/three")
    assert sorted(path.name for path in (store.root / BUCKET).rglob("*")) == ["four", "one"]
    store.delete(BUCKET, "one/four")
    store.delete(BUCKET, "one/four")
    assert list((store.root / BUCKET).iterdir()) == []


def test_delete_takes_a_second_file_of_the_key_along(store: ObjectStore) -> None:
    store.put(BUCKET, "100%.csv", b"")
    (store.root / BUCKET / "100%.csv").write_text("by hand")
    store.delete(BUCKET, "100%.csv")
    assert list(store.list(BUCKET)) == []


def test_missing_things_are_named(store: ObjectStore) -> None:
    with pytest.raises(NoSuchKey, match="s3://bucket/none"):
        store.read(BUCKET, "none")
    with pytest.raises(NoSuchKey):
        store.path(BUCKET, "")
    for action in (store.head, store.path, store.read, store.delete):
        with pytest.raises(NoSuchBucket, match="nowhere"):
            action("nowhere", "key")
    with pytest.raises(NoSuchBucket):
        store.put("nowhere", "key", b"")
    with pytest.raises(NoSuchBucket):
        list(store.list("nowhere"))


@pytest.mark.parametrize(
    "name", ["..", ".metadata", ".locks", "a", "Upper", "a..b", "a/b", "-ab", "10.0.0.1", "x" * 64, ""]
)
def test_no_bucket_name_leads_out_of_the_store(store: ObjectStore, name: str) -> None:
    with pytest.raises(InvalidBucketName):
        store.create_bucket(name)
    with pytest.raises(NoSuchBucket):
        store.directory(name)
    with pytest.raises(NoSuchBucket):
        store.delete(name, "key")


@pytest.mark.parametrize("key", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_keys_that_s3_could_not_hold_are_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidKey):
        store.put(BUCKET, key, b"")
    assert list(store.list(BUCKET)) == []


def test_the_longest_key_is_kept(store: ObjectStore) -> None:
    for key in ("x" * 1024, "/" * 1024, "\n" * 1024, "😀" * 256, "%" * 1024):
        store.put(BUCKET, key, b"long")
        assert store.read(BUCKET, key) == b"long"
        assert [info.key for info in store.list(BUCKET)] == [key]
        store.delete(BUCKET, key)


def test_buckets(store: ObjectStore) -> None:
    assert store.create_bucket("second")
    assert not store.create_bucket("second")
    (store.root / "by-hand").mkdir()
    assert list(store.buckets()) == [BUCKET, "by-hand", "second"]
    store.put("second", "x/", b"")
    with pytest.raises(BucketNotEmpty):
        store.delete_bucket("second")
    store.delete("second", "x/")
    (store.root / "second" / "empty").mkdir()
    store.delete_bucket("second")
    assert list(store.buckets()) == [BUCKET, "by-hand"]
    store.create_bucket("second")
    assert list(store.list("second")) == []


def test_nothing_is_left_of_a_write_that_fails(store: ObjectStore) -> None:
    store.put(BUCKET, "key", b"old")
    with pytest.raises(RuntimeError), store.stage() as staged:
        staged.write(b"new")
        raise RuntimeError("the client went away")
    assert store.read(BUCKET, "key") == b"old"
    assert list((store.root / ".temporary").iterdir()) == []


def test_attributes_change_without_the_bytes(store: ObjectStore) -> None:
    store.put(BUCKET, "key", b"bytes", metadata={"a": "b"})
    store.set_attributes(BUCKET, "key", lambda now: Attributes(metadata=now.metadata, tags={"kind": "train"}))
    info = store.head(BUCKET, "key")
    assert (info.attributes.tags, info.metadata) == ({"kind": "train"}, {"a": "b"})
    assert info.etag == hashlib.md5(b"bytes").hexdigest()


WRITER = """
import sys
from pathlib import Path
from helpers.local.metadata import Attributes
from helpers.local.objects import ObjectStore
store = ObjectStore(Path(sys.argv[1]))
number = 0
print("writing", flush=True)
while True:
    number += 1
    data = (str(number) + " ").encode() * 20_000
    with store.stage() as staged:
        for start in range(0, len(data), 5_000):
            staged.write(data[start : start + 5_000])
        store.commit("bucket", "key", staged, Attributes(metadata={"number": str(number)}))
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_object(store: ObjectStore) -> None:
    for attempt in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 + 0.013 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        info, file = store.open(BUCKET, "key")
        with file:
            data = file.read()
        assert info.etag == hashlib.md5(data).hexdigest()
        assert data == f"{info.metadata['number']} ".encode() * 20_000
    store.sweep()
    assert list((store.root / ".temporary").iterdir()) == []


def test_sweep_spares_what_is_being_written(store: ObjectStore) -> None:
    with store.stage() as staged:
        staged.write(b"not yet")
        assert store.sweep() == 0
        store.commit(BUCKET, "key", staged)
    assert store.read(BUCKET, "key") == b"not yet"


def test_readers_see_whole_objects_while_others_write(store: ObjectStore) -> None:
    def content(number: int) -> bytes:
        return str(number).encode() * 50_000

    store.put(BUCKET, "key", content(0), metadata={"number": "0"})
    stop = threading.Event()
    failures: list[str] = []

    def write(number: int) -> None:
        while not stop.is_set():
            store.put(BUCKET, "key", content(number), metadata={"number": str(number)})
            store.put(BUCKET, "key/below", b"")  # makes "key" step aside
            store.delete(BUCKET, "key/below")

    def read() -> None:
        while not stop.is_set():
            info, file = store.open(BUCKET, "key")
            with file:
                if file.read() != content(int(info.metadata.get("number", "-1"))):
                    failures.append(str(info))

    threads = [threading.Thread(target=write, args=(number,)) for number in (1, 2)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [info.key for info in store.list(BUCKET)] == ["key"]


COUNTER = """
import sys
from pathlib import Path
from helpers.local.objects import ObjectStore
store = ObjectStore(Path(sys.argv[1]))
for number in range(60):
    store.put("bucket", f"{sys.argv[2]}/{number}", sys.argv[2].encode())
    store.put("bucket", "shared/one", sys.argv[2].encode() * 1000, metadata={"by": sys.argv[2]})
    store.delete("bucket", "shared/one") if number % 3 == 0 else None
"""


def test_processes_share_a_bucket(store: ObjectStore) -> None:
    command = [sys.executable, "-c", COUNTER, str(store.root)]
    workers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in "xyz"]
    outcomes = [worker.communicate()[1] for worker in workers]
    assert outcomes == [b"", b"", b""]
    keys = [info.key for info in store.list(BUCKET)]
    assert len(keys) == 3 * 60 + 1
    info = store.head(BUCKET, "shared/one")
    assert store.read(BUCKET, "shared/one") == info.metadata["by"].encode() * 1000


@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.text())
def test_split_uri_is_the_inverse_of_writing_one(bucket: str, key: str) -> None:
    assert split_uri(f"s3://{bucket}/{key}") == (bucket, key)


@pytest.mark.parametrize("uri", ["", "s3://", "s3:///key", "https://bucket/key", "/bucket/key", "bucket/key"])
def test_split_uri_refuses_other_addresses(uri: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/key"):
        split_uri(uri)
