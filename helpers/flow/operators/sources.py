"""Sources: where a flow's data comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _delimiter(value: object) -> object:
    return {"\\t": "\t", "tab": "\t", None: ","}.get(value, value) if isinstance(value, str | None) else value


class S3Context(BaseModel):
    """Where the files lie in S3 and how they are to be read."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    uri: str = Field("", alias="s3Uri")
    content_type: Annotated[Literal["csv", "parquet"], BeforeValidator(_lower)] = Field(
        "csv", alias="s3ContentType"
    )
    has_header: bool = Field(True, alias="s3HasHeader")
    delimiter: Annotated[str, BeforeValidator(_delimiter), Field(min_length=1, max_length=4)] = Field(
        ",", alias="s3FieldDelimiter"
    )
    multi_line: bool | None = Field(None, alias="s3MultiLine")
    encoding: str | None = Field(None, alias="s3CsvEncodingType")
    nested: bool | None = Field(None, alias="s3DirIncludesNested")
    add_filename: bool | None = Field(None, alias="s3AddsFilenameColumn")


class S3Definition(BaseModel):
    """A data set in S3."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    source_type: Literal["S3"] = Field("S3", alias="datasetSourceType")
    name: str = ""
    context: S3Context = Field(alias="s3ExecutionContext")


@operator("sagemaker.s3_source_0.1")
class S3Source(Operator):
    """Read files."""

    dataset_definition: S3Definition
    data_source: dict[str, Any] | None = Field(None, alias="dataSource")
    inputs: ClassVar[int] = 0

    def describe(self) -> str:
        context = self.dataset_definition.context
        return f"Read {'CSV' if context.content_type == 'csv' else 'Parquet'} from S3"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        from ..loading import load

        return load(run, self.dataset_definition.context)
