"""The table an analysis looks at, and what kind of feature each column is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import OperatorError
from .base import most_rows

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

seed = 20_221_130
_text_share, _text_least = 0.1, 50


@dataclass(frozen=True)
class Table:
    """The first rows of a step's output in pandas; `types` are long, float, bool, date, datetime, string."""

    frame: Frame
    data: pd.DataFrame
    types: Mapping[str, str]
    total: int

    def name(self, column: str, parameter: str) -> str:
        """The column as the table spells it. Raises OperatorError."""
        return self.frame.name(column, parameter)

    def number(self, column: str, parameter: str) -> str:
        """The name of a column of numbers. Raises OperatorError."""
        found = self.name(column, parameter)
        if self.types[found] not in ("long", "float", "bool"):
            raise OperatorError(
                f"'{found}' is {self.types[found]}, not a number",
                "Choose a column of numbers, or give it a type before this step.",
                parameter,
            )
        return found

    def needs(self, rows: int = 1) -> None:
        """Raise OperatorError unless there are so many rows."""
        if len(self.data) < rows:
            raise OperatorError(
                f"the table has {len(self.data)} rows, and this analysis needs {rows}",
                "Look at the steps before it.",
            )

    @property
    def rows(self) -> dict[str, int]:
        """How many rows were looked at, and how many there are."""
        return {"rows": len(self.data), "rows_in_all": self.total}

    @property
    def note(self) -> str:
        """A remark for the picture when rows were left out."""
        return f"the first {len(self.data):,} of {self.total:,} rows" if self.total > len(self.data) else ""

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Each column as numeric, binary, categorical, text or datetime, or empty when it has no value."""
        return {name: kind(self.data[name], self.types[name]) for name in self.data.columns}

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers (not of truth values)."""
        return [name for name, type_ in self.types.items() if type_ in ("long", "float")]


def read(frame: Frame, run: Run) -> Table:
    """The first rows of a frame, and how many it has."""
    from ..frame import Frame

    kept = run.keep(frame)
    total = int(run.row(kept.table.aggregate(rows=kept.table.count()))["rows"])
    first = Frame(kept.table.order_by(list(kept.order)).limit(most_rows), kept.order)
    types = {name: type_name(kept.table[name].type()) for name in kept.columns}
    return Table(kept, plain(run.to_pandas(first), types), types, total)


def type_name(dtype: Any) -> str:
    """Data Wrangler's name of an Ibis type."""
    tests = (
        ("bool", dtype.is_boolean()),
        ("long", dtype.is_integer()),
        ("float", dtype.is_floating() or dtype.is_decimal()),
        ("date", dtype.is_date()),
        ("datetime", dtype.is_timestamp()),
    )
    return next((name for name, holds in tests if holds), "string")


def plain(data: pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """The values as analyses want them: numbers with NaN, moments, texts with None; empty is missing."""
    columns = {}
    for name, type_ in types.items():
        column = data[name]
        if type_ in ("long", "float"):
            number = pd.to_numeric(column, errors="coerce")
            columns[name] = number.where(np.isfinite(number.astype(float)))
        elif type_ in ("date", "datetime"):
            columns[name] = pd.to_datetime(column, errors="coerce")
        elif type_ == "bool":
            columns[name] = column.map(
                lambda value: None if value is None or value != value else str(bool(value)).lower()
            ).astype(object)
        else:
            columns[name] = column.map(_text).astype(object)
    return pd.DataFrame(columns, index=data.index)


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = str(value)
    return text if text.strip() else None


def kind(column: pd.Series[Any], type_: str) -> str:
    """What kind of feature a column is, as the insights report names them."""
    values = column.dropna()
    distinct = values.nunique()
    if not distinct:
        return "empty"
    if type_ in ("date", "datetime"):
        return "datetime"
    if distinct == 2:
        return "binary"
    if type_ in ("long", "float"):
        return "numeric"
    if type_ == "bool":
        return "categorical"
    if looks_like_moments(values):
        return "datetime"
    many = distinct > _text_least and distinct > _text_share * len(values)
    return "text" if many else "categorical"


def looks_like_moments(texts: pd.Series[Any]) -> bool:
    """Whether most of these texts are ISO dates or moments."""
    some = texts.iloc[:: max(len(texts) // 1000, 1)].astype(str)
    return bool(some.str.match(r"\s*\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$").mean() > 0.8)


def as_categories(column: pd.Series[Any]) -> pd.Series[Any]:
    """Values as texts, whole numbers without a point; missing stays missing."""
    if column.dtype.kind in "fi":
        return column.map(short, na_action="ignore").astype(object)
    if column.dtype.kind == "M":
        dates = column.dt.normalize().eq(column) | column.isna()
        texts: pd.Series[Any] = column.dt.strftime("%Y-%m-%d" if dates.all() else "%Y-%m-%d %H:%M:%S")
        return texts.astype(object)
    return column.astype(object)


def short(value: float) -> str:
    """A number as a person writes it: `3`, `2.5`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
