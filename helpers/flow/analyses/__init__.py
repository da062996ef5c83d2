"""Data Wrangler's analyses, one file each, in the operators' registry: each gives a picture and numbers."""

from . import (  # noqa: F401  (importing an analysis registers it)
    bias_report,
    data_insights_report,
    describe,
    duplicate_rows,
    feature_correlation,
    histogram,
    multicolinearity,
    quick_model,
    scatterplot,
    target_leakage,
    time_series,
)
from .result import Analysis

__all__ = ["Analysis"]
