"""Time series: trend, season and rest, and the moments that neither explains.

The ids of these two analyses have not been seen in a flow. Several that fit the service's naming are
accepted; parameters are called as in the documentation and in the time series transforms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, Field

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    from .series import Taken
    from .table import Table

_most_series, _most_listed = 6, 1000


class _TimeSeries(Visualization):
    timestamp_column: Annotated[
        str,
        Field(validation_alias=AliasChoices("timestamp_column", "time_column", "datetime_column", "x_axis")),
    ]
    sequence_column: Annotated[
        str,
        Field(validation_alias=AliasChoices("sequence_column", "value_column", "target_column", "y_axis")),
    ]
    id_column: Annotated[str | None, Field(validation_alias=AliasChoices("id_column", "item_id_column"))] = (
        None
    )
    period: Annotated[
        int | None, Field(ge=2, validation_alias=AliasChoices("period", "seasonality", "seasonal_period"))
    ] = None

    def taken(self, table: Table) -> list[Taken]:
        """The series apart: one, or one for each id (the longest)."""
        from .series import moments_of, take
        from .table import as_categories

        moment = table.name(self.timestamp_column, "timestamp_column")
        value = table.number(self.sequence_column, "sequence_column")
        moments = moments_of(table, moment)
        values = table.data[value].astype(float)
        if self.id_column is None:
            return [take(value, moments, values, self.period)]
        labels = as_categories(table.data[table.name(self.id_column, "id_column")])
        counts = labels.value_counts()
        names = sorted(counts.index, key=lambda name: (-counts[name], str(name)))[:_most_series]
        return [
            take(str(name), moments[labels == name], values[labels == name], self.period) for name in names
        ]


@operator("sagemaker.visualizations.anomaly_detection_0.1")
@operator("sagemaker.visualizations.time_series_anomaly_detection_0.1")
class AnomalyDetection(_TimeSeries):
    """Moments whose rest lies more than so many standard deviations from the mean rest."""

    anomaly_threshold: Annotated[
        float,
        Field(
            gt=0,
            validation_alias=AliasChoices("anomaly_threshold", "threshold", "anomaly_detection_threshold"),
        ),
    ] = 3.0

    def describe(self) -> str:
        return f"Anomalies of {self.sequence_column} in time"

    def analyze(self, table: Table) -> Finding:
        import numpy as np

        from . import style

        series = self.taken(table)
        flagged = []
        for each in series:
            rest = each.parts.resid
            flagged.append(np.abs(rest - rest.mean()) > self.anomaly_threshold * rest.std(ddof=1))
        total = int(sum(map(np.sum, flagged)))
        moments = sum(len(each.values) for each in series)
        said = f"{total:,} of {moments:,} moments are anomalies: their rest, after "
        said += f"trend and season, is more than {self.anomaly_threshold:g} standard deviations from its mean"
        figure = style.canvas(
            f"Anomalies of {self.sequence_column}",
            said,
            _note(table, series),
            width=9.5,
            height=2.2 * len(series) + 1.2,
        )
        grid = figure.subplots(len(series), 1, squeeze=False, sharex=len(series) > 1)
        for axes, each, odd in zip(grid.flat, series, flagged, strict=True):
            spread = self.anomaly_threshold * each.parts.resid.std(ddof=1)
            expected = each.parts.trend + each.parts.seasonal + each.parts.resid.mean()
            axes.fill_between(
                each.moments, expected - spread, expected + spread, color=style.sky, alpha=0.35, linewidth=0,
                label="expected",
            )  # fmt: skip
            axes.plot(each.moments, each.values, color=style.ink, linewidth=0.9, label=self.sequence_column)
            axes.scatter(
                each.moments[odd], each.values[odd], color=style.orange, s=38, zorder=4, label="anomaly",
                edgecolor="white", linewidth=0.8,
            )  # fmt: skip
            if len(series) > 1:
                axes.set_title(style.cut(each.name, 60))
            _time_axis(axes)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        grid[0, 0].legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderpad=0)
        numbers = {
            **table.rows,
            "anomaly_threshold": self.anomaly_threshold,
            "series": [
                {
                    **each.numbers,
                    "anomalies": [
                        {
                            "moment": each.moments[place].isoformat(),
                            "value": each.values[place],
                            "residual": each.parts.resid[place],
                        }
                        for place in np.flatnonzero(odd)[:_most_listed]
                    ],
                    "anomaly_count": int(odd.sum()),
                }
                for each, odd in zip(series, flagged, strict=True)
            ],
        }
        return Finding(figure, numbers)


@operator("sagemaker.visualizations.seasonal_trend_decomposition_0.1")
@operator("sagemaker.visualizations.time_series_seasonal_trend_decomposition_0.1")
class SeasonalTrendDecomposition(_TimeSeries):
    """A series as trend, season and rest, by STL."""

    def describe(self) -> str:
        return f"Trend and season of {self.sequence_column}"

    def analyze(self, table: Table) -> Finding:
        from . import style

        series = self.taken(table)
        first = series[0]
        strengths = first.strengths
        said = f"Season of {first.period} {first.step}s.  Strength (0 to 1): "
        said += f"trend {strengths['trend_strength']:.2f}, season {strengths['seasonal_strength']:.2f}"
        title = f"Trend and season of {self.sequence_column}"
        title += f" ({self.id_column} = {style.cut(first.name)})" if self.id_column else ""
        note = _note(table, series)
        if len(series) > 1:
            note = "; ".join(filter(None, [note, f"the other {len(series) - 1} series are in the numbers"]))
        figure = style.canvas(title, said, note, width=9.5, height=6.2)
        grid = figure.subplots(4, 1, sharex=True)
        rows = (
            ("observed", first.values, style.ink),
            ("trend", first.parts.trend, style.orange),
            ("season", first.parts.seasonal, style.blue),
            ("rest", first.parts.resid, style.soft),
        )
        for axes, (name, values, colour) in zip(grid, rows, strict=True):
            if name == "rest":
                axes.axhline(0, color=style.line, linewidth=1)
                axes.plot(first.moments, values, ".", color=colour, markersize=2.5)
            else:
                axes.plot(first.moments, values, color=colour, linewidth=1.1 if name != "trend" else 2)
            axes.set_ylabel(name, color=colour, weight="bold")
            _time_axis(axes)
        numbers = {
            **table.rows,
            "series": [
                {
                    **each.numbers,
                    **each.strengths,
                    "moments": [moment.isoformat() for moment in each.moments[:_most_listed]],
                    "observed": each.values[:_most_listed].tolist(),
                    "trend": each.parts.trend[:_most_listed].tolist(),
                    "seasonal": each.parts.seasonal[:_most_listed].tolist(),
                    "residual": each.parts.resid[:_most_listed].tolist(),
                }
                for each in series
            ],
        }
        return Finding(figure, numbers)


def _note(table: Table, series: list[Taken]) -> str:
    filled = sum(each.filled for each in series)
    return "; ".join(
        filter(None, [table.note, f"{filled:,} missing moments are interpolated" if filled else ""])
    )


def _time_axis(axes: Any) -> None:
    from . import style

    style.moments(axes, 9)
    style.quiet(axes)
    axes.margins(x=0.01)
