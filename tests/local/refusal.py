"""Expecting an error of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code: str, status: int) -> Iterator[None]:
    """Expect a ClientError with this code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    found = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
    assert found == (code, status), caught.value
