"""The section about the column to predict."""

from . import pictures
from .facts import TargetFacts
from .notebook import show
from .pictures import Picture
from .writing import name, number, share, table, text

MOST_CLASSES = 50


def target(facts: TargetFacts) -> tuple[str, list[Picture]]:
    """Markdown and pictures."""
    parts = [_counted(facts)]
    shown: list[Picture] = []
    if facts.numbers is not None:
        if facts.classes and len(facts.classes) <= pictures.MOST_BARS:
            shown.append(pictures.labels("target", "The target", facts.classes))
        else:
            shown.append(pictures.histogram("target", "The target", facts.numbers, facts.name))
        parts += [show(shown[0]), _quantity(facts), _outliers(facts)]
    elif facts.classes:
        title = "The target" if len(facts.classes) <= pictures.MOST_BARS else "The most frequent labels"
        shown.append(pictures.labels("target", title, facts.classes))
        parts += [show(shown[0]), _classes(facts)]
    return "\n\n".join(part for part in parts if part), shown


def _counted(facts: TargetFacts) -> str:
    said = (
        f"The target {name(facts.name)} has {facts.distinct:,} distinct values in the {facts.valid:,} rows "
        "where it can be used."
    )
    gone = facts.missing + facts.invalid
    if not gone:
        return f"{said} It is there in every row."
    wanted = "a finite number" if facts.problem_type == "Regression" else "a label"
    said += (
        f" **{gone:,} rows ({share(gone / facts.rows)}) are left out**: {facts.missing:,} have no target, "
        f"and {facts.invalid:,} have one that is not {wanted}. What stands there:"
    )
    rows = [[text(label), f"{count:,}"] for label, count in facts.dropped]
    return f"{said}\n\n{table(['Value left out', 'Rows'], rows, [1])}"


def _quantity(facts: TargetFacts) -> str:
    numbers = facts.numbers
    assert numbers is not None
    pairs = [
        ("Mean", numbers.mean),
        ("Standard deviation", numbers.deviation),
        ("Minimum", numbers.minimum),
        ("First quartile", numbers.quarter),
        ("Median", numbers.median),
        ("Third quartile", numbers.three_quarters),
        ("Maximum", numbers.maximum),
        ("Skew", numbers.skew),
    ]
    return table(["Statistic", "Value"], [[label, number(value)] for label, value in pairs], [1])


def _outliers(facts: TargetFacts) -> str:
    if not facts.outliers:
        return "No target is more than three standard deviations from the mean."
    rows = [[number(one.value), number(one.z), f"{one.rows:,}"] for one in facts.outliers]
    return (
        f"{facts.outlier_count:,} rows ({share(facts.outlier_count / facts.valid)}) are more than three "
        "standard deviations from the mean. The "
        f"farthest:\n\n{table(['Target', 'z-score', 'Rows'], rows, [0, 1, 2])}"
    )


def _classes(facts: TargetFacts) -> str:
    rows = [
        [text(label), f"{count:,}", share(count / facts.valid)]
        for label, count in facts.classes[:MOST_CLASSES]
    ]
    made = table(["Label", "Rows", "Share"], rows, [1, 2])
    left = len(facts.classes) - MOST_CLASSES
    return f"{made}\n\nand {left:,} more labels." if left > 0 else made
