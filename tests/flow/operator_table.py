"""The table of operators in helpers/flow/operators/README.md; run this file to write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine_gaps import operator_gaps

from helpers.flow.operators import registry

PAGE = Path(__file__).parents[2] / "helpers/flow/operators/README.md"
TESTS = Path(__file__).parent

REAL = "real output"
CODE = "exported code"
WORDS = "documentation"


@dataclass(frozen=True)
class Proof:
    """What an operator's results are held to, the file of its tests, and what to know."""

    against: str
    tests: str
    remark: str = ""


# By operator, or by operator and sub-operator where those of a family differ.
PROOFS: dict[str, Proof] = {
    "sagemaker.athena_source_0.1": Proof(
        CODE, "test_flow_sources", "reads the Parquet that its query left; give it by --source"
    ),
    "sagemaker.redshift_source_0.1": Proof(
        CODE, "test_flow_sources", "reads the Parquet that its query left; give it by --source"
    ),
    "sagemaker.s3_source_0.1": Proof(REAL, "test_flow_sources"),
    "sagemaker.dataset.identity_0.1": Proof(CODE, "test_flow_running"),
    "sagemaker.spark.s3_destination_0.1": Proof(REAL, "test_flow_running"),
    "sagemaker.spark.featurestore_destination_0.1": Proof(
        WORDS, "test_flow_feature_store", "writes the records as Parquet; no feature group is touched"
    ),
    "sagemaker.spark.infer_and_cast_type_0.1": Proof(REAL, "test_flow_operators"),
    "sagemaker.spark.cast_single_data_type_0.1": Proof(CODE, "test_flow_operators"),
    "sagemaker.spark.join_tables_0.1": Proof(REAL, "test_flow_operators"),
    "sagemaker.spark.join_multi_keys_0.1": Proof(CODE, "test_flow_join_keys"),
    "sagemaker.spark.concatenate_datasets_0.1": Proof(CODE, "test_flow_concatenate"),
    "sagemaker.spark.concatenate_0.1": Proof(
        CODE, "test_flow_concatenate", "another spelling of concatenate_datasets_0.1"
    ),
    "sagemaker.spark.balance_data_0.1": Proof(
        CODE, "test_flow_balance_data", "which rows are drawn differs from Data Wrangler's; how many does not"
    ),
    "sagemaker.spark.custom_code_0.1": Proof(CODE, "test_flow_custom_code"),
    "sagemaker.spark.custom_code_0.1 Python (PySpark)": Proof(CODE, "test_flow_custom_code"),
    "sagemaker.spark.custom_pandas_0.1": Proof(CODE, "test_flow_custom_code"),
    "sagemaker.spark.custom_pyspark_0.1": Proof(CODE, "test_flow_pyspark"),
    "sagemaker.spark.custom_formula_0.1": Proof(CODE, "test_flow_operators"),
    "sagemaker.spark.dimensionality_reduction_0.1": Proof(
        WORDS, "test_flow_manage_vectors", "signs of the components are free"
    ),
    "sagemaker.spark.pca_0.1": Proof(
        WORDS, "test_flow_manage_vectors", "another spelling of dimensionality_reduction_0.1"
    ),
    "sagemaker.spark.encode_categorical_0.1": Proof(CODE, "test_flow_encode_categorical"),
    "sagemaker.spark.encode_categorical_0.1 One-hot encode": Proof(REAL, "test_flow_encode_categorical"),
    "sagemaker.spark.featurize_date_time_0.1": Proof(CODE, "test_flow_featurize_date_time"),
    "sagemaker.spark.featurize_text_0.1": Proof(
        CODE, "test_flow_featurize_text", "terms equally frequent are in alphabetical order"
    ),
    "sagemaker.spark.featurize_text_0.1 Character statistics": Proof(CODE, "test_flow_featurize_text"),
    "sagemaker.spark.format_string_0.1": Proof(CODE, "test_flow_format_string"),
    "sagemaker.spark.handle_missing_0.1": Proof(CODE, "test_flow_handle_missing"),
    "sagemaker.spark.handle_missing_0.1 Drop missing": Proof(REAL, "test_flow_handle_missing"),
    "sagemaker.spark.handle_outliers_0.1": Proof(CODE, "test_flow_handle_outliers"),
    "sagemaker.spark.handle_structured_column_0.1": Proof(WORDS, "test_flow_structured"),
    "sagemaker.spark.handle_structured_0.1": Proof(WORDS, "test_flow_structured", "another spelling"),
    "sagemaker.spark.structured_column_0.1": Proof(WORDS, "test_flow_structured", "another spelling"),
    "sagemaker.spark.flatten_structured_0.1": Proof(WORDS, "test_flow_structured", "another spelling"),
    "sagemaker.spark.flatten_column_0.1": Proof(WORDS, "test_flow_structured", "another spelling"),
    "sagemaker.spark.explode_array_0.1": Proof(WORDS, "test_flow_structured", "another spelling"),
    "sagemaker.spark.manage_columns_0.1": Proof(REAL, "test_flow_operators"),
    "sagemaker.spark.manage_rows_0.1": Proof(CODE, "test_flow_manage_rows"),
    "sagemaker.spark.manage_rows_0.1 Filter": Proof(WORDS, "test_flow_manage_rows"),
    "sagemaker.spark.manage_rows_0.1 Shuffle": Proof(
        CODE, "test_flow_manage_rows", "the order is one of chance, the same on every run"
    ),
    "sagemaker.spark.manage_vectors_0.1": Proof(WORDS, "test_flow_manage_vectors"),
    "sagemaker.spark.process_numeric_0.1": Proof(CODE, "test_flow_process_numeric"),
    "sagemaker.spark.sampling_0.1": Proof(
        WORDS, "test_flow_manage_rows", "which rows are drawn differs from Data Wrangler's; how many does not"
    ),
    "sagemaker.spark.sampling_0.1 Limit": Proof(WORDS, "test_flow_manage_rows"),
    "sagemaker.spark.search_and_edit_0.1": Proof(CODE, "test_flow_search_and_edit"),
    "sagemaker.spark.split_0.1": Proof(
        CODE, "test_flow_operators", "which rows fall where differs from Data Wrangler's; how many does not"
    ),
    "sagemaker.spark.split_0.1 Ordered split": Proof(CODE, "test_flow_operators"),
    "sagemaker.spark.time_series_0.1": Proof(WORDS, "test_flow_time_series"),
    "sagemaker.spark.validate_string_0.1": Proof(WORDS, "test_flow_validate_string"),
}


def sub_operators() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every transform, source and destination the engine knows, in the order of the page."""
    for identifier in sorted(registry):
        if ".visualizations." not in identifier:
            for choice in registry[identifier].choices:
                yield identifier, choice


def proof(identifier: str, choice: tuple[str, ...]) -> Proof:
    """What this sub-operator is held to. Raises KeyError when nobody has said."""
    for depth in range(len(choice), -1, -1):
        key = " ".join([identifier, *choice[:depth]])
        if key in PROOFS:
            return PROOFS[key]
    raise KeyError(f"{identifier} {choice} has no entry in PROOFS")


def page() -> str:
    """The page, as it is to stand in the repository."""
    rows = []
    for identifier, choice in sub_operators():
        found = proof(identifier, choice)
        engines = [_engine(identifier, choice, engine) for engine in ("duckdb", "spark")]
        test = f"[{found.tests.removeprefix('test_flow_')}](../../../tests/flow/{found.tests}.py)"
        name = " / ".join(choice) or "-"
        short = identifier.removeprefix("sagemaker.").removeprefix("spark.")
        rows.append(
            f"| `{short}` | {name} | {' | '.join(engines)} | {found.against} | {found.remark} | {test} |"
        )
    analyses = [
        f"| `{identifier.removeprefix('sagemaker.')}` | {_summary(identifier)} |"
        for identifier in sorted(registry)
        if ".visualizations." in identifier
    ]
    return HEAD + "\n".join(rows) + ANALYSES + "\n".join(analyses) + "\n"


def _engine(identifier: str, choice: tuple[str, ...], engine: str) -> str:
    for depth in range(len(choice), -1, -1):
        gap = operator_gaps.get((engine, " ".join([identifier, *choice[:depth]])))
        if gap:
            return gap
    return "yes"


def _summary(identifier: str) -> str:
    kind = next(iter(registry[identifier].choices.values()))
    return re.sub(r"\s+", " ", (kind.__doc__ or "").strip().split("\n\n")[0]).rstrip(".")


HEAD = """# The operators

Made from the registry by `tests/flow/operator_table.py`; a test holds it to the code.

Each runs on both engines, DuckDB and Apache Spark, from the same code. One test suite runs them on both and
compares cell for cell. *Held to* says where the expected results come from:

- **real output**: files that real Data Wrangler jobs published
- **exported code**: how the Python that Data Wrangler exports for a flow behaves, run on Apache Spark
- **documentation**: what the service's guide says; how a flow file spells it may differ, and an unknown
  spelling is an error that names what is known

Without the prefix `sagemaker.spark.` or `sagemaker.`:

| operator | sub-operator | DuckDB | Spark | held to | remark | tests |
|---|---|---|---|---|---|---|
"""

ANALYSES = """

## Analyses

They run on DuckDB, on at most 100,000 rows, as in Data Wrangler (`workshop flow analyze`).

| analysis | what it shows |
|---|---|
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
