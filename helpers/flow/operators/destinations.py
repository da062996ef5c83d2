"""Destinations: where a flow's results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .base import Columns, Operator, operator
from .delimiters import parting

if TYPE_CHECKING:
    from ..frame import Frame


def _content(value: object) -> object:
    return {"csv": "CSV", "parquet": "Parquet"}.get(value.lower(), value) if isinstance(value, str) else value


def _none(value: object) -> object:
    if value in (None, ""):
        return "none"
    return value.lower() if isinstance(value, str) else value


def _columns(value: object) -> object:
    return () if value in (None, "", []) else value


class PartitionConfig(BaseModel):
    """Into how many files, and into which folders, a destination writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    num_partitions: Annotated[int, Field(ge=1, le=9999)] | None = None
    partition_by: Annotated[Columns | tuple[()], BeforeValidator(_columns)] = ()


class OutputConfig(BaseModel):
    """How a destination writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    output_path: str = ""
    output_content_type: Annotated[Literal["CSV", "Parquet"], BeforeValidator(_content)] = "CSV"
    delimiter: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(parting)] = ","
    compression: Annotated[
        Literal["none", "uncompressed", "gzip", "bzip2", "deflate", "snappy", "zstd", "brotli"],
        BeforeValidator(_none),
    ] = "none"
    partition_config: PartitionConfig | None = None
    num_partitions: Annotated[int, Field(ge=1, le=9999)] | None = None
    partition_by: Annotated[Columns | tuple[()], BeforeValidator(_columns)] = ()

    @property
    def partitions(self) -> int:
        """How many files."""
        own = self.partition_config.num_partitions if self.partition_config else None
        return own or self.num_partitions or 1

    @property
    def folders(self) -> tuple[str, ...]:
        """The columns whose values name folders."""
        return (self.partition_config.partition_by if self.partition_config else ()) or self.partition_by


@operator("sagemaker.spark.s3_destination_0.1")
class S3Destination(Operator):
    """Write to S3"""

    output_config: OutputConfig

    def describe(self) -> str:
        return f"Write {self.output_config.output_content_type} to S3"

    def change(self, frame: Frame) -> Any:
        return frame.table
