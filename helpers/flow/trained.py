"""What a flow's steps learned when they were made: the `trained_parameters` of a node.

Data Wrangler keeps, beside what a step learned, a hash of the parameters it learned it with. Where that hash
fits, a job uses what is stored; otherwise, or when a refit is asked for, it learns anew from the data at
hand. What a run used or learned is kept, so that it can be written into the flow.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Run
    from .model import Node


def hash_of(parameters: Mapping[str, Any] | Sequence[Any]) -> str:
    """The hash that Data Wrangler of 2022 and later stores for these parameters."""
    plain = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
    return hashlib.sha1(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def escaped(column: str) -> str:
    """What Data Wrangler calls a column while a step works on it."""
    return re.sub(r"[.`]", "_", column)


@dataclass(frozen=True)
class Place:
    """Where the node at work keeps what it learned for a column, and what it learns it with.

    `blocks` are the names on the way to it, such as "scale_values_parameters", "min_max_scaler_parameters";
    `several`: the step has several input columns, for each of which there is an entry of its own.
    """

    blocks: tuple[str, ...]
    column: str
    parameters: Mapping[str, Any] | Sequence[Any]
    several: bool = False

    def stored(self, run: Run) -> Mapping[str, Any]:
        """What the node holds, or nothing when it was learned with other parameters.

        Flows of 2021 hold Python's own hash, a number that a browser has rounded: it fits nothing. What has
        no hash at all cannot be checked, and is used.
        """
        found: Any = run.trained
        for block in self.blocks:
            found = found.get(block) if isinstance(found, Mapping) else None
        if isinstance(found, list):
            names = (self.column, escaped(self.column))
            listed = [each for each in found if isinstance(each, Mapping)]
            found = next((each for each in listed if each.get("input_column") in names), None)
        elif self.several:
            found = None
        if not isinstance(found, Mapping) or found.get("_hash", self._hash) != self._hash:
            return {}
        self._note(run, found)
        return found

    def keep(self, run: Run, learned: Mapping[str, Any]) -> None:
        """The node has learned this, which is what its flow should hold from now on.

        JSON has no word for infinity nor for bytes: with such values nothing but the hash is kept, and they
        are learned again.
        """
        try:
            json.dumps(learned, allow_nan=False)
        except (ValueError, TypeError):
            learned = {}
        entry = {"_hash": self._hash, **learned}
        self._note(run, {**entry, "input_column": escaped(self.column)} if self.several else entry)

    @property
    def _hash(self) -> str:
        return hash_of(self.parameters)

    def _note(self, run: Run, entry: Mapping[str, Any]) -> None:
        run.fitted.note(run.node, self.blocks, entry, self.column if self.several else None)


@dataclass
class Fitted:
    """What the steps of a run have used or learned."""

    entries: dict[str, dict[tuple[str, ...], dict[str | None, Any]]] = field(default_factory=dict)
    """{node id: {names of blocks: {column: entry}}}; the column of an entry that is no list's is None."""

    def note(self, node: Node | None, blocks: tuple[str, ...], entry: Any, column: str | None = None) -> None:
        """A step has used or learned this, for one of several columns when `column` is given."""
        if node is not None:
            self.entries.setdefault(node.node_id, {}).setdefault(blocks, {})[column] = entry

    def trained_parameters(self, nodes: Sequence[Node]) -> dict[str, dict[str, Any]]:
        """{node id: its trained parameters from now on} of the nodes that learn; all else they hold stays."""
        made = {}
        for node in nodes:
            if node.node_id in self.entries:
                made[node.node_id] = trained = copy.deepcopy(dict(node.trained_parameters))
                for blocks, columns in self.entries[node.node_id].items():
                    _put(trained, blocks, columns[None] if None in columns else list(columns.values()))
        return made


def _put(trained: dict[str, Any], blocks: tuple[str, ...], value: Any) -> None:
    for name in blocks[:-1]:
        if not isinstance(trained.get(name), dict):
            trained[name] = {}
        trained = trained[name]
    trained[blocks[-1]] = copy.deepcopy(value)


def plain(value: Any) -> Any:
    """A value of a column as JSON holds it: a date or a moment as its text, a decimal as a float."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return float(value) if isinstance(value, decimal.Decimal) else value


def number(value: object) -> float | None:
    """A stored number, or None when there is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
