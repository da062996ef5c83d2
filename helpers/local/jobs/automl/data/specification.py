"""The feature specification file: which columns are features, and of which type."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from helpers.local.jobs.automl.data.reading import listed
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.job import JobFailure
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri

TYPES = ("numeric", "categorical", "text", "datetime")
ONLY_TUNING = "sequence"


@dataclass(frozen=True)
class Specification:
    """FeatureAttributeNames (None: every column) and FeatureDataTypes."""

    names: tuple[str, ...] | None = None
    types: dict[str, str] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """The columns that are read as text whatever is in them."""
        return [name for name, kind in self.types.items() if kind != "numeric"]

    def features(self, columns: Sequence[str], target: str, weight: str | None) -> list[str]:
        """The features among the columns of the data, in their order there.

        Raises JobFailure for names that the data does not have.
        """
        for member, names in (("FeatureAttributeNames", self.names or ()), ("FeatureDataTypes", self.types)):
            unknown = [name for name in names if name not in columns]
            if unknown:
                raise JobFailure(
                    f"{member} of the feature specification names {listed(unknown)}, which the data does not "
                    f"have. Its columns are {listed(columns)}; upper and lower case count."
                )
            if target in names:
                raise JobFailure(
                    f"{member} of the feature specification names the target '{target}': take it out."
                )
        return [
            name
            for name in columns
            if name not in (target, weight) and (self.names is None or name in self.names)
        ]


def read(objects: ObjectStore, settings: Settings, mode: str) -> Specification:
    """The specification that the settings name; one of all columns when they name none.

    Raises JobFailure when the file is not there or not what it should be.
    """
    uri = settings.feature_specification
    if uri is None:
        return Specification()
    try:
        content = json.loads(objects.read(*split_uri(uri)))
    except (NoSuchBucket, NoSuchKey):
        raise JobFailure(
            f"The feature specification {uri} does not exist: upload it, or correct "
            "FeatureSpecificationS3Uri."
        ) from None
    except ValueError as error:
        raise _malformed(uri, f"it is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise _malformed(uri, "it is not a JSON object")
    unknown = set(content) - {"FeatureAttributeNames", "FeatureDataTypes"}
    if unknown or not content:
        raise _malformed(uri, f"it has the members {listed(sorted(content))}")
    names, types = content.get("FeatureAttributeNames"), content.get("FeatureDataTypes", {})
    if names is not None:
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise _malformed(uri, "FeatureAttributeNames is not a list of column names")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise _malformed(uri, f"FeatureAttributeNames names {listed(repeated)} more than once")
    _check_types(uri, types, names, mode)
    return Specification(None if names is None else tuple(names), dict(types))


def _check_types(uri: str, types: object, names: list[str] | None, mode: str) -> None:
    if not isinstance(types, dict):
        raise _malformed(uri, "FeatureDataTypes is not a JSON object of column names and types")
    allowed = TYPES if mode == "ENSEMBLING" else (*TYPES, ONLY_TUNING)
    for name, kind in types.items():
        if kind not in allowed:
            raise _malformed(
                uri,
                f"FeatureDataTypes gives '{name}' the type {kind!r}; mode {mode} takes {', '.join(allowed)}",
            )
    outside = [name for name in types if names is not None and name not in names]
    if outside:
        raise _malformed(uri, f"FeatureDataTypes names {listed(outside)}, FeatureAttributeNames does not")


def _malformed(uri: str, what: str) -> JobFailure:
    return JobFailure(
        f"The feature specification {uri} cannot be used: {what}. Its form is "
        '{"FeatureAttributeNames": ["a", "b"], "FeatureDataTypes": {"a": "numeric", "b": "categorical"}}, '
        "each member optional."
    )
