"""Destinations: where a flow's results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .base import Operator, operator

if TYPE_CHECKING:
    from ..frame import Frame


def _content(value: object) -> object:
    return {"csv": "CSV", "parquet": "Parquet"}.get(value.lower(), value) if isinstance(value, str) else value


def _none(value: object) -> object:
    return "none" if value in (None, "", "None") else value


class OutputConfig(BaseModel):
    """How a destination writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    output_path: str = ""
    output_content_type: Annotated[Literal["CSV", "Parquet"], BeforeValidator(_content)] = "CSV"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    compression: Annotated[Literal["none", "gzip", "snappy", "zstd"], BeforeValidator(_none)] = "none"


@operator("sagemaker.spark.s3_destination_0.1")
class S3Destination(Operator):
    """Write to S3"""

    output_config: OutputConfig

    def describe(self) -> str:
        return f"Write {self.output_config.output_content_type} to S3"

    def change(self, frame: Frame) -> Any:
        return frame.table
