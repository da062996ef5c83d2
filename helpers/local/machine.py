"""How much of this machine local SageMaker gives to jobs: its cores, and three quarters of its memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

CORES = "WORKSHOP_CORES"  # environment variables that say otherwise
MEMORY = "WORKSHOP_MEMORY_GB"
GIGABYTE = 1024**3
PART = 0.75  # of the memory: the rest is for the system, the notebooks and the endpoints
CONTROL_GROUP = Path("/sys/fs/cgroup")
MEMORY_STATISTICS = Path("/proc/meminfo")  # not on macOS


@dataclass(frozen=True)
class Share:
    """Cores, and memory in bytes."""

    cores: int
    memory: int

    def __str__(self) -> str:
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{cores} and {self.memory / GIGABYTE:.1f} GB of memory"

    def within(self, other: Share) -> Share:
        """This much, but no more than the other."""
        return Share(min(self.cores, other.cores), min(self.memory, other.memory))


def budget(cores: int | None = None, gigabytes: float | None = None) -> Share:
    """What jobs may take together: what is asked for, else the environment's, else this machine's.

    Raises ValueError for a number that is none, or not above 0.
    """
    if cores is None:
        cores = int(_variable(CORES) or usable_cores())
    if gigabytes is None:
        gigabytes = _variable(MEMORY) or PART * usable_memory() / GIGABYTE
    if cores < 1 or gigabytes <= 0:
        raise ValueError(f"Jobs need at least one core and some memory: {cores} cores, {gigabytes} GB.")
    return Share(cores, int(gigabytes * GIGABYTE))


def usable_cores() -> int:
    """The cores that this process may run on, within its container's limit."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    quota, _, period = _read(CONTROL_GROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def usable_memory() -> int:
    """The memory of this machine, or of its container where that has less (bytes)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(CONTROL_GROUP / "memory.max")
    return min(memory, int(limit)) if limit.isdigit() else memory


def free_memory() -> int | None:
    """The memory that is free here, or could be at once (bytes); None where the system does not say."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read(MEMORY_STATISTICS), re.MULTILINE)
    if found is None:
        return None
    free = int(found.group(1)) * 1024
    limit, used = _read(CONTROL_GROUP / "memory.max"), _read(CONTROL_GROUP / "memory.current")
    if limit.isdigit() and used.isdigit():
        cached = re.search(r"^inactive_file (\d+)", _read(CONTROL_GROUP / "memory.stat"), re.MULTILINE)
        free = min(free, int(limit) - int(used) + (int(cached.group(1)) if cached else 0))
    return free


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""  # no control group of version 2 sets a limit here


def _variable(name: str) -> float | None:
    """The number in an environment variable, if it is set."""
    text = os.environ.get(name)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"${name} is '{text}', which is not a number: correct it, or remove it.") from None
