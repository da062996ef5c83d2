"""Starting, finding, stopping and emptying local SageMaker from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from helpers import service as services
from helpers.service import Service, ServiceError


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose server is stopped in the end."""
    directory = tmp_path / "own state"
    yield directory
    services.stop(directory)


def servers(state: Path) -> list[int]:
    """The server processes of a state directory."""
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(None, 1) for line in listing.splitlines()]
    wanted = f"-m helpers.local --state {state}"
    return [int(pid) for pid, command in lines if command.endswith(wanted) or f"{wanted} " in command]


def test_start_find_stop(state: Path) -> None:
    assert services.running(state) is None
    assert services.status(state) == services.Status(state, None)
    first = services.start(state)
    assert services.start(state) == first == services.running(state)
    assert servers(state) == [first.pid]
    assert json.loads((state / "server.json").read_text())["address"] == first.address
    assert services.status(state).address == first.address
    assert services.stop(state)
    assert servers(state) == []
    assert services.running(state) is None
    assert not (state / "server.json").exists()
    assert not services.stop(state)


def test_state_outlives_the_server(state: Path) -> None:
    first = services.start(state)
    s3 = services.client(first, "s3")
    s3.put_object(Bucket=first.bucket, Key="kept", Body=b"kept", Metadata={"a": "1"})
    upload = s3.create_multipart_upload(Bucket=first.bucket, Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket=first.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")[
        "ETag"
    ]
    os.kill(first.pid, signal.SIGKILL)
    second = services.start(state)
    assert (second.pid != first.pid, second.key) == (True, first.key)
    s3 = services.client(second, "s3")
    got = s3.get_object(Bucket=second.bucket, Key="kept")
    assert (got["Body"].read(), got["Metadata"]) == (b"kept", {"a": "1"})
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=second.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=second.bucket, Key="parts")["Body"].read() == b"part"


def test_kill_9_in_the_middle_of_an_upload_leaves_nothing_half_done(state: Path) -> None:
    service = services.start(state)
    s3 = services.client(service, "s3")
    s3.put_object(Bucket=service.bucket, Key="big", Body=b"old")
    script = (
        "import sys, boto3\n"
        "s3 = boto3.client('s3')\n"
        "print('going', flush=True)\n"
        "for n in range(1000):\n"
        "    s3.put_object(Bucket=sys.argv[1], Key='big', Body=bytes([n % 256]) * 20_000_000)\n"
    )
    variables = os.environ | services.environment(service) | {"AWS_MAX_ATTEMPTS": "1"}
    client = subprocess.Popen(
        [sys.executable, "-c", script, service.bucket],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert client.stdout is not None
    client.stdout.readline()
    time.sleep(0.7)
    os.kill(service.pid, signal.SIGKILL)
    client.wait(timeout=60)
    client.stdout.close()
    service = services.start(state)
    data = services.client(service, "s3").get_object(Bucket=service.bucket, Key="big")["Body"].read()
    assert data == b"old" or (len(data) == 20_000_000 and len(set(data)) == 1)
    assert list((state / "s3" / ".temporary").iterdir()) == []
    assert list((state / "incoming").iterdir()) == []


STARTER = """
import sys
from pathlib import Path
from helpers import service
print(service.start(Path(sys.argv[1])).pid, flush=True)
"""


def test_many_starts_at_once_end_with_one_server(state: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", STARTER, str(state)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = {starter.communicate(timeout=120)[0].strip() for starter in starters}
    assert pids == {str(pid) for pid in servers(state)}
    assert len(pids) == 1


def test_a_second_server_in_the_foreground_gives_way(state: Path) -> None:
    services.start(state)
    command = [sys.executable, "-m", "helpers.local", "--state", str(state)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 3
    assert "already serves" in second.stderr


def test_interrupting_the_starter_does_not_reach_the_server(state: Path) -> None:
    script = STARTER + "import time; time.sleep(60)"
    starter = subprocess.Popen(
        [sys.executable, "-u", "-c", script, str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
    starter.wait(timeout=30)
    starter.stdout.close()
    time.sleep(0.3)
    found = services.running(state)
    assert found is not None
    assert found.pid == pid


def test_an_address_left_behind_is_not_trusted(state: Path) -> None:
    service = services.start(state)
    services.stop(state)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        content = {"pid": service.pid, "address": address, "started": 0.0}
        (state / "server.json").write_text(json.dumps(content))
        other.close()
        assert services.running(state) is None
    (state / "server.json").write_text("{ half")
    assert services.running(state) is None
    assert services.start(state).address != address


def test_a_server_of_another_directory_is_not_ours(state: Path, service: Service) -> None:
    services.start(state)
    services.stop(state)
    (state / "server.json").write_text((service.state / "server.json").read_text())
    assert services.running(state) is None


def test_a_port_of_ones_own(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"cannot listen on 127.0.0.1:{port}.*\n?.*--port"):
            services.start(state, port)
    assert services.start(state, port).address == f"http://127.0.0.1:{port}"
    with pytest.raises(ServiceError, match="already serves"):
        services.start(state, port + 1)


def test_a_server_that_fails_tells_why(state: Path) -> None:
    services.start(state)
    services.stop(state)
    (state / "s3").rename(state / "saved")
    (state / "s3").write_text("in the way")
    with pytest.raises(ServiceError, match=r"server\.log(.|\n)*(FileExistsError|NotADirectoryError)"):
        services.start(state)


def test_reset_empties_a_state_directory_and_nothing_else(state: Path, tmp_path: Path) -> None:
    service = services.start(state)
    services.client(service, "s3").put_object(Bucket=service.bucket, Key="x", Body=b"")
    services.reset(state)
    assert servers(state) == []
    assert not (state / "s3").exists()
    assert not (state / "key").exists()
    again = services.start(state)
    assert "Contents" not in services.client(again, "s3").list_objects_v2(Bucket=again.bucket)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    for action in (services.reset, services.start):
        with pytest.raises(ServiceError, match="no state directory"):
            action(precious)
    assert [item.name for item in precious.iterdir()] == ["thesis.txt"]
    services.reset(tmp_path / "never-was")


def test_the_environment_is_all_that_is_needed(service: Service) -> None:
    strange = {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "old",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "NO_PROXY": "example.com",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | strange
    added = services.environment(service, variables)
    assert added["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    for name in services.unset(variables):
        variables.pop(name, None)
    script = (
        "import boto3\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
        "print(len(boto3.client('s3').list_buckets()['Buckets']))\n"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(
        command, env=variables | added, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout.split() == ["arn:aws:sts::000000000000:assumed-role/workshop/local", "1"], (
        found.stderr
    )


def test_another_region(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    service = services.start(state)
    assert service.bucket == "sagemaker-eu-central-1-000000000000"
    session = boto3.session.Session(services.ACCESS_KEY, service.key, region_name="eu-central-1")
    s3 = session.client("s3", endpoint_url=service.address)
    assert s3.head_bucket(Bucket=service.bucket)["BucketRegion"] == "eu-central-1"


def test_the_default_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path / "chosen"))
    assert services.default_state() == tmp_path / "chosen"
    monkeypatch.delenv("WORKSHOP_STATE")
    root = Path(__file__).parents[1]
    assert services.default_state() == root / ".workshop"


def test_the_key_is_nobody_elses_business(state: Path) -> None:
    service = services.start(state)
    assert (state / "key").stat().st_mode & 0o077 == 0
    assert service.key not in repr(service)
    assert service.key not in (state / "server.log").read_text()


def test_one_directory_under_any_of_its_names(state: Path, tmp_path: Path) -> None:
    service = services.start(state)
    (tmp_path / "link").symlink_to(state)
    for name in (tmp_path / "link", tmp_path / "link" / ".." / state.name):
        assert services.start(name) == service
        assert services.status(name).address == service.address
    assert services.stop(tmp_path / "link")
    assert servers(state) == []
    again = services.start(tmp_path / "link")
    assert services.running(state) == again


def test_an_address_that_another_kind_of_server_has_now(state: Path) -> None:
    services.start(state)
    services.stop(state)

    def greet(listener: socket.socket) -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=greet, args=(other,), daemon=True).start()
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        content = {"pid": os.getpid(), "address": address, "started": 0.0}
        (state / "server.json").write_text(json.dumps(content))
        assert services.running(state) is None
        assert services.start(state).address != address


HOLDER = """
import fcntl, sys, time
with open(sys.argv[1], "a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(1.5)
"""


@contextmanager
def leaving_server(state: Path) -> Iterator[None]:
    """Another process that holds the state directory for a while, and answers no more."""
    command = [sys.executable, "-c", HOLDER, str(state / "server.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield


def test_a_start_while_another_server_leaves(state: Path) -> None:
    services.start(state)
    services.stop(state)
    began = time.monotonic()
    with leaving_server(state):
        service = services.start(state)
    assert servers(state) == [service.pid]
    assert time.monotonic() - began < 20


def test_a_stranger_with_the_pid_of_a_dead_server_is_not_stopped(state: Path) -> None:
    dead = services.start(state)
    os.kill(dead.pid, signal.SIGKILL)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        content = {"pid": stranger.pid, "address": dead.address, "started": time.time()}
        (state / "server.json").write_text(json.dumps(content))
        with leaving_server(state):
            assert services.stop(state)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_what_cannot_be_a_state_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(ServiceError, match="cannot keep state"):
        services.start(file)
    with pytest.raises(ServiceError, match="no state directory"):
        services.reset(file)
    assert not services.stop(file)
    assert services.status(file).address is None
    assert file.read_text() == "precious"


@pytest.mark.parametrize("name", ["start.lock", "server.log"])
def test_a_file_that_cannot_be_written_is_named(state: Path, name: str) -> None:
    services.start(state)
    services.stop(state)
    (state / name).unlink()
    (state / name).mkdir()
    with pytest.raises(ServiceError, match=rf"{name}.*directory"):
        services.start(state)


def test_a_reset_against_starts_leaves_no_server_without_its_state(state: Path) -> None:
    services.start(state)
    starters = [
        subprocess.Popen([sys.executable, "-c", STARTER, str(state)], stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    for _ in range(4):
        services.reset(state)
    for starter in starters:
        starter.wait(timeout=120)
    service = services.start(state)
    assert servers(state) == [service.pid]
    services.client(service, "s3").put_object(Bucket=service.bucket, Key="x", Body=b"")


def test_a_client_of_ours_whatever_the_environment_says(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this-profile")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert services.status(service.state).address == service.address


def test_a_server_whose_state_was_removed_leaves(state: Path) -> None:
    first = services.start(state)
    shutil.rmtree(state)
    second = services.start(state)
    end = time.monotonic() + 15
    while first.pid in servers(state) and time.monotonic() < end:
        time.sleep(0.1)
    assert servers(state) == [second.pid]
    services.client(second, "s3").put_object(Bucket=second.bucket, Key="x", Body=b"")
    shutil.rmtree(state)
    while servers(state) and time.monotonic() < end + 15:
        time.sleep(0.1)
    assert servers(state) == []
    assert not state.exists()
