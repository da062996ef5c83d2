"""Bias report: does the label treat the groups of a facet alike? SageMaker Clarify's pre-training metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from ..errors import OperatorError
from .base import Finding, Lowered, Visualization, operator
from .clarify import explain, meanings

if TYPE_CHECKING:
    import numpy as np

    from .table import Table

_default, _most_groups = ("CI", "DPL", "JS"), 12


def _listed(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


Values = Annotated[tuple[str | int | float, ...], BeforeValidator(_listed)]
Choice = Annotated[Literal["value", "threshold"], Lowered]
Metrics = Mapping[str, bool]


@operator("sagemaker.visualizations.bias_report_0.1")
class BiasReport(Visualization):
    """Bias of a label between the groups of a facet, before a model is trained.

    Each value of the facet (or those given, together) is compared with all other rows; with a threshold the
    rows above it. Rows without a value of label or facet are left out. Names of thresholds are the
    documentation's: no flow with one has been seen.
    """

    label_name: str
    facet_name: str
    is_label_value_or_threshold: Choice = "value"
    is_facet_value_or_threshold: Choice = "value"
    label_values: Annotated[
        Values,
        Field(validation_alias=AliasChoices("label_values", "label_threshold", "label_value_or_threshold")),
    ]
    facet_values: Annotated[
        Values,
        Field(validation_alias=AliasChoices("facet_values", "facet_threshold", "facet_value_or_threshold")),
    ] = ()
    group_name: str | None = None
    show_additional_metrics: Annotated[Literal["yes", "no"], Lowered] = "no"
    metrics: Metrics = Field(default_factory=dict)
    default_metrics: Metrics = Field(default_factory=dict)
    additional_metrics: Metrics = Field(default_factory=dict)

    @field_validator("metrics", "default_metrics", "additional_metrics")
    @classmethod
    def _known(cls, chosen: Metrics) -> Metrics:
        strange = [name for name in chosen if name not in meanings]
        if strange:
            raise ValueError(f"unknown metric {strange[0]}; known are {', '.join(meanings)}")
        return chosen

    def describe(self) -> str:
        return f"Bias report of {self.label_name} by {self.facet_name}"

    def chosen(self) -> list[str]:
        """The metrics asked for, in the documentation's order."""
        given = {**self.default_metrics, **self.additional_metrics, **self.metrics}
        if not given:
            given = dict.fromkeys(_default, True)
        return [name for name in meanings if given.get(name)]

    def analyze(self, table: Table) -> Finding:
        import numpy as np

        from .measures import measure

        label, facet = table.name(self.label_name, "label_name"), table.name(self.facet_name, "facet_name")
        group = table.name(self.group_name, "group_name") if self.group_name else None
        metrics = self.chosen()
        if "CDDL" in metrics and group is None:
            raise OperatorError(
                "CDDL needs the column of subgroups", "Name it, or leave CDDL out.", "group_name"
            )
        there = (table.data[label].notna() & table.data[facet].notna()).to_numpy()
        if not there.any():
            raise OperatorError(
                "no row has a value of both label and facet", "Look at its input.", "label_name"
            )
        by_label = self.is_label_value_or_threshold == "value"
        positive = _chosen(table, label, self.label_values, by_label, there, "label_values")
        outcome = f"{label} {_said(self.label_values, by_label)}"
        if not 0 < positive.sum() < len(positive):
            every = "every" if positive.all() else "no"
            raise OperatorError(
                f"{every} row has a positive outcome ({outcome})", "Set other values.", "label_values"
            )
        by_facet = self.is_facet_value_or_threshold == "value"
        if not by_facet and not self.facet_values:
            raise OperatorError("a threshold of the facet is missing", "Give one.", "facet_values")
        groups = self._groups(table, facet, there, by_facet)
        inside = table.data[group][there].astype(str).to_numpy() if group else None
        results = []
        for name, member in groups:
            if not 0 < member.sum() < len(member):
                every = "every" if member.all() else "no"
                raise OperatorError(
                    f"{every} row is in the group {facet} {name}", "Set others.", "facet_values"
                )
            found = {metric: measure(metric, member, positive, inside) for metric in metrics}
            results.append(
                {
                    "facet": name,
                    "rows": int(member.sum()),
                    "positive": float(positive[member].mean()),
                    "positive_of_the_others": float(positive[~member].mean()),
                    "metrics": found,
                }
            )
        numbers = {
            **table.rows,
            "label": label,
            "positive_outcome": outcome,
            "facet": facet,
            "group": group,
            "rows_left_out": int((~there).sum()),
            "facets": results,
            "metric_names": {metric: meanings[metric] for metric in metrics},
        }
        figure = _draw(
            self.name or "Bias report", table, outcome, facet, results, metrics, int(np.sum(~there))
        )
        return Finding(figure, numbers)

    def _groups(
        self, table: Table, facet: str, there: np.ndarray, by_value: bool
    ) -> list[tuple[str, np.ndarray]]:
        from .table import as_categories

        if self.facet_values:
            return [
                (
                    _said(self.facet_values, by_value),
                    _chosen(table, facet, self.facet_values, by_value, there, "facet_values"),
                )
            ]
        values = as_categories(table.data[facet])[there]
        counts = values.value_counts()
        if len(counts) > 100:
            raise OperatorError(
                f"'{facet}' has {len(counts):,} values",
                "Name the values to look at, or a threshold.",
                "facet_values",
            )
        names = sorted(counts.index, key=lambda name: (-counts[name], str(name)))
        return [(f"= {name}", (values == name).to_numpy()) for name in names]


def _said(values: tuple[Any, ...], by_value: bool) -> str:
    texts = ", ".join(map(str, values))
    return (f"= {texts}" if len(values) == 1 else f"in {texts}") if by_value else f"> {texts}"


def _chosen(
    table: Table, column: str, values: tuple[Any, ...], by_value: bool, there: np.ndarray, parameter: str
) -> np.ndarray:
    """Which rows have one of these values, or lie above the threshold, as Clarify counts them."""
    from .table import as_categories

    data = table.data[column][there]
    if by_value:
        numeric = table.types[column] in ("long", "float")
        wanted = [_plain(value) if numeric else str(value) for value in values]
        wanted = [value.lower() for value in wanted] if table.types[column] == "bool" else wanted
        return as_categories(data).isin(wanted).to_numpy()
    table.number(column, parameter)
    if len(values) != 1 or not re.fullmatch(r"\s*[-+]?[\d.]+([eE][-+]?\d+)?\s*", str(values[0])):
        raise OperatorError("a threshold must be one number", f"Not {values!r}.", parameter)
    return (data.astype(float) > float(values[0])).to_numpy()


def _plain(value: object) -> str:
    from .table import short

    try:
        return short(float(str(value)))
    except ValueError:
        return str(value)


def _draw(
    title: str,
    table: Table,
    outcome: str,
    facet: str,
    results: list[dict[str, Any]],
    metrics: list[str],
    lost: int,
) -> Any:
    import numpy as np

    from . import style

    shown = results[:_most_groups]
    said = f"Positive outcome: {outcome}. Each group of {facet} against all other rows"
    remarks = [table.note, f"{lost:,} rows without label or facet are left out" if lost else ""]
    remarks += [
        f"{len(results) - len(shown)} smaller groups are not shown" if len(results) > len(shown) else ""
    ]
    count = len(shown)
    high = max(0.42 * count + 0.9, 1.5)
    lines = -(-(len(metrics) + 1) // 4)
    columns = min(len(metrics) + 1, 4)
    note = "; ".join(filter(None, [*remarks, explain(metrics)]))
    figure = style.canvas(title, said, note, width=max(2.7 * columns, 8), height=high * lines)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
    places = np.arange(count)[::-1]
    for axes in grid.flat[len(metrics) + 1 :]:
        axes.set_visible(False)
    first = grid.flat[0]
    rates = [each["positive"] for each in shown]
    rest = [each["positive_of_the_others"] for each in shown]
    first.hlines(places, rates, rest, color=style.line, linewidth=2.5)
    first.scatter(rest, places, color=style.grey, s=42, zorder=3, label="the others")
    first.scatter(rates, places, color=style.orange, s=52, zorder=4, label="this group")
    first.set_title("Share of positive outcomes")
    first.set_xlim(0, 1)
    first.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    figure.legend(loc="upper right", bbox_to_anchor=(0.99, 1), ncols=2, handletextpad=0.1, columnspacing=0.8)
    for axes, metric in zip(list(grid.flat)[1:], metrics, strict=False):
        values = [each["metrics"][metric] for each in shown]
        numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
        signed = metric in ("CI", "DPL", "CDDL")
        axes.barh(places, np.nan_to_num(numbers), color=style.blue, height=0.5)
        widest = max(float(np.nanmax(np.abs(numbers), initial=0)), 0.05)
        axes.set_xlim((-1.8 * widest if signed else 0), 1.8 * widest)
        for place, value in zip(places, numbers, strict=True):
            side = -5 if value < 0 else 5
            text = "none" if np.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000").replace("-", "−")
            axes.annotate(
                text, (0 if np.isnan(value) else value, place), xytext=(side, 0), textcoords="offset points",
                va="center", ha="right" if side < 0 else "left", size=9, color=style.soft,
            )  # fmt: skip
        axes.axvline(0, color=style.soft, linewidth=1)
        axes.set_title(
            f"{metric}: {meanings[metric][:1].lower()}{meanings[metric][1:]}"
            if len(meanings[metric]) < 20
            else metric
        )
        axes.set_xticks([])
    for axes in grid.flat[: len(metrics) + 1]:
        axes.set_ylim(-0.6, count - 0.4)
        axes.set_yticks(
            places,
            [f"{style.cut(each['facet'].removeprefix('= '), 18)}  ({each['rows']:,})" for each in shown],
        )
        axes.tick_params(axis="y", labelcolor=style.ink)
        style.quiet(axes, "y")
        axes.grid(False)
    for axes, metric in zip(list(grid.flat)[1:], metrics, strict=False):
        axes.spines["left"].set_visible(metric not in ("CI", "DPL", "CDDL"))
    first.grid(axis="x")
    return figure
