"""The little XML that S3 speaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SPECIAL = re.compile(r"[&<>\"\x00-\x1f\x7f\ufffe\uffff]")
_NAMES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text: str) -> str:
    """Text for an element; control characters become references, as S3 writes them."""
    return _SPECIAL.sub(lambda match: _NAMES.get(match.group()) or f"&#x{ord(match.group()):X};", text)


def text(name: str, value: str | int | bool | None) -> str:
    """One element with text, or nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        value = "true" if value else "false"
    return f"<{name}>{escape(str(value))}</{name}>"


def element(name: str, *children: str) -> str:
    """One element with elements inside."""
    return f"<{name}>{''.join(children)}</{name}>"


def moment(time: datetime) -> str:
    """A time as S3 writes it: 2026-11-22T14:30:00.000Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def answer(name: str, *children: str, status: int = 200) -> Response:
    """A response whose document element has the children."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">{"".join(children)}</{name}>'
    return Response(body.encode(), status, content_type="application/xml")


def parse(body: bytes, name: str) -> ElementTree.Element:
    """The document element of a request, its namespaces removed. Raises ServiceError (MalformedXML)."""
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        raise malformed() from None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    if root.tag != name:
        raise malformed()
    return root


def malformed() -> ServiceError:
    """The error for a body that is not the XML the operation takes."""
    return ServiceError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
