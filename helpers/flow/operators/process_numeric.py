"""Process numeric: scale values, with the formulas of Spark's scalers.

A scaler learns from the values that are there; null becomes NaN in its output, which is a float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, model_validator

from ..errors import OperatorError
from .base import listing, operator
from .per_column import PerColumn, put

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame
    from ..trained import Place

_id = "sagemaker.spark.process_numeric_0.1"
_keys = ("operator", "scaler")
Share = Annotated[int | float, Field(ge=0, le=1)]


class Scaler(PerColumn):
    """Scale columns of numbers."""

    words: ClassVar[str] = ""
    trained_block: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    """The class of the model in Spark."""
    model: ClassVar[tuple[str, ...]] = ()
    """What the scaler learns, as Spark's models name it."""

    def describe(self) -> str:
        return f"Scale {listing(self.input_column)} ({self.words})"

    def hashed(self) -> Mapping[str, Any]:
        """Its parameters without the column, as Data Wrangler hashes them."""
        return {}

    def settings(self) -> Mapping[str, Any]:
        """Its parameters as Spark's model names them."""
        return {}

    def learn(self, table: Any, column: str, run: Run) -> Sequence[float]:
        """The numbers that `model` names, from the values of a column that has some."""
        raise NotImplementedError

    def scaled(self, number: Any, learned: Sequence[float]) -> Any:
        """The scaled value of a float expression."""
        raise NotImplementedError

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        dtype = frame.table[column].type()
        if not dtype.is_numeric():
            raise OperatorError(
                f"'{column}' is {dtype}, and only numbers can be scaled",
                "Cast the column to long or float first.",
                "input_column",
            )
        learned = self._known(column, run) or self._fitted(frame, column, run)
        number = frame.table[column].cast("float64").fill_null(math.nan)
        return put(frame, self.output(column, column), self.scaled(number, learned))

    def _known(self, column: str, run: Run) -> list[float] | None:
        from ..spark_models import spark_model

        found = spark_model(self._place(column).stored(run).get("scaler_model"))
        values = [found.get(name) for name in self.model]
        if not all(isinstance(value, list) and len(value) == 1 for value in values):
            return None
        return [float(value[0]) for value in values if value is not None]

    def _place(self, column: str) -> Place:
        from ..trained import Place, escaped

        blocks = ("scale_values_parameters", self.trained_block)
        hashed = {"input_column": escaped(column), **self.hashed()}
        return Place(blocks, column, hashed, several=len(self.input_column) > 1)

    def _fitted(self, frame: Frame, column: str, run: Run) -> Sequence[float]:
        from ..spark_models import model_text

        learned = self._learned(frame, column, run)
        values = {name: [value] for name, value in zip(self.model, learned, strict=True)}
        settings = {"inputCol": "temp_col", "outputCol": "_temp_col_0", **self.settings()}
        self._place(column).keep(run, {"scaler_model": model_text(self.kind, values, settings)})
        return learned

    def _learned(self, frame: Frame, column: str, run: Run) -> Sequence[float]:
        from ..statistics import is_there

        there = frame.table.filter(is_there(frame.table[column]))
        learned = self.learn(there, column, run)
        if any(value is None for value in learned):
            raise OperatorError(
                f"'{column}' has no values to learn a scale from",
                "Look at the steps before it, or drop the column.",
                "input_column",
            )
        return learned


def _inverse(value: float) -> float:
    """1 / value; a column that does not vary is scaled to 0."""
    return 1.0 / value if value else 0.0


class SpreadScaler(Scaler):
    """Divide by a spread unless asked not to, after subtracting the middle if asked to."""

    center: bool | None = None
    scale: bool | None = None

    def scaled(self, number: Any, learned: Sequence[float]) -> Any:
        middle, spread = learned
        if self.center:
            number = number - middle
        return number if self.scale is False else number * _inverse(spread)


@operator(_id, "Scale values", "Standard scaler", keys=_keys)
class StandardScaler(SpreadScaler):
    """Divide by the standard deviation, after subtracting the mean if asked to."""

    words: ClassVar[str] = "standard"
    trained_block: ClassVar[str] = "standard_scaler_parameters"
    kind: ClassVar[str] = "StandardScalerModel"
    model: ClassVar[tuple[str, ...]] = ("mean", "std")

    def hashed(self) -> Mapping[str, Any]:
        return {"center": self.center, "scale": self.scale}

    def settings(self) -> Mapping[str, Any]:
        return {"withMean": bool(self.center), "withStd": self.scale is not False}

    def learn(self, table: Any, column: str, run: Run) -> Sequence[Any]:
        [found] = run.statistics(table, [column])
        return found.mean, 0.0 if found.count == 1 else found.deviation


@operator(_id, "Scale values", "Robust scaler", keys=_keys)
class RobustScaler(SpreadScaler):
    """Divide by the range between two quantiles, after subtracting the median if asked to."""

    lower_quantile: Share | None = None
    upper_quantile: Share | None = None
    words: ClassVar[str] = "robust"
    trained_block: ClassVar[str] = "robust_scaler_parameters"
    kind: ClassVar[str] = "RobustScalerModel"
    model: ClassVar[tuple[str, ...]] = ("median", "range")

    @model_validator(mode="after")
    def _in_order(self) -> RobustScaler:
        lower, upper = self.quantiles()
        if lower >= upper:
            raise ValueError("'lower_quantile' must be below 'upper_quantile'")
        return self

    def quantiles(self) -> tuple[float, float]:
        """The shares the range lies between."""
        lower, upper = self.lower_quantile, self.upper_quantile
        return 0.25 if lower is None else lower, 0.75 if upper is None else upper

    def hashed(self) -> Mapping[str, Any]:
        names = ("center", "scale", "lower_quantile", "upper_quantile")
        return {name: getattr(self, name) for name in names}

    def settings(self) -> Mapping[str, Any]:
        lower, upper = self.quantiles()
        ends = {"lower": float(lower), "upper": float(upper)}
        return {**ends, "withCentering": bool(self.center), "withScaling": self.scale is not False}

    def learn(self, table: Any, column: str, run: Run) -> Sequence[Any]:
        from ..statistics import quantiles

        lower, upper = self.quantiles()
        [[low, median, high]] = quantiles(table, [column], [lower, 0.5, upper], run)
        return (None, None) if median is None else (float(median), float(high) - float(low))


@operator(_id, "Scale values", "Min-max scaler", keys=_keys)
class MinMaxScaler(Scaler):
    """Move the least value to min and the greatest to max; a column that does not vary to the middle."""

    min: int | float | None = None
    max: int | float | None = None
    words: ClassVar[str] = "min-max"
    trained_block: ClassVar[str] = "min_max_scaler_parameters"
    kind: ClassVar[str] = "MinMaxScalerModel"
    model: ClassVar[tuple[str, ...]] = ("originalMin", "originalMax")

    @model_validator(mode="after")
    def _in_order(self) -> MinMaxScaler:
        least, greatest = self.ends()
        if not (math.isfinite(least) and math.isfinite(greatest) and least < greatest):
            raise ValueError("'min' must be below 'max'")
        return self

    def ends(self) -> tuple[float, float]:
        """Where the least and the greatest value go."""
        least, greatest = self.min, self.max
        return 0.0 if least is None else float(least), 1.0 if greatest is None else float(greatest)

    def hashed(self) -> Mapping[str, Any]:
        return {"min": self.min, "max": self.max}

    def settings(self) -> Mapping[str, Any]:
        return dict(zip(("min", "max"), self.ends(), strict=True))

    def learn(self, table: Any, column: str, run: Run) -> Sequence[Any]:
        [found] = run.statistics(table, [column])
        return found.least, found.greatest

    def scaled(self, number: Any, learned: Sequence[float]) -> Any:
        import ibis

        least, greatest = learned
        low, high = self.ends()
        factor = (high - low) / (greatest - least) if greatest != least else 0.0
        if not factor:
            return number.isnan().ifelse(ibis.literal(math.nan), (low + high) / 2)
        return (number - least) * factor + low


@operator(_id, "Scale values", "Max absolute scaler", keys=_keys)
class MaxAbsoluteScaler(Scaler):
    """Divide by the greatest absolute value."""

    words: ClassVar[str] = "max absolute"
    trained_block: ClassVar[str] = "max_absolute_scaler_parameters"
    kind: ClassVar[str] = "MaxAbsScalerModel"
    model: ClassVar[tuple[str, ...]] = ("maxAbs",)

    def learn(self, table: Any, column: str, run: Run) -> Sequence[Any]:
        [found] = run.statistics(table, [column])
        if found.least is None or found.greatest is None:
            return (None,)
        return (max(abs(found.least), abs(found.greatest)),)

    def scaled(self, number: Any, learned: Sequence[float]) -> Any:
        return number / (learned[0] or 1.0)
