"""Feature Store: the records that a destination would put into a feature group.

No feature group is written: the records become a table as Feature Store takes them. Its rules for names and
types are checked. Which features identify a record and hold its time is known to the feature group, not to
the flow of Data Wrangler; they are checked where the flow names them.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from ..errors import OperatorError
from .base import Operator, listing, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

_most_features = 2500
_name = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}")
_reserved = ("is_deleted", "write_time", "api_invocation_time")
_populated = "EventTime"
_moment = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z"


def _group(value: str) -> str:
    if not _name.fullmatch(value):
        raise ValueError("is at most 64 letters, digits, '-' and '_', none of the latter at an end")
    return value


def _off(value: object) -> object:
    return False if value is None else value


class FeatureGroup(BaseModel):
    """What the flow says of the feature group."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    feature_group_name: Annotated[str, AfterValidator(_group)]
    offline_only: Annotated[bool, BeforeValidator(_off)] = False
    populate_event_time: Annotated[bool, BeforeValidator(_off)] = False
    record_identifier_feature_name: str | None = None
    event_time_feature_name: str | None = None

    @property
    def event_time(self) -> str | None:
        """The feature with a record's time, where the flow says which."""
        return self.event_time_feature_name or (_populated if self.populate_event_time else None)


@functools.cache
def _now() -> str:
    """The time of the records of this process, which all of them share."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@operator("sagemaker.spark.featurestore_destination_0.1")
class FeatureStoreDestination(Operator):
    """Write to Feature Store"""

    output_config: FeatureGroup

    def describe(self) -> str:
        only = ", offline store only" if self.output_config.offline_only else ""
        return f"Put records into feature group {self.output_config.feature_group_name}{only}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        group = self.output_config
        frame = frames[0]
        if group.populate_event_time:
            name = group.event_time or _populated
            if name.lower() in [known.lower() for known in frame.columns]:
                raise OperatorError(
                    f"there is already a column '{name}', which the event time is to be put into",
                    "Drop or rename it, or set populate_event_time to false.",
                    "populate_event_time",
                )
            frame = frame.replace(frame.table.mutate(**{name: ibis.literal(_now())}))
        _check_names(frame.columns)
        made = {name: _feature(frame.table[name], name) for name in frame.columns}
        kinds = Counter(kind for kind, _ in made.values())
        values = [value.name(name) for name, (_, value) in made.items()]
        frame = frame.replace(frame.table.select([*values, *frame.order]))
        _check_identifier(frame, group, run)
        _check_event_time(frame, group, run)
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        run.log(
            f"  No feature group is written here: the records for '{group.feature_group_name}' "
            f"({len(made)} features: {found}) become Parquet files"
        )
        return frame


def _check_names(columns: Sequence[str]) -> None:
    """Raises OperatorError for names that are no feature's."""
    wrong = [name for name in columns if not _name.fullmatch(name) or name in _reserved]
    if wrong:
        raise OperatorError(
            f"{listing([repr(name) for name in wrong])} cannot name a feature",
            "Rename it: at most 64 letters, digits, '-' and '_', none of the latter at an end, and not "
            f"{', '.join(_reserved)}.",
            "feature_group_name",
        )
    if len(columns) > _most_features:
        raise OperatorError(
            f"has {len(columns):,} columns; a feature group has at most {_most_features:,} features",
            "Drop some.",
            "feature_group_name",
        )


def _feature(column: Any, name: str) -> tuple[str, Any]:
    """The type of a feature, and its values as that type has them."""
    from ..casting import cast

    dtype = column.type()
    if dtype.is_integer():
        return "Integral", column.cast("int64")
    if dtype.is_numeric():
        return "Fractional", column.cast("float64")
    if dtype.is_timestamp():
        return "String", column.strftime("%Y-%m-%dT%H:%M:%SZ")
    if dtype.is_nested() or dtype.is_binary():
        raise OperatorError(
            f"'{name}' is {dtype}; a feature is a whole number, a number or a text",
            "Flatten it into columns, or cast it to string.",
            "feature_group_name",
        )
    return "String", cast(column, "string")


def _check_identifier(frame: Frame, group: FeatureGroup, run: Run) -> None:
    if group.record_identifier_feature_name is None:
        return
    name = frame.name(group.record_identifier_feature_name, "record_identifier_feature_name")
    column = frame.table[name]
    if column.type().is_floating():
        raise OperatorError(
            f"'{name}' is Fractional, and identifies no record",
            "Cast it to long or string.",
            "record_identifier_feature_name",
        )
    missing = column.isnull() | ((column == "") if column.type().is_string() else False)
    words = f"have no '{name}', which identifies them"
    _refuse(frame, missing, run, words, "Fill or drop them.", "record_identifier_feature_name")


def _check_event_time(frame: Frame, group: FeatureGroup, run: Run) -> None:
    from ..statistics import is_there

    if group.event_time is None:
        return
    name = frame.name(group.event_time, "event_time_feature_name")
    column = frame.table[name]
    if column.type().is_integer():
        raise OperatorError(
            f"'{name}' is Integral; a time is a text (ISO 8601) or Fractional (Unix seconds)",
            "Cast it to float, or to datetime.",
            "event_time_feature_name",
        )
    known = is_there(column)
    if column.type().is_string():
        known = known & column.re_search(f"^{_moment}$")
    remedy = "Fill or drop them; times are like 2024-01-31T23:59:59Z."
    _refuse(
        frame, ~known.fill_null(False), run, f"have no time in '{name}'", remedy, "event_time_feature_name"
    )


def _refuse(frame: Frame, wrong: Any, run: Run, words: str, remedy: str, parameter: str) -> None:
    count = run.row(frame.table.aggregate(wrong=wrong.sum()))["wrong"]
    if count:
        raise OperatorError(f"{count} records {words}", remedy, parameter)
