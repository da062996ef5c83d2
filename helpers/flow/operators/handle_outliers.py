"""Handle outliers: numbers outside thresholds, and rare values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from ..errors import OperatorError
from .base import listing, operator
from .per_column import PerColumn, put

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame
    from ..trained import Place

_id = "sagemaker.spark.handle_outliers_0.1"
Share = Annotated[float, Field(ge=0, le=1)]


class NumericOutliers(PerColumn):
    """Handle numbers outside thresholds; a column is judged after those before it were fixed."""

    fix_method: Literal["Clip", "Remove", "Invalidate"] | None = None
    judged: ClassVar[str] = ""
    """How it tells outliers, in words."""
    learns: ClassVar[str] = ""
    """The block that holds its thresholds among the trained parameters; empty when it learns none."""

    def describe(self) -> str:
        verb = {"Remove": "Remove rows with", "Invalidate": "Invalidate"}.get(self.fix_method or "", "Clip")
        return f"{verb} outliers of {listing(self.input_column)} ({self.judged})"

    def hashed(self) -> Mapping[str, Any]:
        """The parameters that the thresholds depend on, as Data Wrangler hashes them."""
        return {}

    def thresholds(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:
        """The least and the greatest number that is no outlier."""
        raise NotImplementedError

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        dtype = frame.table[column].type()
        if not dtype.is_numeric():
            raise OperatorError(
                f"'{column}' is {dtype}, and only numbers can be outliers",
                "Cast the column to long or float first.",
                "input_column",
            )
        lower, upper = self._known(column, run) or self._fitted(frame, column, run)
        run.log(f"  {column}: from {lower:g} to {upper:g}")
        return self._fixed(frame, column, lower, upper)

    def _known(self, column: str, run: Run) -> tuple[float, float] | None:
        from ..trained import number

        held = self._place(column).stored(run) if self.learns else {}
        lower, upper = number(held.get("lower_threshold")), number(held.get("upper_threshold"))
        return None if lower is None or upper is None else (lower, upper)

    def _fitted(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:
        lower, upper = self.thresholds(frame, column, run)
        if self.learns:
            self._place(column).keep(run, {"lower_threshold": lower, "upper_threshold": upper})
        return lower, upper

    def _place(self, column: str) -> Place:
        from ..trained import Place

        return Place((self.learns,), column, self.hashed(), several=len(self.input_column) > 1)

    def _fixed(self, frame: Frame, column: str, lower: float, upper: float) -> Frame:
        import ibis

        value = frame.table[column]
        output = self.output(column, column)
        if self.fix_method == "Remove":
            # Null and NaN are not between the thresholds: their rows go too.
            kept = frame.replace(frame.table.filter((value >= lower) & (value <= upper)))
            return kept if output == column else put(kept, output, kept.table[column])
        nan = value.isnan() if value.type().is_floating() else ibis.literal(False)
        if self.fix_method == "Invalidate":
            wrong = nan | (value < lower) | (value > upper)
            return put(frame, output, wrong.ifelse(ibis.null(value.type()), value))
        number = value.cast("float64")
        ends = ((nan, number), (value < lower, float(lower)), (value > upper, float(upper)))
        return put(frame, output, ibis.cases(*ends, else_=number))


def _spread(table: Any, column: str, deviations: float, run: Run) -> tuple[float, float]:
    """Mean plus and minus some sample deviations, over finite values; 0 and 0 for fewer than two."""
    [found] = run.statistics(table, [column], finite=True)
    if found.mean is None or found.deviation is None:
        return 0.0, 0.0
    width = deviations * found.deviation
    return found.mean - width, found.mean + width


def _quantiles(table: Any, column: str, lower: float, upper: float, run: Run) -> tuple[float, float] | None:
    from ..statistics import quantiles

    low, high = quantiles(table, [column], [lower, upper], run)[0]
    return None if low is None else (float(low), float(high))


@operator(_id, "Standard deviation numeric outliers")
class StandardDeviationOutliers(NumericOutliers):
    """Handle numbers far from the mean, counted in standard deviations."""

    standard_deviations: Annotated[int | float, Field(ge=0)] = 4.0
    judged: ClassVar[str] = "standard deviations"
    learns: ClassVar[str] = "standard_deviation_numeric_outliers_parameters"

    def hashed(self) -> Mapping[str, Any]:
        return {"standard_deviations": self.standard_deviations, "fix_method": self.fix_method}

    def thresholds(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:
        return _spread(frame.table, column, self.standard_deviations, run)


@operator(_id, "Robust standard deviation numeric outliers")
class RobustStandardDeviationOutliers(NumericOutliers):
    """Handle numbers far from the mean; mean and deviation are of the values between quantiles."""

    standard_deviations: Annotated[int | float, Field(ge=0)] = 4.0
    lower_quantile: Share = 0.25
    upper_quantile: Share = 0.75
    judged: ClassVar[str] = "robust standard deviations"
    learns: ClassVar[str] = "robust_standard_deviation_numeric_outliers_parameters"

    def hashed(self) -> Mapping[str, Any]:
        names = ("fix_method", "lower_quantile", "upper_quantile", "standard_deviations")
        return {name: getattr(self, name) for name in names}

    def thresholds(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:
        ends = _quantiles(frame.table, column, self.lower_quantile, self.upper_quantile, run)
        if ends is None:
            return 0.0, 0.0
        value = frame.table[column]
        inner = frame.table.filter((value >= ends[0]) & (value <= ends[1]))
        return _spread(inner, column, self.standard_deviations, run)


@operator(_id, "Quantile numeric outliers")
class QuantileOutliers(NumericOutliers):
    """Handle numbers beyond quantiles."""

    lower_quantile: Share = 0.01
    upper_quantile: Share = 0.99
    judged: ClassVar[str] = "quantiles"
    learns: ClassVar[str] = "quantile_numeric_outliers_parameters"

    def hashed(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in ("fix_method", "lower_quantile", "upper_quantile")}

    def thresholds(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:
        ends = _quantiles(frame.table, column, self.lower_quantile, self.upper_quantile, run)
        return ends or (0.0, 0.0)


@operator(_id, "Min-max numeric outliers")
class MinMaxOutliers(NumericOutliers):
    """Handle numbers beyond given thresholds."""

    lower_threshold: Annotated[float, Field(allow_inf_nan=False)]
    upper_threshold: Annotated[float, Field(allow_inf_nan=False)]
    judged: ClassVar[str] = "given thresholds"

    @model_validator(mode="after")
    def _in_order(self) -> MinMaxOutliers:
        if self.lower_threshold > self.upper_threshold:
            raise ValueError("'lower_threshold' is above 'upper_threshold'")
        return self

    def thresholds(self, frame: Frame, column: str, run: Run) -> tuple[float, float]:  # noqa: ARG002
        return self.lower_threshold, self.upper_threshold


@operator(_id, "Replace rare values")
class ReplaceRareValues(PerColumn):
    """Replace values that are rare, and null, by a text"""

    replacement_string: str | None = None
    absolute_threshold: Annotated[int, Field(ge=0)] = 10
    fraction_threshold: Share = 0.005
    max_common_categories: Annotated[int, Field(ge=0, le=100)] = 0

    def describe(self) -> str:
        return f"Replace rare values of {listing(self.input_column)} by {self.replacement_string}"

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        import ibis

        from ..casting import cast
        from ..trained import Place, plain

        names = ("replacement_string", "absolute_threshold", "fraction_threshold", "max_common_categories")
        hashed = {name: getattr(self, name) for name in names}
        several = len(self.input_column) > 1
        place = Place(("replace_rare_values_parameters",), column, hashed, several)
        common = place.stored(run).get("common_categories")
        if not isinstance(common, list):
            common = [plain(each) for each in self._common(frame, column, run)]
            place.keep(run, {"common_categories": common})
        value = frame.table[column]
        dtype = value.type()
        in_text = dtype.is_temporal() or dtype.is_decimal()
        literals = [ibis.literal(each) for each in common if each is not None]
        known = [each.cast(dtype) for each in literals] if in_text else literals
        is_common = value.isin(known) if known else ibis.literal(False)
        if self.replacement_string is None:
            new = is_common.ifelse(value, ibis.null(value.type()))
        else:
            new = is_common.ifelse(cast(value, "string"), self.replacement_string)
        return put(frame, self.output(column, column), new)

    def _common(self, frame: Frame, column: str, run: Run) -> list[Any]:
        """The frequent values; null counts as one. Equally frequent ones, left open by Spark, by value."""
        import ibis

        counts = frame.table.select(value=frame.table[column]).group_by("value")
        counted = counts.aggregate(count=lambda t: t.count())
        total = run.row(counted.aggregate(total=counted["count"].sum()))["total"] or 0
        threshold = max(self.fraction_threshold * int(total), self.absolute_threshold)
        often = counted.filter(counted["count"] > threshold).order_by([ibis.desc("count"), "value"])
        if self.max_common_categories:
            often = often.limit(self.max_common_categories)
        return [row["value"] for row in run.rows(often)]
