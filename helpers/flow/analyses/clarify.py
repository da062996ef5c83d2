"""The pre-training bias metrics of SageMaker Clarify: their names and what their signs mean."""

from __future__ import annotations

meanings = {
    "CI": "Class imbalance",
    "DPL": "Difference in proportions of labels",
    "KL": "Kullback-Leibler divergence",
    "JS": "Jensen-Shannon divergence",
    "LP": "L2 distance (Lp norm)",
    "TVD": "Total variation distance",
    "KS": "Kolmogorov-Smirnov distance",
    "CDDL": "Conditional demographic disparity",
}


def explain(metrics: list[str]) -> str:
    """One line: what the signs of the chosen metrics mean."""
    words = {
        "CI": "CI above 0: the group is smaller than the rest",
        "DPL": "DPL above 0: the group has fewer positive outcomes",
        "CDDL": "CDDL above 0: the group is rejected more than accepted, subgroup by subgroup",
    }
    said = [words[metric] for metric in metrics if metric in words]
    distances = [metric for metric in metrics if metric not in words]
    if distances:
        said.append(f"{', '.join(distances)}: 0 when outcomes are alike")
    return "; ".join(said)
