"""Timing of contenders that take turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Times:
    """The seconds of every repetition of one contender."""

    seconds: list[float]

    def percentile(self, share: float) -> float:
        """The seconds that this share (0 to 100) of the repetitions took at most."""
        return float(np.percentile(self.seconds, share))

    @property
    def median(self) -> float:
        """The seconds of the repetition in the middle."""
        return self.percentile(50)


def in_turns(
    contenders: Mapping[str, Callable[[], object]], seconds: float, least: int = 5
) -> dict[str, Times]:
    """Call every contender once in a round, for about so many seconds together, at least so many rounds.

    One round before that is not counted. Every second round goes the other way round: what the one before
    leaves in the caches helps and harms all alike.
    """
    for call in contenders.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < least or time.perf_counter() < end:
        for name in list(contenders) if rounds % 2 else reversed(contenders):
            began = time.perf_counter()
            contenders[name]()
            taken[name].append(time.perf_counter() - began)
        rounds += 1
    return {name: Times(each) for name, each in taken.items()}


def resident(pid: int) -> float:
    """The memory a process holds now, in MB. Linux and macOS."""
    import subprocess

    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


def served_by(state: str) -> dict[str, int]:
    """The processes of model servers of a state directory: command line's end -> process id."""
    import subprocess

    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        if "helpers.local.jobs.model_server" in arguments and state in arguments:
            found[arguments.rpartition(" ")[2]] = int(pid)
    return found
