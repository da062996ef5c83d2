"""Tags of any resource, found by its ARN."""

from __future__ import annotations

import time
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.listing import page
from helpers.local.sagemaker.plane import Plane, read_tags
from helpers.local.sagemaker.registry import Answer, Request, operation
from helpers.local.store import Record, Store

MOST = 50  # tags of one resource


@operation
def add_tags(plane: Plane, request: Request) -> Answer:
    """Add tags to a resource, or change the values of those it has."""
    added = read_tags(request["Tags"])
    store, record = _find(plane, request["ResourceArn"])

    def change(found: Record) -> None:
        found.tags.update(added)
        if len(found.tags) > MOST:
            raise validation_error(f"A resource can have at most {MOST} tags.")
        found.modified = time.time()

    return {"Tags": _listed(store.update(record.name, change).tags)}


@operation
def list_tags(plane: Plane, request: Request) -> Answer:
    """The tags of a resource, a page at a time."""
    _, record = _find(plane, request["ResourceArn"])
    return page(
        request,
        _listed(record.tags),
        member="Tags",
        keys={"Key": lambda item: item["Key"]},
        identity=lambda item: item["Key"],
        sort_by="Key",
        descending=False,
        default_size=MOST,
    )


@operation
def delete_tags(plane: Plane, request: Request) -> Answer:
    """Remove tags from a resource; keys it does not have are no error."""
    store, record = _find(plane, request["ResourceArn"])

    def change(found: Record) -> None:
        for key in request["TagKeys"]:
            found.tags.pop(key, None)
        found.modified = time.time()

    store.update(record.name, change)
    return {}


def _find(plane: Plane, arn: str) -> tuple[Store[Any], Record]:
    resource, _, name = arn.split(":", 5)[5].partition("/")
    store = next((store for kind, store in plane.stores.items() if kind == resource), None)
    record = store.find(name) if store is not None else None
    if store is None or record is None or record.arn.lower() != arn.lower():
        raise validation_error(f'Could not find resource "{arn}".')
    return store, record


def _listed(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
