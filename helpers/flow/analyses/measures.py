"""The pre-training bias metrics of SageMaker Clarify, computed."""

from __future__ import annotations

import numpy as np


def measure(metric: str, member: np.ndarray, positive: np.ndarray, groups: np.ndarray | None) -> float | None:
    """A pre-training metric of Clarify; facet d are the members, facet a the others.

    The divergences compare the shares of positive and other labels, over labels that both facets have.
    """
    others = ~member
    if metric == "CI":
        return float((others.sum() - member.sum()) / len(member))
    q_a, q_d = positive[others].mean(), positive[member].mean()
    if metric == "DPL":
        return float(q_a - q_d)
    if metric == "CDDL":
        assert groups is not None
        return _conditional_disparity(member, positive, groups)
    a, d = np.array([1 - q_a, q_a]), np.array([1 - q_d, q_d])
    common = (a > 0) & (d > 0)
    if not common.any():
        return None
    a, d = a[common], d[common]
    middle = (a + d) / 2
    values = {
        "KL": np.sum(a * np.log(a / d)),
        "JS": (np.sum(a * np.log(a / middle)) + np.sum(d * np.log(d / middle))) / 2,
        "LP": np.sqrt(np.sum((a - d) ** 2)),
        "TVD": np.sum(np.abs(a - d)) / 2,
        "KS": np.max(np.abs(a - d)),
    }
    return float(values[metric])


def _conditional_disparity(member: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> float:
    """Of the rejected the members' share, less their share of the accepted; the mean over the subgroups."""
    total = 0.0
    for each in np.unique(groups):
        inside = groups == each
        rejected, accepted = inside & ~positive, inside & positive
        shares = [(part & member).sum() / part.sum() if part.any() else 0.0 for part in (rejected, accepted)]
        total += inside.sum() * (shares[0] - shares[1])
    return float(total / len(groups))
