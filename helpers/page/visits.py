"""Who sits in front of the page, and what they did: kept by the server, so that a reload loses nothing."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from helpers.recommender import Listener

MOST_VISITS = 200


@dataclass
class Visit:
    """One person at the page: the listener they are, what they rated and heard here, what they saw last."""

    listener: Listener | None = None
    newcomer: bool = False
    rated: dict[str, int] = field(default_factory=dict)
    played: frozenset[str] = frozenset()
    shown: tuple[str, ...] = ()
    answers: dict[str, int] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    page_of_questions: int = 0
    complaint: str = ""  # what could not be done, to be said once

    def begin(self, listener: Listener | None) -> None:
        """Become another listener: nothing rated, nothing heard."""
        self.listener = listener
        self.rated, self.played, self.shown = {}, frozenset(), ()

    def forget(self) -> None:
        """Begin again with nothing rated here: a newcomer is asked anew, others are as the data has them."""
        self.begin(None)
        self.answers, self.asked, self.page_of_questions = {}, (), 0

    def see(self, tracks: tuple[str, ...]) -> int | None:
        """Note what is shown now; how many of it were not shown before, None the first time."""
        new = len(set(tracks) - set(self.shown)) if self.shown else None
        self.shown = tracks
        return new


class Visits:
    """The visits of this server, by a name that stands in the page's address. The oldest go first."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, name: str | None) -> tuple[str, Visit]:
        """The visit of that name, and its name; a new one when there is none."""
        with self._lock:
            if name is None or name not in self._visits:
                name = secrets.token_urlsafe(9)
                self._visits[name] = Visit()
                while len(self._visits) > MOST_VISITS:
                    self._visits.popitem(last=False)
            self._visits.move_to_end(name)
            return name, self._visits[name]
