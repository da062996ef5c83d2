"""Destinations: where a flow's results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from .base import Operator, operator

if TYPE_CHECKING:
    from ..frame import Frame


def _content(value: object) -> object:
    return {"csv": "CSV", "parquet": "Parquet"}.get(value.lower(), value) if isinstance(value, str) else value


def _none(value: object) -> object:
    return "none" if value in (None, "", "None") else value


class PartitionConfig(BaseModel):
    """Into how many files a destination writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    num_partitions: Annotated[int, Field(ge=1, le=9999)] = 1
    partition_by: tuple[str, ...] = ()

    @field_validator("partition_by")
    @classmethod
    def _by_none(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns:
            raise ValueError(
                "writing a folder for each value of a column is not supported; use num_partitions"
            )
        return columns


class OutputConfig(BaseModel):
    """How a destination writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    output_path: str = ""
    output_content_type: Annotated[Literal["CSV", "Parquet"], BeforeValidator(_content)] = "CSV"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    compression: Annotated[Literal["none", "gzip", "snappy", "zstd"], BeforeValidator(_none)] = "none"
    partition_config: PartitionConfig = PartitionConfig()


@operator("sagemaker.spark.s3_destination_0.1")
class S3Destination(Operator):
    """Write to S3"""

    output_config: OutputConfig

    def describe(self) -> str:
        return f"Write {self.output_config.output_content_type} to S3"

    def change(self, frame: Frame) -> Any:
        return frame.table
