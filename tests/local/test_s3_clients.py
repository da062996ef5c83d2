"""Programs that learners use on S3: pandas, DuckDB, the SageMaker SDK, the aws command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers import service as services
from helpers.service import Service

Aws = Callable[..., Any]
BUCKET = "clients"


@pytest.fixture(scope="module")
def s3(shared_aws: Aws) -> Any:
    client = shared_aws("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def python(service: Service, script: str, *arguments: str) -> str:
    """What a script prints in a process that knows local SageMaker by its environment alone."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", script, *arguments]
    environment = variables | services.environment(service, variables)
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.usefixtures("s3")
def test_pandas_reads_and_writes(shared_service: Service) -> None:
    script = """
import pandas
table = pandas.DataFrame({"track": ["a", "b"], "rating": [1.5, 5]})
table.to_csv("s3://clients/pandas/one.csv", index=False)
table.to_parquet("s3://clients/pandas/one.parquet")
assert pandas.read_csv("s3://clients/pandas/one.csv").equals(table)
assert pandas.read_parquet("s3://clients/pandas/one.parquet", columns=["rating"]).rating.sum() == 6.5
large = pandas.DataFrame({"number": range(2_000_000)})
large.to_csv("s3://clients/pandas/large.csv", index=False)
assert pandas.read_csv("s3://clients/pandas/large.csv").equals(large)
import s3fs
files = s3fs.S3FileSystem()
names = ("large.csv", "one.csv", "one.parquet")
assert sorted(files.ls("clients/pandas")) == [f"clients/pandas/{name}" for name in names]
assert files.glob("clients/*/*.parquet") == ["clients/pandas/one.parquet"]
assert files.exists("clients/pandas/one.csv") and not files.exists("clients/pandas/none")
files.copy("clients/pandas/one.csv", "clients/pandas/two.csv")
files.rm("clients/pandas", recursive=True)
print(files.find("clients"))
"""
    assert python(shared_service, script).strip() == "[]"


@pytest.mark.usefixtures("s3")
def test_duckdb_reads_and_writes(shared_service: Service) -> None:
    script = """
import duckdb, s3fs
connection = duckdb.connect()
connection.register_filesystem(s3fs.S3FileSystem())
table = "SELECT range AS n, 'x' || range AS t FROM range(100000)"
connection.sql(f"COPY ({table}) TO 's3://clients/duck/t.parquet' (FORMAT parquet)")
connection.sql("COPY (SELECT 7 AS n, 'seven' AS t) TO 's3://clients/duck/u.csv' (HEADER)")
print(connection.sql("SELECT sum(n) FROM 's3://clients/duck/*.parquet' WHERE n < 10").fetchone()[0])
print(connection.sql("SELECT t FROM read_csv('s3://clients/duck/*.csv')").fetchone()[0])
"""
    assert python(shared_service, script).split() == ["45", "seven"]


def test_the_sagemaker_sdk_uploads(shared_service: Service, s3: Any, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "test.csv").write_text("a,b\n3,4\n")
    script = """
import sys
from sagemaker.core.helper.session_helper import Session
session = Session()
print(session.default_bucket())
print(session.upload_data(sys.argv[1], key_prefix="sdk"))
print(session.read_s3_file(session.default_bucket(), "sdk/deep/test.csv").split()[1])
print(session.list_s3_files(session.default_bucket(), "sdk/"))
"""
    bucket = shared_service.bucket
    printed = python(shared_service, script, str(tmp_path)).strip().splitlines()
    assert printed[-4:] == [bucket, f"s3://{bucket}/sdk", "3,4", "['sdk/deep/test.csv', 'sdk/train.csv']"]
    assert s3.get_object(Bucket=bucket, Key="sdk/train.csv")["Body"].read() == b"a,b\n1,2\n"


@pytest.fixture
def aws_command(shared_service: Service) -> Callable[..., str]:
    """Run the aws command, which lives outside this project's environment (it pins botocore)."""
    program = shutil.which("aws")
    if program is None:
        pytest.skip("there is no aws command on the PATH")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = variables | services.environment(shared_service, variables)

    def run(*arguments: str) -> str:
        found = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    return run


def test_the_aws_command(aws_command: Callable[..., str], s3: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 240_000  # 61 MB: many parts
    large = tmp_path / "up" / "large.bin"
    large.parent.mkdir()
    large.write_bytes(data)
    (tmp_path / "up" / "small file.txt").write_text("small")
    aws_command("s3", "cp", str(large), f"s3://{BUCKET}/cli/large.bin", "--quiet")
    head = s3.head_object(Bucket=BUCKET, Key="cli/large.bin")
    assert (head["ContentLength"], '-8"' in head["ETag"]) == (len(data), True)
    aws_command("s3", "cp", f"s3://{BUCKET}/cli/large.bin", f"s3://{BUCKET}/cli/copy.bin", "--quiet")
    aws_command("s3", "cp", f"s3://{BUCKET}/cli/copy.bin", str(tmp_path / "down.bin"), "--quiet")
    assert (tmp_path / "down.bin").read_bytes() == data
    uploaded = aws_command("s3", "sync", str(large.parent), f"s3://{BUCKET}/cli/sync", "--no-progress")
    assert uploaded.count("upload:") == 2
    assert aws_command("s3", "sync", str(large.parent), f"s3://{BUCKET}/cli/sync") == ""
    (tmp_path / "up" / "small file.txt").unlink()
    assert "delete:" in aws_command("s3", "sync", str(large.parent), f"s3://{BUCKET}/cli/sync", "--delete")
    listing = aws_command("s3", "ls", f"s3://{BUCKET}/cli/")
    assert [line.split()[-1] for line in listing.splitlines()] == ["sync/", "copy.bin", "large.bin"]
    assert "sync/large.bin" in aws_command("s3", "ls", f"s3://{BUCKET}/cli", "--recursive")
    address = aws_command("s3", "presign", f"s3://{BUCKET}/cli/copy.bin").strip()
    assert address.startswith("http://127.0.0.1:")
    assert aws_command("s3", "rm", f"s3://{BUCKET}/cli", "--recursive").count("delete:") == 3
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="cli")
    aws_command("s3", "mb", "s3://made-by-cli")
    aws_command("s3", "rb", "s3://made-by-cli")
    assert "assumed-role/workshop" in aws_command("sts", "get-caller-identity")
