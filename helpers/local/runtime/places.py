"""How many invocations run at once: in all, of one endpoint, of one serverless variant."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable


class Places:
    """Counts who is in, by any key. A key nobody is in takes no memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    def enter(self, key: Hashable, most: int) -> bool:
        """Take a place; False when all are taken."""
        with self._lock:
            if self._taken[key] >= most:
                return False
            self._taken[key] += 1
            return True

    def leave(self, key: Hashable) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
