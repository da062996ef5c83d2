"""What the exploration found out about a table; nothing here knows how it is shown."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from helpers.local.jobs.automl.column_kinds import Kind

Severity = Literal["High", "Medium", "Low"]
SEVERITIES: tuple[Severity, ...] = ("High", "Medium", "Low")
Section = Literal[
    "Dataset Summary",
    "Target Analysis",
    "Data Sample",
    "Duplicate Rows",
    "Cross Column Statistics",
    "Anomalous Rows",
    "Missing Values",
    "Cardinality",
    "Descriptive Statistics",
    "Definitions",
]
Counts = tuple[tuple[str, int], ...]  # labels and how many rows have them, the most frequent first


@dataclass(frozen=True)
class Numbers:
    """The distribution of the finite numbers of a column."""

    mean: float
    deviation: float
    minimum: float
    quarter: float
    median: float
    three_quarters: float
    maximum: float
    skew: float
    zeros: int
    infinite: int
    whole: bool
    counts: tuple[int, ...] = ()  # of a histogram whose bins are equally wide, from minimum to maximum


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of one column, in the rows that were looked at."""

    name: str
    kind: Kind
    stored_as: str
    rows: int
    missing: int
    distinct: int
    numbers: Numbers | None = None
    moments: tuple[str, str] | None = None  # the first and the last
    most_common: Counts = ()
    characters: float | None = None  # of a label on average
    invalid: Counts = ()
    invalid_count: int = 0
    association: float | None = None  # with the target, from -1 to 1
    missing_association: float | None = None  # of being missing, with the target

    @property
    def valid(self) -> int:
        """The rows that have a value which can be read."""
        return self.rows - self.missing - self.invalid_count

    @property
    def missing_share(self) -> float:
        """The share of rows without a value."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def common_share(self) -> float:
        """The share of values that are the most frequent one."""
        return self.most_common[0][1] / self.valid if self.most_common and self.valid else 0.0


@dataclass(frozen=True)
class Outlier:
    """A target far from the mean: its distance in standard deviations, and the rows that have it."""

    value: float
    z: float
    rows: int


@dataclass(frozen=True)
class TargetFacts:
    """The target in all rows; `dropped` are examples of what cannot be trained on.

    `classes` are the labels of a classification, most frequent first, or a regression's few values, in order.
    """

    name: str
    problem_type: str
    rows: int
    missing: int
    invalid: int
    dropped: Counts
    distinct: int
    numbers: Numbers | None = None
    outliers: tuple[Outlier, ...] = ()
    outlier_count: int = 0
    classes: Counts = ()

    @property
    def valid(self) -> int:
        """The rows that can be trained on."""
        return self.rows - self.missing - self.invalid


@dataclass(frozen=True)
class Sample:
    """Some rows, cut to some columns; `rows` are numbers of the table's rows, from 0."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Duplicates:
    """Rows that are there more than once, among `looked_at`."""

    looked_at: int
    repeated: int  # beyond the first of their kind
    conflicting: int  # agree with another in every feature, and not in the target
    examples: tuple[tuple[int, int], ...] = ()  # number of the first row, how often it is there
    sample: Sample | None = None


@dataclass(frozen=True)
class Pair:
    """Two numeric columns and their correlation."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True)
class Relations:
    """How numeric columns hang together; `matrix` is (names, names)."""

    names: tuple[str, ...] = ()
    matrix: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    pairs: tuple[Pair, ...] = ()
    looked_at: int = 0  # rows
    compared: int = 0  # columns
    numeric: int = 0  # columns there are


@dataclass(frozen=True)
class Reason:
    """A cell that makes its row odd: what is usual there, and how much of the oddness goes with it."""

    column: str
    value: str
    usual: str
    share: float


@dataclass(frozen=True)
class Anomaly:
    """A row unlike the others. Its score lies between 0 and 1; half of the rows have about 0.4."""

    row: int
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Anomalies:
    """The rows least like the others, among `looked_at`."""

    rows: tuple[Anomaly, ...] = ()
    looked_at: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Finding:
    """Where an insight applies: a column (empty for the whole table) and what was seen there."""

    column: str
    text: str


@dataclass(frozen=True)
class Insight:
    """Something worth doing about the data: how grave, what, where, and what to do."""

    severity: Severity
    title: str
    section: Section
    findings: tuple[Finding, ...]
    remedy: str


@dataclass(frozen=True)
class Facts:
    """Everything the notebook tells."""

    job_name: str
    rows: int
    looked_at: int  # rows that the statistics of features are from
    columns: tuple[ColumnFacts, ...]  # the features, in the table's order
    unused: tuple[str, ...]  # columns that are no features: the weight, and what a specification leaves out
    features: int  # how many there are; more than `columns` when the table is too wide to look at all
    target: TargetFacts
    sample: Sample
    duplicates: Duplicates
    relations: Relations
    anomalies: Anomalies
    insights: tuple[Insight, ...] = ()
