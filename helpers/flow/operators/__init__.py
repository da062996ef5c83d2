"""Data Wrangler's operators, one file a family, in a registry under the names Data Wrangler uses."""

from . import (  # noqa: F401  (importing a family registers its operators)
    balance_data,
    concatenate,
    custom_code,
    dataset,
    destinations,
    dimensionality_reduction,
    encode_categorical,
    feature_store,
    featurize_date_time,
    featurize_text,
    format_string,
    formula,
    handle_missing,
    handle_outliers,
    handle_structured_column,
    join,
    manage_columns,
    manage_rows,
    manage_vectors,
    process_numeric,
    sampling,
    search_and_edit,
    sources,
    split,
    time_series,
    time_series_features,
    time_series_missing,
    types,
    validate_string,
)
from .base import Family, Operator, operator, registry, resolve

__all__ = ["Family", "Operator", "operator", "registry", "resolve"]
