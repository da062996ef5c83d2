"""What should be done about the target."""

from collections.abc import Iterator

from .facts import Finding, Insight, Severity, TargetFacts
from .writing import number, plain, share

LEAST_OF_CLASS = 10


def of_target(target: TargetFacts, rows: int) -> Iterator[Insight]:
    """The insights about the column to predict."""
    gone = target.missing + target.invalid
    if gone:
        ratio = gone / rows
        text = f"{gone:,} of {rows:,} rows ({share(ratio)}) have none that can be used"
        yield _insight(
            "High" if ratio > 0.05 else "Medium" if ratio > 0.01 else "Low",
            "Rows without a target",
            target,
            text,
            "They are left out of training. If they are not missing at random, the model will be wrong where "
            "they are: find out why they are missing.",
        )
    if not target.valid:
        return
    if target.distinct < 2:
        remedy = "There is nothing to learn. Choose another target, or add rows where it differs."
        yield _insight("High", "Constant target", target, "every row has the same", remedy)
    elif target.problem_type == "Regression":
        yield from _of_quantity(target)
    else:
        yield from _of_classes(target)


def _of_quantity(target: TargetFacts) -> Iterator[Insight]:
    if target.outlier_count:
        ratio = target.outlier_count / target.valid
        text = f"{target.outlier_count:,} rows ({share(ratio)}) are more than three standard deviations off"
        yield _insight(
            "Medium" if ratio > 0.01 else "Low",
            "Outliers in the target",
            target,
            text,
            "Check whether they are errors. If they are real and few, judge by MAE rather than by MSE, which "
            "they would rule.",
        )
    if target.numbers and abs(target.numbers.skew) > 3:
        yield _insight(
            "Medium",
            "Skewed target",
            target,
            f"its skew is {number(target.numbers.skew)}",
            "Consider predicting its logarithm: otherwise a few large values decide what is learned.",
        )
    if target.distinct <= 20:
        yield _insight(
            "Low",
            "A target of few values",
            target,
            f"has {target.distinct:,} distinct values",
            "Regression is right when their order and distances matter, as with ratings. If they are names "
            "of groups, set ProblemType to a classification.",
        )


def _of_classes(target: TargetFacts) -> Iterator[Insight]:
    rare = [(label, count) for label, count in target.classes if count < LEAST_OF_CLASS]
    if rare:
        shown = ", ".join(f"{plain(label)} ({count})" for label, count in rare[:5])
        rest = f" and {len(rare) - 5:,} more" if len(rare) > 5 else ""
        yield _insight(
            "High",
            "Rare labels",
            target,
            f"{len(rare):,} of {target.distinct:,} labels are in fewer than {LEAST_OF_CLASS} rows: "
            f"{shown}{rest}",
            "Too few to learn from and to judge by. Collect more of them, join them with a label that is "
            "near, or leave them out.",
        )
    most, least = target.classes[0], target.classes[-1]
    if most[1] > 10 * least[1]:
        text = f"{plain(most[0])} has {most[1] / least[1]:,.0f} times the rows of {plain(least[0])}"
        yield _insight(
            "Medium",
            "Imbalanced classes",
            target,
            text,
            "Accuracy would praise a model that always says the largest class. Judge by F1, AUC or "
            "BalancedAccuracy; more rows of the small classes help most.",
        )
    if target.distinct > 100:
        yield _insight(
            "Medium",
            "Very many classes",
            target,
            f"has {target.distinct:,} labels",
            "If they are numbers whose order matters, set ProblemType to Regression; else join labels.",
        )


def _insight(severity: Severity, title: str, target: TargetFacts, text: str, remedy: str) -> Insight:
    return Insight(severity, title, "Target Analysis", (Finding(target.name, text),), remedy)
