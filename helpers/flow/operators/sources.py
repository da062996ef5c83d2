"""Sources: where a flow's data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .base import Operator, operator
from .delimiters import parting

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

_contents = {"json lines": "jsonl", "json_lines": "jsonl", "jsonlines": "jsonl", "ndjson": "jsonl"}


def _content(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _contents.get(value.lower(), value.lower())


def _delimiter(value: object) -> object:
    # An empty one counts as a comma, as in Data Wrangler.
    if value is None or value == "":
        return ","
    return {"\\t": "\t", "tab": "\t"}.get(value, value) if isinstance(value, str) else value


class S3Context(BaseModel):
    """Where the files lie in S3 and how they are to be read."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    uri: str = Field("", alias="s3Uri")
    content_type: Annotated[Literal["csv", "parquet", "json", "jsonl", "orc"], BeforeValidator(_content)] = (
        Field("csv", alias="s3ContentType")
    )
    has_header: bool = Field(True, alias="s3HasHeader")
    delimiter: Annotated[
        str, BeforeValidator(_delimiter), Field(min_length=1, max_length=4), AfterValidator(parting)
    ] = Field(",", alias="s3FieldDelimiter")
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


_names = {"csv": "CSV", "parquet": "Parquet", "json": "JSON", "jsonl": "JSON lines", "orc": "ORC"}


@operator("sagemaker.s3_source_0.1")
class S3Source(Operator):
    """Read files."""

    dataset_definition: S3Definition
    data_source: dict[str, Any] | None = Field(None, alias="dataSource")
    inputs: ClassVar[int] = 0

    def describe(self) -> str:
        return f"Read {_names[self.dataset_definition.context.content_type]} from S3"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        return run.load(self.dataset_definition.context)


class QuerySource(Operator):
    """Read the result of a query, which a local file stands for here."""

    dataset_definition: Mapping[str, Any]
    data_source: dict[str, Any] | None = Field(None, alias="dataSource")
    inputs: ClassVar[int] = 0
    service: ClassVar[str] = ""

    def describe(self) -> str:
        return f"Read a query's result from {self.service}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        from ..data_files import kind_of

        kind = next((kind_of(path) for path in run.files()), "csv")
        return run.load(S3Context.model_validate({"s3ContentType": kind}))


@operator("sagemaker.athena_source_0.1")
class AthenaSource(QuerySource):
    """Read the result of an Amazon Athena query, which a local file stands for here."""

    service: ClassVar[str] = "Athena"


@operator("sagemaker.redshift_source_0.1")
class RedshiftSource(QuerySource):
    """Read the result of an Amazon Redshift query, which a local file stands for here."""

    service: ClassVar[str] = "Redshift"
