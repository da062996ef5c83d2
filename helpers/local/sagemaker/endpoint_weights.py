"""UpdateEndpointWeightsAndCapacities: how requests are shared out between the variants of an endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.endpoint_lifecycle import grant_wishes, note
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import EndpointRecord, Variant, Wish
from helpers.local.sagemaker.registry import Answer, Request, operation
from helpers.local.sagemaker.serverless import check_concurrency


@operation
def update_endpoint_weights_and_capacities(plane: Plane, request: Request) -> Answer:
    """Change weights and capacities of variants."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])

    def change(found: EndpointRecord) -> None:
        if found.status != "InService" or found.serving is None:
            raise validation_error(f'Cannot update endpoint "{found.arn}" in status {found.status}.')
        variants = {variant.name: variant for variant in found.serving.variants}
        for asked in request["DesiredWeightsAndCapacities"]:
            variant = variants.get(asked["VariantName"])
            if variant is None:
                raise validation_error(f"The endpoint has no variant '{asked['VariantName']}'.")
            variant.wish = _wish(variant, asked)
        weights = [item.wish.weight if item.wish else item.weight for item in variants.values()]
        if sum(weights) <= 0:
            raise validation_error("At least one production variant must have a DesiredWeight above 0.")
        found.status = "Updating"
        found.modified = time.time()

    plane.endpoints.update(record.name, change)
    in_thread(f"weigh {record.name}", lambda: _settle(plane, record.name))
    return {"EndpointArn": record.arn}


def _settle(plane: Plane, name: str) -> None:
    """Make the wishes so, in what serves and in the record."""

    def change(found: EndpointRecord) -> None:
        grant_wishes(found)
        found.status = "InService"
        found.modified = time.time()
        running = plane.fleet.serving(name)
        if running is not None and found.serving is not None:
            running.adopt(found.serving.variants)

    note(plane, name, change)


def _wish(variant: Variant, asked: Mapping[str, Any]) -> Wish:
    count, serverless = asked.get("DesiredInstanceCount"), asked.get("ServerlessUpdateConfig")
    where = f"of variant '{variant.name}'"
    if count is not None and variant.instances is None:
        raise validation_error(f"The DesiredInstanceCount {where} cannot be set: it is serverless.")
    if count == 0:
        raise validation_error(f"The DesiredInstanceCount {where} must be at least 1.")
    if serverless is not None and variant.serverless is None:
        raise validation_error(f"The ServerlessUpdateConfig {where} cannot be set: it is on instances.")
    before = variant.wish or Wish(
        weight=variant.weight, instances=variant.instances, serverless=variant.serverless
    )
    config = {**before.serverless, **(serverless or {})} if before.serverless is not None else None
    if config is not None:
        check_concurrency(config, where)
    return Wish(
        weight=float(asked.get("DesiredWeight", before.weight)),
        instances=before.instances if count is None else count,
        serverless=config,
    )
