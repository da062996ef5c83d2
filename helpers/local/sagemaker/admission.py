"""Which job may start now: each is granted cores and memory before its process starts, or waits its turn.

There are two lanes, each first come, first served. *Heavy* jobs (AutoML) have two thirds of the memory,
*light* ones (processing, transform) the rest, so that neither can keep the other out. Either lane may use
all cores: the system shares those out, which costs time and breaks nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from helpers.local.machine import Share

Lane = Literal["heavy", "light"]
LIGHT_PART = 3  # light jobs have one part in so many of the memory


@dataclass
class Ticket:
    """A job that wants to start. The functions are called without any lock held.

    ``start`` is told what is granted, ``wait`` that there is no room now (once), ``tell`` gets a sentence for
    people whenever there is news.
    """

    key: str
    lane: Lane
    wanted: Share
    start: Callable[[Share], None]
    wait: Callable[[], None]
    tell: Callable[[str], None]
    asked: float = field(default_factory=time.monotonic)
    told: str = ""


class Admission:
    """Shares a budget out among jobs."""

    def __init__(self, budget: Share) -> None:
        self.budget = budget
        light = budget.memory // LIGHT_PART
        self.lanes: dict[Lane, Share] = {
            "heavy": Share(budget.cores, budget.memory - light),
            "light": Share(budget.cores, light),
        }
        self._waiting: dict[Lane, list[Ticket]] = {"heavy": [], "light": []}
        self._granted: dict[Lane, dict[str, Share]] = {"heavy": {}, "light": {}}
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, ticket: Ticket) -> None:
        """Start a job as soon as there is room, now if there is. A job gets no more than its lane has."""
        with self._lock:
            self._waiting[ticket.lane].append(ticket)
            ready = self._take(ticket.lane)
        if ticket not in ready:
            ticket.wait()
        self._serve(ticket.lane, ready)

    def done(self, key: str) -> None:
        """A job has ended: what it was granted is free for those that wait."""
        with self._lock:
            lane = next((lane for lane, granted in self._granted.items() if key in granted), None)
            if lane is None:
                return
            del self._granted[lane][key]
            ready = self._take(lane)
        self._serve(lane, ready)

    def withdraw(self, key: str) -> bool:
        """A job that waits does so no more. False if it does not wait (any more)."""
        with self._lock:
            for lane, waiting in self._waiting.items():
                found = next((ticket for ticket in waiting if ticket.key == key), None)
                if found is not None:
                    waiting.remove(found)
                    ready = self._take(lane)
                    break
            else:
                return False
        self._serve(lane, ready)
        return True

    def close(self) -> None:
        """Start nothing any more."""
        with self._lock:
            self._closed = True

    def _take(self, lane: Lane) -> list[Ticket]:
        """The jobs of a lane whose turn it is, granted what they want."""
        ready: list[Ticket] = []
        while self._waiting[lane] and not self._closed:
            ticket = self._waiting[lane][0]
            share = ticket.wanted.within(self.lanes[lane])
            if not self._fits(lane, share):
                break
            self._granted[lane][ticket.key] = share
            ready.append(self._waiting[lane].pop(0))
        return ready

    def _fits(self, lane: Lane, share: Share) -> bool:
        taken = self._taken(lane)
        limit = self.lanes[lane]
        return taken.cores + share.cores <= limit.cores and taken.memory + share.memory <= limit.memory

    def _taken(self, lane: Lane) -> Share:
        granted = self._granted[lane].values()
        return Share(sum(share.cores for share in granted), sum(share.memory for share in granted))

    def _serve(self, lane: Lane, ready: list[Ticket]) -> None:
        """Start those whose turn it is, and tell the others where they stand."""
        for ticket in ready:
            share = ticket.wanted.within(self.lanes[lane])
            if ticket.told:
                seconds = time.monotonic() - ticket.asked
                ticket.tell(f"Granted {share} after {seconds:.0f} s in the queue.")
            ticket.start(share)
        with self._lock:
            news = [
                (ticket, self._place(lane, number)) for number, ticket in enumerate(self._waiting[lane], 1)
            ]
            news = [(ticket, text) for ticket, text in news if ticket.told != text]
            for ticket, text in news:
                ticket.told = text
        for ticket, text in news:
            ticket.tell(text)

    def _place(self, lane: Lane, number: int) -> str:
        wanted = self._waiting[lane][number - 1].wanted.within(self.lanes[lane])
        holders = ", ".join(self._granted[lane])
        return (
            f"Waiting for {wanted}: place {number} in the queue. Of {self.lanes[lane]} for such jobs, "
            f"{self._taken(lane)} are granted to {holders}."
        )
