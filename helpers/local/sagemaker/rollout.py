"""DeploymentConfig: how the requests to an endpoint move over from one deployment to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.records import Deployment

# Percent of a variant's instances that a step may have, by the member that says it.
BOUNDS = {"canarySize": (0, 50), "linearStepSize": (10, 50), "maximumBatchSize": (5, 50)}


@dataclass(frozen=True)
class Step:
    """The new deployment gets a share of the requests (0 to 1) for some seconds."""

    share: float
    pause: float = 0.0


@dataclass(frozen=True)
class Rollout:
    """The steps in their order, the last with all requests; the old one stays ``linger`` seconds longer."""

    steps: Sequence[Step] = (Step(1.0),)
    linger: float = 0.0


ALL_AT_ONCE = Rollout()


def rollout_of(config: dict[str, Any] | None, deployment: Deployment) -> Rollout:
    """What a DeploymentConfig means for a deployment that replaces another. Raises ServiceError."""
    if not config:
        return ALL_AT_ONCE
    if config.get("AutoRollbackConfiguration", {}).get("Alarms"):
        raise validation_error(
            "Local SageMaker has no CloudWatch alarms: leave out "
            "'deploymentConfig.autoRollbackConfiguration'. An update whose containers do not start is "
            "rolled back in any case."
        )
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise validation_error(
            "Give one policy in 'deploymentConfig': either blueGreenUpdatePolicy or rollingUpdatePolicy."
        )
    if "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        size = _share(policy["MaximumBatchSize"], deployment, "maximumBatchSize")
        return Rollout(_equal_steps(size, policy["WaitIntervalInSeconds"]))
    if "BlueGreenUpdatePolicy" not in config:
        return ALL_AT_ONCE
    policy = config["BlueGreenUpdatePolicy"]
    return Rollout(
        _traffic(policy["TrafficRoutingConfiguration"], deployment),
        policy.get("TerminationWaitInSeconds", 0.0),
    )


def _traffic(routing: dict[str, Any], deployment: Deployment) -> Sequence[Step]:
    pause = float(routing["WaitIntervalInSeconds"])
    if routing["Type"] == "ALL_AT_ONCE":
        return [Step(1.0, pause)]
    member = "CanarySize" if routing["Type"] == "CANARY" else "LinearStepSize"
    if member not in routing:
        raise validation_error(f"Traffic routing of type {routing['Type']} needs a {member}.")
    size = _share(routing[member], deployment, f"{member[0].lower()}{member[1:]}")
    if routing["Type"] == "CANARY":
        return [Step(size, pause), Step(1.0, pause)]
    return _equal_steps(size, pause)


def _equal_steps(size: float, pause: float) -> Sequence[Step]:
    count = math.ceil(round(1.0 / size, 6))
    return [Step(min(1.0, size * number), float(pause)) for number in range(1, count + 1)]


def _share(size: dict[str, Any], deployment: Deployment, member: str) -> float:
    """A CapacitySize as a share of the whole (0 to 1)."""
    value: float = size["Value"]
    total = sum(variant.instances or 1 for variant in deployment.variants)
    percent = value if size["Type"] == "CAPACITY_PERCENT" else 100.0 * value / total
    lowest, highest = BOUNDS[member]
    if size["Type"] == "INSTANCE_COUNT" and value == 1:
        return 1.0 / total  # one instance is the least there is, whatever its part
    if not lowest <= percent <= highest:
        raise validation_error(
            f"'{member}' must be {lowest} to {highest} percent of the capacity of the endpoint: it is "
            f"{percent:g} percent ({total} instances in all)."
        )
    return percent / 100.0
