"""Data Quality and Insights Report: what is in the data, what may harm a model, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    from .insights.report import Report
    from .table import Table

_most_samples, _most_duplicates, _most_bars = 8, 10, 10


def _absent(value: object) -> object:
    return None if value == "" else value


def _problem(value: object) -> object:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in ("", "none", "auto"):
        return None if value is None or isinstance(value, str) else value
    return "Regression" if text == "regression" else "Classification" if "classification" in text else value


class InsightsParameters(BaseModel):
    """What the report is to predict, if anything."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    target_column: Annotated[str | None, BeforeValidator(_absent)] = None
    problem_type: Annotated[Literal["Classification", "Regression"] | None, BeforeValidator(_problem)] = None


@operator("sagemaker.visualizations.data_insights_report_0.1")
class DataInsightsReport(Visualization):
    """Data quality and insights report

    What Data Wrangler keeps of its own report in the flow is not used: the report is made from the data.
    """

    insights_report_parameters: InsightsParameters = Field(default_factory=InsightsParameters)
    report_content: str = "Summary"

    def describe(self) -> str:
        target = self.insights_report_parameters.target_column
        return "Data quality and insights report" + (f" for {target}" if target else "")

    def analyze(self, table: Table) -> Finding:
        from .duplicate_rows import duplicates
        from .insights.features import describe
        from .insights.model import fit, need_rows, read_target
        from .insights.page import page
        from .insights.remarks import remarks
        from .insights.report import Report
        from .insights.samples import anomalous

        need_rows(table)
        asked = self.insights_report_parameters
        target = table.name(asked.target_column, "target_column") if asked.target_column else None
        features = [describe(table, name) for name in table.data.columns]
        aim = model = None
        if target:
            aim = read_target(table, target, asked.problem_type)
            model, powers = fit(table, aim)
            for each in features:
                each.power = powers.get(each.name)
        of_target = next((each for each in features if each.name == target), None)
        repeated = duplicates(table.data, _most_duplicates)
        samples, anomalies = anomalous(table, features, _most_samples)
        found = remarks(features, of_target, aim, model, repeated["duplicate_ratio"])
        title = self.heading("Data quality and insights report")
        report = Report(
            title,
            table.note,
            len(table.data),
            features,
            of_target,
            aim,
            model,
            found,
            repeated,
            samples,
            anomalies,
        )
        return Finding(_picture(report), _numbers(report, table), page(report))


def _numbers(report: Report, table: Table) -> dict[str, Any]:
    model, aim = report.model, report.aim
    numbers: dict[str, Any] = {
        **table.rows,
        "columns": len(report.features),
        "missing_ratio": report.missing_share,
        "duplicate_ratio": report.duplicates["duplicate_ratio"],
        "warnings": [
            {
                "severity": each.severity,
                "title": each.title,
                "column": each.column or None,
                "text": each.text,
                "remedy": each.remedy,
            }
            for each in report.remarks
        ],
    }
    if aim:
        numbers |= {"target_column": aim.name, "problem_type": aim.problem_type}
        if aim.classify:
            numbers["y_map"] = {str(place): name for place, name in enumerate(aim.classes)}
    if model:
        numbers["quick_model"] = {
            "training_rows": model.train_rows,
            "validation_rows": model.validation_rows,
            "training": {name: scores[0] for name, scores in model.scores.items()},
            "validation": {name: scores[1] for name, scores in model.scores.items()},
            "guessing": {name: scores[2] for name, scores in model.scores.items()},
            "classes": model.classes,
            "confusion_matrix": model.confusion,
            "importances": model.importances,
        }
    numbers["col_types"] = {each.name: each.kind for each in report.features}
    numbers["col_stats"] = {each.name: each.as_numbers() for each in report.features}
    numbers["duplicates"] = report.duplicates
    numbers["anomalous_rows"] = report.anomalies
    numbers["anomalous_samples"] = [
        {"row": each.row, "score": each.score, "values": each.values} for each in report.samples
    ]
    return numbers


def _picture(report: Report) -> Any:
    """The report in one picture: warnings, target and prediction power."""
    from . import style
    from .insights.model import written

    counts = {
        severity: sum(each.severity == severity for each in report.remarks)
        for severity in ("High", "Medium", "Low")
    }
    ratio = report.duplicates["duplicate_ratio"]
    said = f"{report.rows:,} rows, {len(report.features)} columns, "
    said += (
        f"{report.missing_share:.1%} of the cells missing, " if report.missing_share else "no cell missing, "
    )
    said += f"{ratio:.2%} duplicate rows" if ratio else "no duplicate rows"
    if report.model:
        name, value = report.model.headline
        said += f".  Quick model of {report.aim.name if report.aim else ''}: {written(name)} {value:.3f}"
    ranked = report.ranked[:_most_bars]
    shown = report.remarks[:_most_bars]
    height = max(0.31 * max(len(ranked) + 1, len(shown)) + 0.9, 3.0)
    figure = style.canvas(report.title, said, report.note, width=10.4, height=height)
    left, right = figure.subplots(1, 2, width_ratios=[1.05, 1])
    _draw_warnings(left, report, shown, counts)
    if any(each.power is not None for each in report.features):
        names, powers = [each.name for each in ranked], [each.power or 0.0 for each in ranked]
        tints = [style.orange if value >= 0.95 else style.blue for value in powers]
        if report.model:
            # As one more feature: what the quick model makes of all of them, on the same scale.
            names, powers = ["all together", *names], [report.model.power, *powers]
            tints = [style.green, *tints]
        style.bars(right, names, powers, tints, "{:.3f}", 24)
        right.set(xlim=(0, 1.12), xticks=[0, 0.5, 1])
        right.set_title("Prediction power, together and alone" if report.model else "Prediction power")
    else:
        gaps = [each for each in report.features if each.missing] or report.features[:1]
        shares = sorted(gaps, key=lambda each: -each.missing)[:_most_bars]
        values = [100 * each.missing / each.rows for each in shares]
        style.bars(right, [each.name for each in shares], values, style.orange, "{:.1f} %", 24)
        right.set_xlim(0, 115)
        right.set_title("Missing values")
    return figure


def _draw_warnings(axes: Any, report: Report, shown: list[Any], counts: dict[str, int]) -> None:
    from . import style

    axes.set_axis_off()
    lines = max(len(shown), 1)
    axes.set(xlim=(0, 100), ylim=(max(lines, _most_bars - 2) + 0.1, -0.3))
    total = ", ".join(f"{count} {name.lower()}" for name, count in counts.items() if count)
    axes.set_title(f"Warnings: {total}" if total else "No warnings")
    tints = {"High": ("#fbe3d3", "#8f3b00"), "Medium": ("#fdf1d3", "#7a5600"), "Low": ("#e8edf2", "#485563")}
    for place, each in enumerate(shown):
        back, ink = tints[each.severity]
        box = {"boxstyle": "round,pad=0.3", "facecolor": back, "edgecolor": "none"}
        axes.text(1, place + 0.4, f"{each.severity:^8}", size=8, color=ink, va="center", bbox=box)
        axes.text(17, place + 0.4, each.title, size=9.5, va="center", weight="bold")
        axes.text(
            64, place + 0.4, style.cut(each.column or "the table", 24), size=9, color=style.soft, va="center"
        )
    if len(report.remarks) > len(shown):
        text = f"and {len(report.remarks) - len(shown)} more"
        axes.text(17, len(shown) + 0.3, text, size=9, color=style.soft, va="center")
