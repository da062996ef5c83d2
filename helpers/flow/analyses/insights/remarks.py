"""The warnings of the insights report: what may harm a model, how badly, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from .features import Feature
from .model import QuickModel, Target, headline_is_poor

severities = ("High", "Medium", "Low")
_leak, _identifier = 0.95, 0.98


@dataclass(frozen=True)
class Remark:
    """One warning. `column` is empty when it is about the whole table."""

    severity: str
    title: str
    column: str
    text: str
    remedy: str


def remarks(
    features: list[Feature],
    target: Feature | None,
    aim: Target | None,
    model: QuickModel | None,
    duplicate_ratio: float,
) -> list[Remark]:
    """Every warning, the gravest first."""
    found = _of_rows(features, duplicate_ratio)
    if target is not None and aim is not None:
        found += _of_target(target, aim)
        found += _of_model(features, target, model)
    for feature in features:
        found += _of_feature(feature, feature.name == (target.name if target else None))
    return sorted(found, key=lambda remark: severities.index(remark.severity))


def _of_rows(features: list[Feature], duplicate_ratio: float) -> list[Remark]:
    found = []
    rows = features[0].rows
    if duplicate_ratio > 0:
        severity = "High" if duplicate_ratio >= 0.1 else "Medium" if duplicate_ratio >= 0.01 else "Low"
        text = f"{duplicate_ratio:.1%} of the rows repeat an earlier one. Copies on both sides of a split "
        remedy = "Find out why they are there; remove them with Manage rows, Drop duplicates."
        found.append(
            Remark(severity, "Duplicate rows", "", f"{text}make a model look better than it is.", remedy)
        )
    if rows < 500:
        text = f"There are only {rows:,} rows: scores of a model will depend on chance."
        found.append(Remark("Medium", "Few rows", "", text, "Collect more, and cross-validate."))
    return found


def _of_target(target: Feature, aim: Target) -> list[Remark]:
    found = []
    name = target.name
    if target.missing:
        share = target.missing / target.rows
        text = f"{target.missing:,} rows ({share:.1%}) have no target; a model cannot learn from them."
        remedy = "Drop them (Handle missing, Drop missing), or find their values."
        found.append(Remark("High" if share > 0.05 else "Medium", "Missing target", name, text, remedy))
    if not aim.classify:
        if target.distinct < 2:
            found.append(
                Remark("High", "Constant target", name, "Every row has the same target.", "Choose another.")
            )
        if abs(target.numbers.get("skew", 0.0)) > 3:
            text = f"The target is very skewed ({target.numbers['skew']:.1f}): "
            text += "few large errors will rule the score."
            found.append(
                Remark(
                    "Medium", "Skewed target", name, text, "Consider its logarithm, or limit its outliers."
                )
            )
        if target.outliers:
            text = f"{target.outliers:,} targets ({target.outliers / target.valid:.1%}) lie far out."
            severity = "Medium" if target.outliers > 0.01 * target.valid else "Low"
            found.append(
                Remark(severity, "Outliers in the target", name, text, "Check whether they are errors.")
            )
        return found
    if target.distinct < 2:
        found.append(
            Remark("High", "Constant target", name, "Every row has the same class.", "Choose another.")
        )
        return found
    rare = [label for label, count in target.labels if count < 10]
    if rare or target.distinct > len(target.labels):
        count = len(rare) + max(target.distinct - len(target.labels), 0)
        text = f"{count:,} of {target.distinct:,} classes have fewer than 10 rows: "
        text += "too few to learn from or to judge by."
        remedy = "Join them with others (Handle outliers, Replace rare values), or collect more."
        found.append(Remark("High", "Too few instances of a class", name, text, remedy))
    least, most = target.labels[-1][1], target.labels[0][1]
    if most > 10 * least and not rare:
        text = f"The largest class has {most / least:.0f} times the rows of the smallest "
        text += f"({most:,} and {least:,})."
        remedy = "Judge by AUC or balanced accuracy, not accuracy; Balance data can help."
        found.append(Remark("Medium", "Imbalanced classes", name, text, remedy))
    return found


def _of_model(features: list[Feature], target: Feature, model: QuickModel | None) -> list[Remark]:
    found = []
    if model is None:
        text = "There are too few rows with a target, or too few classes, for a quick model."
        found.append(Remark("Medium", "No quick model", target.name, text, "Look at the target."))
    elif headline_is_poor(model):
        name, value = model.headline
        text = f"The quick model is hardly better than guessing ({name} {value:.2f})."
        found.append(
            Remark("Medium", "Target hard to predict", target.name, text, "Look for features that say more.")
        )
    for feature in features:
        if feature.power is not None and feature.power >= _leak and feature.name != target.name:
            text = "This column alone predicts the target almost perfectly "
            text += f"(prediction power {feature.power:.2f})."
            remedy = "If it is not known when predictions are made, drop it (Manage columns, Drop column)."
            found.append(Remark("High", "Target leakage", feature.name, text, remedy))
    return found


def _of_feature(feature: Feature, is_target: bool) -> list[Remark]:
    found = []
    name, rows = feature.name, feature.rows
    share = feature.missing / rows if rows else 0.0
    if feature.kind == "empty":
        return [Remark("Medium", "Empty column", name, "No row has a value.", "Drop it.")]
    if feature.distinct == 1 and not is_target:
        text = f"Every value is {feature.labels[0][0]!r}: it says nothing."
        found.append(
            Remark("Medium", "Constant column", name, text, "Drop it (Manage columns, Drop column).")
        )
    if share > 0.05 and not is_target:
        severity = "High" if share > 0.8 else "Medium" if share > 0.2 else "Low"
        text = f"{feature.missing:,} values ({share:.0%}) are missing."
        remedy = "Fill or impute them (Handle missing)" + (", or drop the column." if share > 0.5 else ".")
        found.append(Remark(severity, "Missing values", name, text, remedy))
    if feature.disguised:
        shown = ", ".join(f"{label!r} ({count:,})" for label, count in feature.disguised[:3])
        remedy = "If they mean that the value is missing, let them be null (Search and edit)."
        found.append(
            Remark(
                "Medium", "Disguised missing values", name, f"Values that look like gaps: {shown}.", remedy
            )
        )
    if is_target:
        return found
    unique = feature.distinct >= _identifier * feature.valid > 50
    whole = feature.numbers.get("integer_count", 0) == feature.valid
    if unique and (feature.kind in ("text", "categorical") or whole):
        text = (
            f"{feature.distinct:,} different values in {feature.valid:,} rows: it looks like an identifier."
        )
        remedy = "Drop it before training: a model can only learn it by heart."
        found.append(Remark("Medium", "Identifier", name, text, remedy))
    elif feature.kind == "text" and feature.distinct > 1000:
        text = f"{feature.distinct:,} different texts."
        remedy = "Turn it into features (Featurize text), or drop it."
        found.append(Remark("Low", "Many categories", name, text, remedy))
    if feature.kind == "numeric" and feature.outliers > 0.001 * feature.valid:
        severity = "Medium" if feature.outliers > 0.02 * feature.valid else "Low"
        text = (
            f"{feature.outliers:,} values ({feature.outliers / feature.valid:.1%}) lie more than five robust "
        )
        remedy = "Check them; Handle outliers clips or removes them."
        found.append(
            Remark(severity, "Outliers", name, f"{text}standard deviations from the median.", remedy)
        )
    if feature.kind == "numeric" and abs(feature.numbers.get("skew", 0)) > 3 and not unique:
        text = f"The distribution is very skewed ({feature.numbers['skew']:.1f})."
        found.append(Remark("Low", "Skewed feature", name, text, "Linear models gain from its logarithm."))
    return found
