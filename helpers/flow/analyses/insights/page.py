"""The insights report as one page of HTML: nothing is loaded from elsewhere, and no script runs."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path

from . import sections
from .model import written
from .remarks import Remark, severities
from .report import Report

_kinds = {
    "numeric": "#0072B2", "categorical": "#009E73", "binary": "#56B4E9", "text": "#CC79A7",
    "datetime": "#E69F00", "empty": "#9aa5b1",
}  # fmt: skip


def page(report: Report) -> str:
    """The whole page."""
    parts = [("summary", "Summary", _summary(report)), ("warnings", "Warnings", _warnings(report))]
    if report.target is not None:
        parts.append(("target", "Target", sections.target(report)))
        parts.append(("model", "Quick model", sections.model(report)))
    parts.append(("features", "Features", sections.features(report)))
    parts.append(("details", "Feature details", sections.details(report)))
    parts.append(("samples", "Samples", sections.samples(report)))
    parts.append(("definitions", "Definitions", _definitions(report)))
    links = "".join(f'<a href="#{key}">{name}</a>' for key, name, _ in parts)
    body = "".join(f'<section id="{key}"><h2>{name}</h2>{content}</section>' for key, name, content in parts)
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    said = f"<b>{report.rows:,}</b> rows and <b>{len(report.features)}</b> columns"
    said += f"; the target is <b>{escape(report.target.name)}</b>" if report.target else ""
    said += f" ({escape(report.note)})" if report.note else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>\n{style}</style></head><body>"
        f'<header><div class="inside"><p class="kind">Data quality and insights</p>'
        f"<h1>{escape(report.title)}</h1><p>{said}</p></div></header>"
        f'<nav><div class="inside">{links}</div></nav><main>{body}</main></body></html>\n'
    )


def _tile(value: str, name: str, alert: bool = False) -> str:
    return f'<div class="tile{" alert" if alert else ""}"><b>{value}</b><span>{name}</span></div>'


def _summary(report: Report) -> str:
    counts = Counter(remark.severity for remark in report.remarks)
    ratio = report.duplicates["duplicate_ratio"]
    tiles = [
        _tile(f"{report.rows:,}", "rows"),
        _tile(f"{len(report.features)}", "columns"),
        _tile(
            f"{report.missing_share:.1%}" if report.missing_share else "none",
            "cells without a value",
            report.missing_share > 0.2,
        ),
        _tile(f"{ratio:.2%}" if ratio else "none", "duplicate rows", ratio >= 0.1),
        _tile(f"{counts['High']}", "warnings of high severity", counts["High"] > 0),
    ]
    if report.model:
        name, value = report.model.headline
        tiles.append(_tile(f"{value:.3f}", f"quick model: {written(name)}"))
    kinds = Counter(each.kind for each in report.features)
    bar = "".join(
        f'<i style="flex:{kinds[kind]};background:{colour}" title="{kinds[kind]} {kind}"></i>'
        for kind, colour in _kinds.items()
        if kinds[kind]
    )
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{kinds[kind]} {kind}</span>'
        for kind, colour in _kinds.items()
        if kinds[kind]
    )
    tiled = f'<div class="tiles">{"".join(tiles)}</div>'
    return f'{tiled}<div class="kinds">{bar}</div><div class="legend">{legend}</div>'


def _warnings(report: Report) -> str:
    if not report.remarks:
        return '<p class="lead">Nothing suspicious was found.</p>'
    counts = Counter(remark.severity for remark in report.remarks)
    said = ", ".join(f"{counts[each]} {each.lower()}" for each in severities if counts[each])
    groups: dict[tuple[str, str], list[Remark]] = {}
    for remark in report.remarks:
        groups.setdefault((remark.severity, remark.title), []).append(remark)
    items = [_warning(group) for group in groups.values()]
    head, rest = items[:12], items[12:]
    more = (
        f"<details><summary><b>{len(rest)} more</b></summary>{''.join(rest)}</details>"
        if len(rest) > 2
        else "".join(rest)
    )
    return f'<p class="lead">By severity: {said}.</p>{"".join(head)}{more}'


def _warning(group: list[Remark]) -> str:
    """One warning; of several columns with the same one a list."""
    first = group[0]
    mark = {"High": "▲", "Medium": "◆", "Low": "○"}[first.severity]
    badge = f'<span class="badge {first.severity}">{mark} {first.severity}</span>'
    todo = f'<span class="todo">{escape(first.remedy)}</span>'
    if len(group) == 1:
        column = f" <code>{escape(first.column)}</code>" if first.column else ""
        said = f"<b>{escape(first.title)}</b>{column}<p>{escape(first.text)} {todo}</p>"
    else:
        lines = [f"<li><code>{escape(each.column)}</code>{escape(each.text)}</li>" for each in group]
        more = f"<details><summary>{len(lines) - 8} more</summary><ul>{''.join(lines[8:])}</ul></details>"
        said = (
            f"<b>{escape(first.title)}</b> in {len(group)} columns<p>{todo}</p><ul>{''.join(lines[:8])}</ul>"
        )
        said += more if len(lines) > 8 else ""
    return f'<div class="warning">{badge}<div>{said}</div></div>'


def _definitions(report: Report) -> str:
    words = {
        "Feature types": "numeric: numbers with more than two values; binary: two values; categorical: a set "
        "of values; text: many different texts; datetime: dates and moments.",
        "Missing": "null, an empty text, or blanks only.",
        "Outliers": "numbers beyond the median ± 5 robust standard deviations, which are those of the values "
        "clipped to their 5th and 95th percentile.",
        "Skew": "0 for a symmetric distribution; beyond ±3 it counts as skewed.",
        "Kurtosis": "how heavy the tails are; 3 for the normal distribution.",
    }
    if report.target is not None:
        words |= {
            "Prediction power": "a model of one feature, trained on 80 % of the rows and judged on 20 %: "
            "2·AUC−1 for classes, R² for numbers, not below 0.",
            "AUC": "the area under the receiver operating characteristic; 0.5 is guessing.",
            "Balanced accuracy": "the mean of the classes' recall.",
            "R²": "the share of the target's variance that is explained; 0 is always saying the mean.",
        }
    return (
        '<dl class="definitions">'
        + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in words.items())
        + "</dl>"
    )
