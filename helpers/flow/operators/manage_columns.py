"""Manage columns: drop, rename, duplicate, move, concatenate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from ..errors import OperatorError
from .base import Columns, Operator, listing, operator

if TYPE_CHECKING:
    from ..frame import Frame

_id = "sagemaker.spark.manage_columns_0.1"


@operator(_id, "Drop column")
class DropColumn(Operator):
    """Drop columns."""

    column_to_drop: Columns

    def describe(self) -> str:
        return f"Drop {listing(self.column_to_drop)}"

    def change(self, frame: Frame) -> Any:
        return frame.table.drop(*frame.names(self.column_to_drop, "column_to_drop"))


class Renaming(BaseModel):
    """One column and its new name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input_column: str
    new_name: str


@operator(_id, "Rename column")
class RenameColumn(Operator):
    """Rename columns, one after the other; each keeps its place."""

    input_column: str | None = None
    new_name: str | None = None
    columns_to_rename: tuple[Renaming, ...] = ()

    @model_validator(mode="after")
    def _something_to_do(self) -> RenameColumn:
        if (self.input_column is None) != (self.new_name is None) or not self.pairs():
            raise ValueError("needs 'input_column' and 'new_name'")
        return self

    def pairs(self) -> list[tuple[str, str]]:
        """Old and new names; the single pair comes last, as in Data Wrangler."""
        pairs = [(each.input_column, each.new_name) for each in self.columns_to_rename]
        if self.input_column is not None and self.new_name is not None:
            pairs.append((self.input_column, self.new_name))
        return pairs

    def describe(self) -> str:
        return f"Rename {listing([f'{old} to {new}' for old, new in self.pairs()], 2)}"

    def change(self, frame: Frame) -> Any:
        for old, new in self.pairs():
            old = frame.name(old, "input_column")
            if new.lower() != old.lower():
                frame.free(new, "new_name")
            # One projection rather than Ibis's rename: it accepts a change of case alone.
            columns = [frame.table[name].name(new if name == old else name) for name in frame.table.columns]
            frame = frame.replace(frame.table.select(columns))
        return frame.table


@operator(_id, "Duplicate column")
class DuplicateColumn(Operator):
    """Duplicate a column under a new name, at the end."""

    input_column: str
    new_name: str

    def describe(self) -> str:
        return f"Duplicate {self.input_column} as {self.new_name}"

    def change(self, frame: Frame) -> Any:
        column = frame.table[frame.name(self.input_column, "input_column")]
        return frame.table.mutate(**{frame.free(self.new_name, "new_name"): column})


class Move(Operator):
    """Move columns to another place."""

    column_to_move: Columns

    def index(self, others: list[str], frame: Frame) -> int:
        """The place among the other columns where the moved ones go."""
        raise NotImplementedError

    def change(self, frame: Frame) -> Any:
        moved = frame.names(self.column_to_move, "column_to_move")
        others = [name for name in frame.columns if name not in moved]
        index = self.index(others, frame)
        return frame.select([*others[:index], *moved, *others[index:]]).table


_move = ("operator", "move_type")


@operator(_id, "Move column", "Move to start", keys=_move)
class MoveToStart(Move):
    """Move columns to the start."""

    def describe(self) -> str:
        return f"Move {listing(self.column_to_move)} to the start"

    def index(self, others: list[str], frame: Frame) -> int:  # noqa: ARG002
        return 0


@operator(_id, "Move column", "Move to end", keys=_move)
class MoveToEnd(Move):
    """Move columns to the end."""

    def describe(self) -> str:
        return f"Move {listing(self.column_to_move)} to the end"

    def index(self, others: list[str], frame: Frame) -> int:  # noqa: ARG002
        return len(others)


@operator(_id, "Move column", "Move to index", keys=_move)
class MoveToIndex(Move):
    """Move columns to an index, counted from 0."""

    place: Annotated[int, Field(alias="index", ge=0)]

    def describe(self) -> str:
        return f"Move {listing(self.column_to_move)} to place {self.place}"

    def index(self, others: list[str], frame: Frame) -> int:  # noqa: ARG002
        return min(self.place, len(others))


class MoveBeside(Move):
    """Move columns beside another one."""

    target_column: str
    shift: ClassVar[int] = 0

    def index(self, others: list[str], frame: Frame) -> int:
        target = frame.name(self.target_column, "target_column")
        if target not in others:
            raise OperatorError(
                f"'{target}' cannot be moved beside itself", "Choose another.", "target_column"
            )
        return others.index(target) + self.shift


@operator(_id, "Move column", "Move after", keys=_move)
class MoveAfter(MoveBeside):
    """Move columns to right after another one."""

    shift: ClassVar[int] = 1

    def describe(self) -> str:
        return f"Move {listing(self.column_to_move)} after {self.target_column}"


@operator(_id, "Move column", "Move before", keys=_move)
class MoveBefore(MoveBeside):
    """Move columns to right before another one."""

    def describe(self) -> str:
        return f"Move {listing(self.column_to_move)} before {self.target_column}"


@operator(_id, "Concatenate columns")
class ConcatenateColumns(Operator):
    """Join the texts of two or more columns; nulls are left out."""

    left_column: str | None = None
    right_column: str | None = None
    input_columns: Columns | None = None
    output_column: str | None = None
    delimiter: str = Field("_", validation_alias=AliasChoices("delimiter", "separator"))

    @model_validator(mode="after")
    def _something_to_join(self) -> ConcatenateColumns:
        pair = self.left_column is not None and self.right_column is not None
        if pair == (self.input_columns is not None) or (not pair and (self.left_column or self.right_column)):
            raise ValueError("needs 'left_column' and 'right_column', or 'input_columns'")
        return self

    def columns(self) -> tuple[str, ...]:
        """The columns to join, in their order."""
        return self.input_columns or (str(self.left_column), str(self.right_column))

    def describe(self) -> str:
        return f"Concatenate {listing(self.columns())}"

    def change(self, frame: Frame) -> Any:
        import ibis

        from ..casting import cast
        from .per_column import put

        names = frame.names(self.columns(), "input_columns" if self.input_columns else "left_column")
        texts = ibis.array([cast(frame.table[name], "string") for name in names])
        joined = texts.filter(lambda text: text.notnull()).join(self.delimiter)
        # DuckDB joins no texts to null, Spark to an empty text.
        return put(frame, self.output_column or "_".join(names), joined.fill_null("")).table
