"""What should be done about the data: how grave it is, where, and what to do."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from helpers.local.jobs.automl.column_kinds import has_thousands_separators

from .facts import SEVERITIES, ColumnFacts, Facts, Finding, Insight, Section, Severity
from .target_insights import of_target
from .writing import plain, share

LEAK, SUSPECT, TELLING_GAPS, ALIKE = 0.95, 0.9, 0.5, 0.98
UNLIKE = 0.98  # share of labels that are distinct in a column of identifiers: some rows may be there twice
# Words that people write where they have no value, and numbers that programs write there.
GAPS = frozenset(
    {"?", "-", "--", ".", "n/a", "na", "nan", "none", "null", "nil", "unknown", "missing", "undefined", "tbd"}
    | {"#n/a", "#value!", "#ref!", "#name?"}
)
GAP_NUMBERS = frozenset({"-999", "-9999", "-99999", "999999", "9999999"})


@dataclass(frozen=True)
class Rule:
    """One kind of insight about single columns: `look` tells the severity and what was seen, or None."""

    title: str
    section: Section
    remedy: str
    look: Callable[[ColumnFacts], tuple[Severity, str] | None]


def of(facts: Facts) -> list[Insight]:
    """Every insight, the gravest first; columns with the same trouble share one."""
    found = [*of_target(facts.target, facts.rows), *_of_rows(facts), *_of_pairs(facts)]
    for rule in RULES:
        by_severity: dict[Severity, list[Finding]] = {}
        for column in facts.columns:
            seen = rule.look(column)
            if seen is not None:
                by_severity.setdefault(seen[0], []).append(Finding(column.name, seen[1]))
        for severity, findings in by_severity.items():
            found.append(Insight(severity, rule.title, rule.section, tuple(findings), rule.remedy))
    return sorted(found, key=lambda insight: SEVERITIES.index(insight.severity))


def _of_rows(facts: Facts) -> Iterator[Insight]:
    duplicates = facts.duplicates
    if duplicates.repeated:
        ratio = duplicates.repeated / duplicates.looked_at
        yield Insight(
            "High" if ratio > 0.1 else "Medium" if ratio > 0.01 else "Low",
            "Duplicate rows",
            "Duplicate Rows",
            (Finding("", f"{duplicates.repeated:,} rows ({share(ratio)}) repeat an earlier one"),),
            "Find out where the copies come from. Unless they are real repetitions, remove them: a copy "
            "that is trained on and validated on makes a model look better than it is.",
        )
    if duplicates.conflicting:
        ratio = duplicates.conflicting / duplicates.looked_at
        text = f"{duplicates.conflicting:,} rows ({share(ratio)}) agree with another in every feature, and "
        yield Insight(
            "Medium" if ratio > 0.05 else "Low",
            "Same features, other target",
            "Duplicate Rows",
            (Finding("", f"{text}differ in the target"),),
            "No model can be right about all of them. Look for a feature that tells them apart; what "
            "remains is noise, and sets a floor to the error.",
        )
    if facts.target.valid < 1000:
        yield Insight(
            "Low",
            "Few rows",
            "Dataset Summary",
            (Finding("", f"{facts.target.valid:,} rows can be trained on"),),
            "Scores will depend on chance. Collect more rows if you can, and trust small differences little.",
        )
    twice = [name for name, count in Counter(column.name for column in facts.columns).items() if count > 1]
    if twice:
        yield Insight(
            "Medium",
            "Repeated column names",
            "Dataset Summary",
            tuple(Finding(name, "is there more than once") for name in twice),
            "Rename them: a client cannot say which of them it means.",
        )


def _of_pairs(facts: Facts) -> Iterator[Insight]:
    alike = [pair for pair in facts.relations.pairs if abs(pair.correlation) >= ALIKE]
    if alike:
        findings = tuple(
            Finding(pair.first, f"goes with {plain(pair.second)} ({pair.correlation:.3f})") for pair in alike
        )
        yield Insight(
            "Low",
            "Columns that say the same",
            "Cross Column Statistics",
            findings,
            "Keep one of each pair: trees lose nothing, linear models become steadier, and importances are "
            "no longer split between the two.",
        )


def _empty(column: ColumnFacts) -> tuple[Severity, str] | None:
    return ("Medium", "no row has a value") if column.rows and not column.valid else None


def _constant(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.distinct != 1 or not column.most_common:
        return None
    if column.missing:
        return "Low", f"every value is {plain(column.most_common[0][0])}; only its gaps differ"
    return "Medium", f"every value is {plain(column.most_common[0][0])}"


def _nearly_constant(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.distinct < 2 or column.common_share <= 0.99:
        return None
    return "Low", f"{share(column.common_share)} of the values are {plain(column.most_common[0][0])}"


def _gaps(column: ColumnFacts) -> tuple[Severity, str] | None:
    ratio = column.missing_share
    if ratio <= 0.05 or not column.valid:
        return None
    return "High" if ratio > 0.5 else "Medium" if ratio > 0.2 else "Low", f"{share(ratio)} missing"


def _telling_gaps(column: ColumnFacts) -> tuple[Severity, str] | None:
    strength = abs(column.missing_association or 0.0)
    return ("Medium", f"association with the target {strength:.2f}") if strength >= TELLING_GAPS else None


def _not_numbers(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.kind != "numeric" or not column.invalid_count:
        return None
    examples = ", ".join(plain(label) for label, _ in column.invalid[:3])
    severity: Severity = "High" if column.invalid_count > 0.01 * column.rows else "Medium"
    return severity, f"{column.invalid_count:,} cells, such as {examples}"


def _no_moments(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.kind != "datetime" or not column.invalid_count:
        return None
    examples = ", ".join(plain(label) for label, _ in column.invalid[:3])
    return "Medium", f"{column.invalid_count:,} cells, such as {examples}"


def _infinite(column: ColumnFacts) -> tuple[Severity, str] | None:
    infinite = column.numbers.infinite if column.numbers else 0
    if column.kind == "numeric" and not column.numbers and column.valid:
        infinite = column.valid
    return ("Medium", f"{infinite:,} cells") if infinite else None


def _disguised(column: ColumnFacts) -> tuple[Severity, str] | None:
    words = GAP_NUMBERS if column.kind == "numeric" else GAPS
    seen = [(label, count) for label, count in column.most_common if label.strip().lower() in words]
    shown = ", ".join(f"{label} ({count:,} rows)" for label, count in seen)
    return ("Medium", shown) if seen else None


def _thousands(column: ColumnFacts) -> tuple[Severity, str] | None:
    labels = [label for label, _ in column.most_common]
    if column.kind != "categorical" or not labels or not all(map(has_thousands_separators, labels)):
        return None
    return "High", f"such as {plain(labels[0])}"


def _identifier(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.valid < 20 or column.kind in ("text", "datetime", "sequence"):
        return None
    if column.kind == "numeric" and not (column.numbers and column.numbers.whole):
        return None
    enough = column.valid if column.kind == "numeric" else UNLIKE * column.valid
    return (
        ("Medium", f"{column.distinct:,} values in {column.valid:,} rows")
        if column.distinct >= enough
        else None
    )


def _many_labels(column: ColumnFacts) -> tuple[Severity, str] | None:
    if column.kind != "categorical" or column.distinct >= UNLIKE * column.valid or column.distinct <= 1000:
        return None
    return "Low", f"{column.distinct:,} labels"


def _leak(column: ColumnFacts) -> tuple[Severity, str] | None:
    strength = abs(column.association or 0.0)
    if strength < SUSPECT:
        return None
    return "High" if strength >= LEAK else "Medium", f"association with the target {strength:.3f}"


def _skewed(column: ColumnFacts) -> tuple[Severity, str] | None:
    numbers = column.numbers
    if not numbers or abs(numbers.skew) <= 5 or column.distinct <= 20:
        return None
    return "Low", f"skew {numbers.skew:.1f}, largest {numbers.maximum:,.4g}, median {numbers.median:,.4g}"


RULES = (
    Rule(
        "Target leakage",
        "Cross Column Statistics",
        "Ask whether the value is known at the moment you predict. If it is worked out from the target, or "
        "later than it, drop the column: scores would be splendid here and poor in use.",
        _leak,
    ),
    Rule(
        "Values that are no numbers",
        "Descriptive Statistics",
        "Nine of ten cells are numbers. Correct the others at their source, or empty them; some models would "
        "otherwise treat the whole column as labels.",
        _not_numbers,
    ),
    Rule(
        "Numbers with separators",
        "Descriptive Statistics",
        "Remove the commas: as they are, the numbers are read as labels and their order is lost.",
        _thousands,
    ),
    Rule(
        "Missing values",
        "Missing Values",
        "Find out why they are missing. Autopilot fills gaps; if more than half are missing, a yes-or-no "
        "column (is there a value?) may serve better.",
        _gaps,
    ),
    Rule(
        "Gaps that tell the target",
        "Missing Values",
        "Whether the value is missing goes with the target. Check that gaps do not arise after the target is "
        "known: that would be leakage.",
        _telling_gaps,
    ),
    Rule("Empty columns", "Missing Values", "Drop them.", _empty),
    Rule(
        "Constant columns",
        "Cardinality",
        "Drop them: a column that never differs explains nothing.",
        _constant,
    ),
    Rule(
        "Identifiers",
        "Cardinality",
        "A value that is there once only can be learned by heart and never used again. Drop the column, or "
        "derive from it what does repeat.",
        _identifier,
    ),
    Rule(
        "Disguised gaps",
        "Missing Values",
        "If these mean that there is no value, empty the cells, so that they are treated as missing.",
        _disguised,
    ),
    Rule(
        "Unreadable moments",
        "Descriptive Statistics",
        "Write all moments in one way, best as ISO 8601.",
        _no_moments,
    ),
    Rule(
        "Infinite values",
        "Descriptive Statistics",
        "Often a division by zero. Replace them with a limit that makes sense, or empty the cells.",
        _infinite,
    ),
    Rule(
        "Almost constant columns",
        "Cardinality",
        "They help in few rows only. Keep them if those rows matter; drop them to save time.",
        _nearly_constant,
    ),
    Rule(
        "Many labels",
        "Cardinality",
        "Most of them are seen a few times only. Join rare ones, or replace labels by what is known of them.",
        _many_labels,
    ),
    Rule(
        "Long tails",
        "Descriptive Statistics",
        "Check the largest values. Trees do not mind; for linear models and networks take the logarithm.",
        _skewed,
    ),
)
