"""The sections of the notebook in their order, from facts to Markdown."""

from collections import Counter
from collections.abc import Sequence

from . import pictures
from .column_sections import cardinality, descriptive, missing
from .facts import Facts, Finding, Insight, Sample, Section
from .notebook import Cell, show
from .pictures import Picture
from .target_section import target
from .writing import listed, name, share, table, text

MOST_FINDINGS = 8


def every(facts: Facts) -> list[Cell]:
    """All cells of the notebook."""
    return [
        Cell("Introduction", _introduction(facts)),
        _section(facts, "Dataset Summary", _summary(facts)),
        _section(facts, "Target Analysis", *target(facts.target)),
        _section(facts, "Data Sample", _data_sample(facts)),
        _section(facts, "Duplicate Rows", _duplicates(facts)),
        _section(facts, "Cross Column Statistics", *_relations(facts)),
        _section(facts, "Anomalous Rows", _anomalies(facts)),
        _section(facts, "Missing Values", *missing(facts)),
        _section(facts, "Cardinality", cardinality(facts)),
        _section(facts, "Descriptive Statistics", *descriptive(facts)),
        Cell("Definitions", _definitions()),
    ]


def _section(facts: Facts, title: Section, body: str, shown: Sequence[Picture] = ()) -> Cell:
    """A section: its heading, what should be done there, and its body."""
    own = [insight for insight in facts.insights if insight.section == title]
    titles = dict.fromkeys(insight.title for insight in own)
    advice = [_advice([insight for insight in own if insight.title == each]) for each in titles]
    parts = [f"## {title}", *advice, body]
    return Cell(title, "\n\n".join(part for part in parts if part), tuple(shown))


def _advice(insights: Sequence[Insight]) -> str:
    """Insights of one title, whose remedy is the same."""
    lines = [
        f"> **{insight.severity} severity: {insight.title.lower()}.** "
        f"{listed([_seen(finding) for finding in insight.findings], MOST_FINDINGS)}."
        for insight in insights
    ]
    return "\n>\n".join([*lines, f"> **What to do:** {insights[0].remedy}"])


def _seen(finding: Finding) -> str:
    said = text(finding.text, 200)
    return f"{name(finding.column)} {said}" if finding.column else said


def _introduction(facts: Facts) -> str:
    return (
        f"# Data exploration of the job {name(facts.job_name)}\n\n"
        "Autopilot looked at the training data before it trained anything. This notebook tells what it saw: "
        "what the columns are, what may harm a model, and what you can do about it. There is nothing to "
        "run. Correct the data where it pays, and start a new job."
    )


def _summary(facts: Facts) -> str:
    target = facts.target
    kinds = Counter(column.kind for column in facts.columns)
    found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: -one[1]))
    cells = sum(column.rows for column in facts.columns)
    gaps = sum(column.missing for column in facts.columns)
    rows = [
        ["Rows", f"{facts.rows:,}"],
        ["Rows that can be trained on", f"{target.valid:,}"],
        ["Target", name(target.name)],
        ["Problem type", _words(target.problem_type)],
        ["Features", f"{facts.features:,}"],
        ["Kinds of features", found or "–"],
        *([["Columns that are not used", listed([*map(name, facts.unused)])]] if facts.unused else []),
        ["Cells without a value", share(gaps / cells) if cells else "–"],
        ["Repeated rows", share(facts.duplicates.repeated / max(1, facts.duplicates.looked_at))],
    ]
    parts = [
        table(["Property", "Value"], rows),
        _scope(facts),
        "### What deserves attention",
        _attention(facts),
    ]
    return "\n\n".join(part for part in parts if part)


def _words(problem_type: str) -> str:
    return {
        "Regression": "Regression",
        "BinaryClassification": "Binary classification",
        "MulticlassClassification": "Multiclass classification",
    }.get(problem_type, text(problem_type))


def _scope(facts: Facts) -> str:
    said = []
    if facts.looked_at < facts.target.valid:
        said.append(
            f"Features are described from {facts.looked_at:,} rows drawn at random; the target and the "
            "repeated rows were looked for in more, as their sections say."
        )
    if len(facts.columns) < facts.features:
        said.append(f"Only the first {len(facts.columns):,} of {facts.features:,} features were looked at.")
    return " ".join(said)


def _attention(facts: Facts) -> str:
    if not facts.insights:
        return "Nothing was found that should be changed before training."
    rows = []
    for insight in facts.insights:
        where = listed([name(finding.column) for finding in insight.findings if finding.column], 5)
        rows.append([insight.severity, insight.title, where or "the whole table", insight.section])
    return table(["Severity", "What", "Where", "Section"], rows)


def _data_sample(facts: Facts) -> str:
    left = facts.features + 1 - len(facts.sample.columns)
    note = f" {left:,} more columns are left out." if left > 0 else ""
    return f"Some rows, drawn at random; the target comes first.{note}\n\n{_rows(facts.sample)}"


def _rows(sample: Sample, extra: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    header = ["Row", *(title for title, _ in extra), *(name(column) for column in sample.columns)]
    lines = [
        [f"{row:,}", *(cells[place] for _, cells in extra), *(text(cell, 40) for cell in cells_of_row)]
        for place, (row, cells_of_row) in enumerate(sample.rows)
    ]
    return table(header, lines, range(1 + len(extra)))


def _duplicates(facts: Facts) -> str:
    found = facts.duplicates
    part = "all" if found.looked_at == facts.rows else "a random sample of"
    said = f"Among {part} {found.looked_at:,} rows, "
    if not found.repeated:
        return f"{said}no two are the same in every column."
    said += (
        f"**{found.repeated:,}** ({share(found.repeated / found.looked_at)}) repeat an earlier one in every "
        "column, the target included."
    )
    if found.sample is None:
        return said
    times = [f"{count:,}" for _, count in found.examples]
    return f"{said} These are there most often:\n\n{_rows(found.sample, [('Times', times)])}"


def _relations(facts: Facts) -> tuple[str, list[Picture]]:
    found = facts.relations
    parts, shown = ["### Features and the target"], []
    known = [(column.name, column.association) for column in facts.columns if column.association is not None]
    ranked = sorted(known, key=lambda pair: -abs(pair[1]))
    if ranked:
        strong = pictures.shares(
            "association", "How closely features go with the target", ranked, signed=True
        )
        shown.append(strong)
        parts.append(
            f"The {min(len(ranked), pictures.MOST_BARS)} features that go most closely with the target, "
            "each by itself: correlation for two numbers (from −1 to 1), otherwise a strength from 0 to 1. "
            "A feature near 0 may still help in company. One near 1 is suspicious: see leakage in the "
            "definitions."
        )
        parts.append(show(strong))
        rows = [
            [name(column), f"{value:.3f}".replace("-", "−")] for column, value in ranked[: pictures.MOST_BARS]
        ]
        parts.append(table(["Feature", "Association with the target"], rows, [1]))
    else:
        parts.append(
            "No feature's association with the target can be told: too few rows, or nothing that differs."
        )
    parts.append("### Numeric features among each other")
    if len(found.names) < 2:
        parts.append("Fewer than two numeric features: there is nothing to compare.")
        return "\n\n".join(parts), shown
    grid = pictures.matrix("correlation", "Correlation of numeric features", found)
    shown.append(grid)
    limited = f" The {found.compared:,} that go most closely with the target were compared."
    parts.append(
        f"Pearson's correlation in {found.looked_at:,} rows, over the rows where both have a value."
        f"{limited if found.compared < found.numeric else ''} Blue is positive, red negative, grey cannot "
        "be told."
    )
    parts.append(show(grid))
    rows = [
        [name(pair.first), name(pair.second), f"{pair.correlation:.3f}".replace("-", "−")]
        for pair in found.pairs
    ]
    if rows:
        parts.append("The strongest pairs:")
        parts.append(table(["Feature", "and", "Correlation"], rows, [2]))
    return "\n\n".join(parts), shown


def _anomalies(facts: Facts) -> str:
    found = facts.anomalies
    if not found.rows:
        return "There are too few rows, or no columns that differ, to tell odd rows from others."
    said = (
        "An isolation forest cuts the table at random places until each row stands alone; odd rows stand "
        f"alone soon. Among {found.looked_at:,} rows and {found.columns:,} features these are the oddest. "
        "Odd is not wrong: look at the cells that make them so, and correct what is an error."
    )
    rows = [
        [
            f"{anomaly.row:,}",
            f"{anomaly.score:.3f}",
            "<br>".join(
                f"{name(reason.column)} is {text(reason.value, 30) or 'missing'}, usual is "
                f"{text(reason.usual, 30)} ({reason.share:.0%})"
                for reason in anomaly.reasons
            )
            or "no single cell",
        ]
        for anomaly in found.rows
    ]
    header = ["Row", "Score", "What makes it odd (share of the oddness)"]
    return f"{said}\n\n{table(header, rows, [0, 1])}"


def _definitions() -> str:
    lines = [f"| {word} | {meaning} |" for word, meaning in DEFINITIONS]
    return "\n".join(["## Definitions", "", "| Word | Meaning |", "| :--- | :--- |", *lines])


DEFINITIONS = (
    ("Severity", "High: likely to spoil the model. Medium: likely to cost accuracy. Low: good to know."),
    ("Numeric", "Numbers, or texts of which nine in ten are numbers."),
    ("Categorical", "Labels: few words each, often repeated. Yes and no are labels too."),
    ("Text", "Sentences: three words or more on average, and few of them the same."),
    ("Datetime", "Days or moments, as a type of their own or written out."),
    ("Sequence", "Several numbers in one cell, with commas between them."),
    ("Missing", "No value, or nothing but spaces. Numbers that cannot be read are counted apart."),
    ("Row", "Counted from 0, across all files of the training data in their order."),
    ("Outlier", "A target more than three standard deviations from the mean."),
    ("z-score", "The distance from the mean in standard deviations."),
    ("Skew", "0 for a symmetric distribution; positive when the long tail is to the right."),
    (
        "Correlation",
        "Pearson's: 1 or −1 when one column is a straight line of the other, 0 when no line helps.",
    ),
    (
        "Association",
        "Correlation of two numbers. For a number and labels, the correlation ratio: how much of the "
        "number's spread the labels explain. For labels and labels, Cramér's V. The last two are corrected "
        "for chance.",
    ),
    (
        "Leakage",
        "A feature that holds the answer, often because it is recorded after it. Scores look splendid and "
        "the model fails in use.",
    ),
    ("Cardinality", "How many distinct values a column has."),
    (
        "Oddness score",
        "Of an isolation forest, between 0 and 1. Ordinary rows have about 0.4 to 0.5; the nearer to 1, the "
        "odder.",
    ),
)
