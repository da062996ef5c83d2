"""The sections of the report's page: target, quick model, features, samples."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from ..style import cut, number
from . import charts
from .features import Feature
from .model import QuickModel, written
from .remarks import Remark
from .report import Report

_most_details, _most_cells = 200, 14


def _distribution(feature: Feature, width: int = 460, height: int = 150) -> str:
    if feature.counts and feature.moments:
        return charts.histogram(
            feature.counts, feature.edges, width, height, ends=feature.moments, moments=True
        )
    if feature.counts and feature.kind == "numeric":
        return charts.histogram(
            feature.counts, feature.edges, width, height, limits=feature.limits, ends=feature.ends
        )
    if feature.labels and feature.labels[0][1] == 1:
        texts = "".join(f"<li>{escape(cut(label, 70))}</li>" for label, _ in feature.labels[:6])
        return f'No value is there twice; for example<ul class="examples">{texts}</ul>'
    return charts.rows_of_bars(feature.labels, max(feature.valid, 1)) if feature.labels else ""


def _statistics(feature: Feature) -> str:
    pairs = [("valid", f"{feature.valid:,} ({feature.valid / feature.rows:.1%})")]
    pairs.append(("missing", f"{feature.missing:,}"))
    pairs.append(("distinct", f"{feature.distinct:,}"))
    if feature.moments:
        pairs += [("first", feature.moments[0]), ("last", feature.moments[1])]
    if feature.numbers and feature.kind == "numeric":
        for name in ("min", "median", "mean", "max", "stddev", "skew", "kurtosis"):
            pairs.append((name, number(feature.numbers[name])))
        pairs.append(("outliers", f"{feature.outliers:,}"))
    if feature.power is not None:
        pairs.append(("prediction power", f"{feature.power:.3f}"))
    items = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<dl class="statistics">{items}</dl>'


def target(report: Report) -> str:
    target, aim = report.target, report.aim
    assert target is not None and aim is not None
    if aim.classify:
        said = f"{target.distinct:,} classes; a classification problem."
        chart = charts.rows_of_bars(target.labels, max(target.valid, 1), 24)
    else:
        said = "A number; a regression problem."
        limits = target.limits
        chart = charts.histogram(target.counts, target.edges, 520, 190, limits=limits, ends=target.ends)
        if target.outliers:
            chart += '<p class="more">Orange bars hold outliers.</p>'
    columns = f"<div>{chart}</div><div>{_statistics(target)}</div>"
    return f'<p class="lead">{said}</p><div class="columns">{columns}</div>'


def model(report: Report) -> str:
    model = report.model
    if model is None:
        return '<p class="lead">There are too few rows with a target, or too few classes, for a model.</p>'
    said = (
        f"XGBoost with its default settings, trained on {model.train_rows:,} rows and judged on "
        f"{model.validation_rows:,} others. It tells what to expect of a model before any work "
        "on the features."
    )
    positive = (
        f" Precision, recall and F1 are those of class <b>{escape(model.positive)}</b>."
        if model.positive
        else ""
    )
    guess = "always the mean" if not model.classes else "always the largest class"
    rows = "".join(
        f'<tr><td class="name">{written(name)}</td><td class="r"><b>{_score(validation)}</b></td>'
        f'<td class="r soft">{_score(train)}</td><td class="r soft">{_score(base)}</td></tr>'
        for name, (train, validation, base) in model.scores.items()
    )
    table = (
        f'<table><tr><th>metric</th><th class="r">validation</th><th class="r">training</th>'
        f'<th class="r">{guess}</th></tr>{rows}</table>'
    )
    confusion = (
        f"<div><h3>Confusion matrix of the validation rows</h3>{_confusion(model)}</div>"
        if model.confusion
        else ""
    )
    return f'<p class="lead">{said}{positive}</p><div class="columns"><div>{table}</div>{confusion}</div>'


def _score(value: float | None) -> str:
    if value is None or abs(value) > 1:
        return number(value)
    return f"{value:.3f}".replace("-0.000", "0.000").replace("-", "−")


def _confusion(model: QuickModel) -> str:
    if len(model.classes) > 12:
        return f'<p class="more">{len(model.classes)} classes: the matrix is in the numbers (JSON).</p>'
    head = "".join(f'<th class="across">{escape(cut(name, 16))}</th>' for name in model.classes)
    lines = []
    for name, row in zip(model.classes, model.confusion, strict=True):
        cells = []
        for place, count in enumerate(row):
            share = count / max(sum(row), 1)
            right = model.classes[place] == name
            tint = (0, 114, 178) if right else (213, 94, 0)
            ink = "#fff" if share > 0.55 else "inherit"
            back = f"rgba({tint[0]},{tint[1]},{tint[2]},{0.06 + 0.9 * share:.2f})"
            small = "" if len(model.classes) > 6 else f"<small>{share:.0%}</small>"
            cells.append(f'<td style="background:{back};color:{ink}">{count:,}{small}</td>')
        lines.append(f'<tr><th class="r">{escape(cut(name, 16))}</th>{"".join(cells)}</tr>')
    span = len(model.classes)
    return (
        f'<div class="wide"><table class="confusion"><tr><th class="r">true ↓</th>'
        f'<th class="across" colspan="{span}">predicted</th></tr><tr><th></th>{head}</tr>'
        f"{''.join(lines)}</table></div>"
    )


def _spark(feature: Feature) -> str:
    if feature.counts and feature.kind in ("numeric", "datetime"):
        return charts.histogram(feature.counts, feature.edges, 110, 26, axis=False)
    return charts.strip(feature.labels, max(feature.valid, 1), 110, 12) if feature.labels else ""


def _breakable(name: str) -> str:
    """A column's name that a narrow page may break after its underscores."""
    return escape(name).replace("_", "_<wbr>")


def _anchor(place: int) -> str:
    return f"feature-{place}"


def features(report: Report) -> str:
    powers = any(each.power is not None for each in report.features)
    worst: dict[str, str] = {}
    for remark in report.remarks:
        worst.setdefault(remark.column, remark.severity)
    head = '<th>feature</th><th class="extra">type</th>' + ("<th>prediction power</th>" if powers else "")
    head += '<th>distribution</th><th class="r extra">missing</th><th class="r extra">distinct</th>'
    head += '<th class="extra">range, or most frequent</th><th></th>'
    lines = []
    for place, each in enumerate(report.ranked[:_most_details]):
        power = ""
        if powers:
            value = each.power or 0.0
            leak = ' class="leak"' if value >= 0.95 else ""
            meter = f'<span class="meter"><i{leak} style="width:{100 * value:.0f}%"></i></span>'
            power = f'<td class="power">{meter}{value:.3f}</td>'
        said = ""
        if each.moments:
            said = f"{each.moments[0]} to {each.moments[1]}"
        elif each.kind == "numeric":
            said = f"{number(each.numbers['min'])} to {number(each.numbers['max'])}"
        elif each.labels:
            said = escape(", ".join(cut(label, 18) for label, _ in each.labels[:2]))
        badge = worst.get(each.name)
        mark = f'<a href="#warnings"><span class="badge {badge}">{badge}</span></a>' if badge else ""
        link = f'<a href="#{_anchor(place)}">{_breakable(each.name)}</a>'
        missing = f"{each.missing / each.rows:.1%}" if each.missing else "–"
        lines.append(
            f'<tr><td class="name">{link}</td><td class="soft extra">{each.kind}</td>{power}'
            f"<td>{_spark(each)}</td>"
            f'<td class="r extra">{missing}</td><td class="r extra">{each.distinct:,}</td>'
            f'<td class="soft extra">{said}</td><td>{mark}</td></tr>'
        )
    lead = "Prediction power is how well a column predicts the target alone: 0 is guessing, 1 is perfect, "
    lead += "and suspicious."
    lead = f'<p class="lead">{lead}</p>' if powers else ""
    left = len(report.ranked) - len(lines)
    more = f'<p class="more">{left:,} more features are in the numbers (JSON).</p>' if left > 0 else ""
    return f'{lead}<div class="wide"><table class="full"><tr>{head}</tr>{"".join(lines)}</table></div>{more}'


def details(report: Report) -> str:
    parts = []
    by_column: dict[str, list[Remark]] = {}
    for remark in report.remarks:
        by_column.setdefault(remark.column, []).append(remark)
    for place, each in enumerate(report.ranked[:_most_details]):
        badges = "".join(
            f'<span class="badge {remark.severity}">{escape(remark.title)}</span> '
            for remark in by_column.get(each.name, [])
        )
        opened = " open" if place < 3 else ""
        parts.append(
            f'<details id="{_anchor(place)}"{opened}><summary><b>{escape(each.name)}</b>'
            f"<span>{each.kind}</span>{badges}"
            f'</summary><div class="inside columns"><div>{_distribution(each)}</div>'
            f"<div>{_statistics(each)}</div></div></details>"
        )
    left = len(report.ranked) - len(parts)
    more = f'<p class="more">{left} more features are in the numbers (JSON).</p>' if left > 0 else ""
    return "".join(parts) + more


def _cell(value: Any) -> str:
    if value is None or value is pd.NaT or value != value:
        return "–"
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    return escape(number(float(value)) if isinstance(value, int | float) else cut(value, 28))


def samples(report: Report) -> str:
    shown = [each.name for each in ([report.target] if report.target else []) + report.ranked][:_most_cells]
    left = len(report.features) - len(shown)
    cut_off = f'<p class="more">{left} more columns are in the numbers (JSON).</p>' if left > 0 else ""
    heads = "".join(f"<th>{escape(cut(name, 22))}</th>" for name in shown)
    if report.samples:
        lines = "".join(
            f'<tr><td class="r">{each.row:,}</td><td class="r">{each.score:.3f}</td>'
            + "".join(
                f"<td{' class=odd' if name in each.odd else ''}>{_cell(each.values[name])}</td>"
                for name in shown
            )
            + "</tr>"
            for each in report.samples
        )
        odd = (
            '<p class="lead">The rows that an isolation forest tells from the others most easily: the '
            f"lower the score, the more unusual; {report.anomalies:,} rows have one below 0. "
            "Coloured values are rare in their column.</p>"
            f'<div class="wide"><table class="samples"><tr><th class="r">row</th><th class="r">score</th>'
            f"{heads}</tr>{lines}"
            f"</table></div>{cut_off}"
        )
    else:
        odd = '<p class="lead">There are too few rows to say which are unusual.</p>'
    repeats = report.duplicates["most_frequent"]
    if repeats:
        lines = "".join(
            f'<tr><td class="r"><b>{each["count"]:,}</b></td>'
            + "".join(f"<td>{_cell(each['row'][name])}</td>" for name in shown)
            + "</tr>"
            for each in repeats[:5]
        )
        count, share = report.duplicates["duplicate_rows"], report.duplicates["duplicate_ratio"]
        same = (
            f'<p class="lead">{count:,} rows ({share:.2%}) repeat an earlier one. The most '
            'frequent:</p><div class="wide">'
            f'<table class="samples"><tr><th class="r">times</th>{heads}</tr>{lines}</table></div>'
        )
    else:
        same = '<p class="lead">No row is there twice.</p>'
    return f"<h3>Anomalous samples</h3>{odd}<h3>Duplicate rows</h3>{same}"
