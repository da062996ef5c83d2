"""What the Spark engine does not do as the DuckDB engine does: the one list of gaps, each with its reason.

A key is a test file's name, or `file::test`, without the parameters in brackets. The tests skip what is
named here on Spark.
"""

from __future__ import annotations

_refusals = "DuckDB refuses what it would compute otherwise than Spark; Spark itself computes it"
_to_do = "gives another result than on DuckDB; to be worked off"

gaps: dict[str, str] = {
    "test_flow_custom_code::test_queries_that_are_refused": _refusals,
    "test_flow_pyspark::test_what_is_not_known_to_agree_is_refused": _refusals,
    "test_flow_operators::test_formulas_that_cannot_be": _refusals,
    "test_flow_balance_data::test_smote_on_numbers_and_on_texts_alone": _to_do,
    "test_flow_custom_code::test_queries": _to_do,
    "test_flow_custom_code::test_rows_keep_their_order_where_they_only_pass": _to_do,
    "test_flow_handle_outliers::test_every_fix_of_every_detector": _to_do,
    "test_flow_manage_vectors::test_what_has_no_components": _to_do,
    "test_flow_operators::test_texts_become_numbers_as_in_spark": _to_do,
    "test_flow_operators::test_cast_replaces_dates_and_refuses_what_is_no_replacement": _to_do,
    "test_flow_operators::test_cast_moments_in_any_form_or_by_a_pattern": _to_do,
    "test_flow_operators::test_cast_dates_by_a_pattern_and_numbers_without_change": _to_do,
    "test_flow_operators::test_a_randomized_split_goes_by_what_rows_hold_not_by_their_order": _to_do,
    "test_flow_search_and_edit::test_finding_and_extracting": _to_do,
    "test_flow_time_series::test_empty_tables": _to_do,
}


def gap(file: str, test: str) -> str | None:
    """Why this test does not hold on Spark, or None."""
    return gaps.get(f"{file}::{test}") or gaps.get(file)
