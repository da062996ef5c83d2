"""The processor cores and the memory a job may take."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.local.machine import usable_cores, usable_memory

# Read by the libraries when they are loaded: OpenMP's, OpenBLAS's, MKL's, numexpr's, Arrow's, Apple's.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
SHARE_OF_MACHINE = 0.6  # of the machine's memory, where nobody granted any


@dataclass(frozen=True)
class Resources:
    """What was granted."""

    cores: int
    memory: int  # bytes

    def enforce(self) -> None:
        """Keep every library of this process inside. To be called before any of them is loaded."""
        for variable in THREAD_VARIABLES:
            os.environ[variable] = str(self.cores)
        os.environ["AG_MEMORY_LIMIT_IN_GB"] = f"{self.memory / 1024**3:.3f}"  # AutoGluon's estimates obey it


def granted(request: Mapping[str, Any]) -> Resources:
    """What the request's member Resources grants, else what the machine has."""
    resources = request.get("Resources", {})
    cores = int(resources.get("Cores") or usable_cores())
    return Resources(cores, int(resources.get("MemoryInBytes") or SHARE_OF_MACHINE * usable_memory()))


def peak_memory() -> int:
    """The most memory this process has taken so far, in bytes."""
    try:
        # Not what getrusage says on Linux: that begins with the peak of the process that started this one.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes but on macOS
