"""Nodes that hold a data set as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Operator, operator

if TYPE_CHECKING:
    from ..frame import Frame


@operator("sagemaker.dataset.identity_0.1")
class Identity(Operator):
    """Data set"""

    def change(self, frame: Frame) -> Any:
        return frame.table
