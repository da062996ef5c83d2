"""Time and memory of 100 MB through S3 on this machine, beside a plain copy of the file.

.venv/bin/python tests/benchmarks/s3.py [megabytes]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from boto3.s3.transfer import TransferConfig

from helpers import service as services

REPEATS = 3


def best(action: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return min(times)


def memory(pid: int, name: str) -> float:
    """Megabytes of a process: VmRSS now, VmHWM at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1000


def main(megabytes: int) -> None:
    """Print the measurements."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        source, target = directory / "source", directory / "target"
        source.write_bytes(os.urandom(1_000_000) * megabytes)
        begin = time.perf_counter()
        service = services.start(directory / "state")
        print(f"start                {time.perf_counter() - begin:6.2f} s")
        try:
            s3 = services.client(service, "s3")
            s3.list_buckets()
            print(f"idle memory          {memory(service.pid, 'VmRSS'):6.0f} MB")
            bucket = service.bucket
            single = TransferConfig(use_threads=False, multipart_threshold=6_000_000_000)

            def put() -> None:
                s3.upload_file(str(source), bucket, "one", Config=single)

            def get() -> None:
                s3.download_file(bucket, "one", str(target), Config=single)

            def put_parts() -> None:
                s3.upload_file(str(source), bucket, "parts")

            def get_ranges() -> None:
                s3.download_file(bucket, "parts", str(target))

            def small() -> None:
                for number in range(200):
                    s3.put_object(Bucket=bucket, Key=f"small/{number}", Body=b"x")

            copy = best(lambda: shutil.copyfile(source, target))
            print(f"plain copy           {copy:6.2f} s of {megabytes} MB")
            print(f"put, one request     {best(put):6.2f} s")
            print(f"get, one request     {best(get):6.2f} s")
            print(f"put, 10 threads      {best(put_parts):6.2f} s")
            print(f"get, 10 threads      {best(get_ranges):6.2f} s")
            print(f"put 200 small        {best(small):6.2f} s")
            now, most = memory(service.pid, "VmRSS"), memory(service.pid, "VmHWM")
            print(f"memory now, at most  {now:6.0f} MB, {most:.0f} MB")
        finally:
            services.stop(directory / "state")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
