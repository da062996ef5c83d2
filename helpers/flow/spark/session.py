"""Starting Spark: on this machine by default, or on a cluster that is there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FlowError

_as_a_flow_means_it = {
    # What does not parse is null, x / 0 is null: Data Wrangler runs Spark so.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Any encoding that a flow names, not only those that Spark 4 names itself.
    "spark.sql.legacy.javaCharsets": "true",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # Functions see their values in batches of this size.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
}


@dataclass(frozen=True)
class Started:
    """A session of its own over a Spark that runs, and whether that Spark was started for it."""

    session: Any
    own: bool

    def stop(self) -> None:
        """End what was started."""
        if self.own:
            self.session.stop()


def start(directory: Path, master: str | None, threads: int | None, memory: str | None) -> Started:
    """A session with the settings a flow needs. Raises FlowError when Spark does not start.

    A Spark that runs in this process already is used as it is; without one it is started: on this machine
    with `threads` cores (default: all) and `memory` such as "2GB", or at `master`.
    """
    running = _pyspark().SparkSession.getActiveSession()
    if running is None:
        return Started(start_spark(directory, master, threads, memory), own=True)
    session = running.newSession()
    for name, value in _as_a_flow_means_it.items():
        session.conf.set(name, value)
    return Started(session, own=False)


def _pyspark() -> Any:
    try:
        import pyspark.sql
    except ModuleNotFoundError:
        raise FlowError(
            "The engine 'spark' needs PySpark, which is not installed. "
            "Install the extra: pip install -e '.[spark]' (or make spark)."
        ) from None
    return pyspark.sql


def java() -> str | None:
    """The Java that Spark would start, or None."""
    home = os.environ.get("JAVA_HOME")
    if home:
        return shutil.which(str(Path(home) / "bin" / "java"))
    return shutil.which("java")


def start_spark(
    directory: Path,
    master: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Any:
    """A new Spark, its first session; `more` configures it further. Raises FlowError."""
    sql = _pyspark()
    if java() is None:
        raise FlowError(
            "The engine 'spark' needs Java, and none is found. "
            "Install a JDK 17 (Debian: apt-get install openjdk-17-jre-headless) or point JAVA_HOME to one."
        )
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    address = master or f"local[{threads or '*'}]"
    _reach(address)
    builder = sql.SparkSession.builder.master(address).appName("workshop flow")
    for name, value in {**settings(directory, address, threads, memory), **(more or {})}.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        with contextlib.suppress(Exception):
            sql.SparkSession.getActiveSession().stop()
        reason = str(error).strip().split("\n")[0]
        raise FlowError(f"Spark does not start at {address}: {reason}") from error


def _reach(address: str) -> None:
    """Spark itself would try for minutes."""
    standalone = re.fullmatch(r"spark://(.+)", address)
    if standalone is None:
        return
    faults = []
    for each in standalone[1].split(","):
        host, _, port = each.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=10):
                return
        except (OSError, ValueError, OverflowError) as error:
            faults.append(f"{each}: {error}")
    raise FlowError(
        f"The Spark master {address} cannot be reached ({'; '.join(faults)}). "
        "Look at the address, and whether it runs; without --master Spark runs on this machine."
    )


def settings(directory: Path, address: str, threads: int | None, memory: str | None) -> Mapping[str, str]:
    """The configuration of a new Spark: everything it leaves behind lies in the run's own directory."""
    found = {
        **_as_a_flow_means_it,
        # Its Python processes find what this one finds.
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.local.dir": str(directory / "spark"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.artifact.isolation.enabled": "false",
        "spark.driver.extraJavaOptions": (
            "-XX:-UsePerfData -Duser.timezone=UTC "
            f"-Dderby.system.home={directory} -Djava.io.tmpdir={directory}"
        ),
    }
    if address.startswith("local"):
        # Nothing of it is for other machines.
        found |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    elif threads:
        found["spark.cores.max"] = str(threads)
    if memory:
        found["spark.driver.memory"] = java_memory(memory)
    return found


def java_memory(memory: str) -> str:
    """An amount of memory such as 2GB or 512 MB as Java writes it. Raises FlowError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?\s*", memory, re.IGNORECASE)
    if match is None:
        raise FlowError(f"{memory!r} is no amount of memory. Write one like 2GB.")
    kibibytes = float(match[1]) * 1024 ** "KMGT".index(match[2].upper())
    return f"{int(kibibytes)}k"
