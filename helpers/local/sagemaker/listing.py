"""What every List operation does alike: filters, sorting, pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from helpers.local.errors import ServiceError
from helpers.local.protocol import validation_error
from helpers.local.store import Record

DEFAULT_PAGE = 10  # items of a page when MaxResults is not given, as the service has it

Item = dict[str, Any]
Key = Callable[[Item], Any]
Kept = TypeVar("Kept", bound=Record)


def page(
    request: Mapping[str, Any],
    items: Iterable[Item],
    *,
    member: str,
    keys: Mapping[str, Key],
    identity: Key,
    sort_by: str,
    descending: bool,
    default_size: int = DEFAULT_PAGE,
) -> dict[str, Any]:
    """One page of a list: ``{member: items, "NextToken": …}``.

    ``keys`` are the sort keys by SortBy value, ``identity`` an item's unique name, ``sort_by`` and
    ``descending`` the operation's defaults. A token marks the last item shown, so that pages stay right while
    items come and go. Raises ServiceError for a token of another list.
    """
    by = request.get("SortBy", sort_by)
    if "SortOrder" in request:
        descending = request["SortOrder"] == "Descending"

    def place(item: Item) -> list[Any]:
        return [*_orderable(keys[by](item)), str(identity(item))]

    ordered = sorted(items, key=place, reverse=descending)
    if "NextToken" in request:
        last = _read_token(request["NextToken"], by, descending)
        try:
            ordered = [item for item in ordered if (place(item) < last if descending else place(item) > last)]
        except TypeError:
            raise _bad_token() from None
    size = request.get("MaxResults", default_size)
    answer: dict[str, Any] = {member: ordered[:size]}
    if len(ordered) > size:
        answer["NextToken"] = _write_token(place(ordered[size - 1]), by, descending)
    return answer


def resources(
    request: Mapping[str, Any],
    records: Iterable[Kept],
    describe: Callable[[Kept], Item],
    *,
    kind: str,
    member: str,
    sort_by: str = "CreationTime",
    descending: bool = True,
) -> dict[str, Any]:
    """One page of the resources that pass the filters of the request, as ``page`` makes it.

    An item has ``CreationTime``, ``<kind>Name`` and, where such resources have one, ``<kind>Status``.
    """
    described = ((record, describe(record)) for record in records)
    return page(
        request,
        [item for record, item in described if _matches(request, record, item, item.get(f"{kind}Status"))],
        member=member,
        keys={
            "Name": lambda item: item[f"{kind}Name"],
            "CreationTime": lambda item: item["CreationTime"],
            "Status": lambda item: item[f"{kind}Status"],
        },
        identity=lambda item: item[f"{kind}Name"],
        sort_by=sort_by,
        descending=descending,
    )


def _matches(request: Mapping[str, Any], record: Record, item: Item, status: str | None) -> bool:
    """Whether a resource passes the filters that List operations share. Times in epoch seconds."""
    modified = item.get("LastModifiedTime", record.modified)
    return (
        request.get("NameContains", "").lower() in record.name.lower()
        and request.get("StatusEquals") in (None, status)
        and record.created > request.get("CreationTimeAfter", float("-inf"))
        and record.created < request.get("CreationTimeBefore", float("inf"))
        and modified > request.get("LastModifiedTimeAfter", float("-inf"))
        and modified < request.get("LastModifiedTimeBefore", float("inf"))
    )


def _orderable(value: Any) -> Sequence[Any]:
    """A sort key that compares with any other of its list: what has no value comes first."""
    if value is None:
        return [0, 0]
    return [1, value.lower() if isinstance(value, str) else value]


def _write_token(place: list[Any], by: str, descending: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([by, descending, place]).encode()).decode()


def _read_token(token: str, by: str, descending: bool) -> list[Any]:
    try:
        token_by, token_descending, place = json.loads(base64.urlsafe_b64decode(token.encode()))
        if (token_by, token_descending) != (by, descending) or len(place) != 3:
            raise ValueError("another list's token")
    except (ValueError, TypeError):
        raise _bad_token() from None
    return list(place)


def _bad_token() -> ServiceError:
    return validation_error(
        "Invalid NextToken: pass the token of the page before, with the same SortBy and SortOrder."
    )
