"""Balance data: bring two classes of rows nearer to the same size.

Which rows are chosen or made is chance; their number is not. The same data give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from .base import Operator, listing, operator

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.balance_data_0.1"
_place = "flow_place"


class Neighbours(BaseModel):
    """SMOTE's own parameters; other sub-operators carry and ignore them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    num_neighbors: Annotated[int, Field(ge=1)] = 5


@dataclass(frozen=True)
class Classes:
    """The two classes of the target column, and how many rows each has."""

    column: str
    rare: Any
    rare_rows: int
    common_rows: int


class Balance(Operator):
    """Bring two classes nearer to the same size; ratio: rows of the smaller one for each of the larger."""

    flat: ClassVar[bool] = True
    target_column: str
    ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    smote_params: Neighbours = Neighbours()
    verb: ClassVar[str] = ""

    def describe(self) -> str:
        return f"{self.verb} by {self.target_column} to {self.ratio:g}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = run.keep(frames[0])
        classes = self._classes(frame, run)
        present = classes.rare_rows / classes.common_rows
        if self.ratio <= present:
            raise OperatorError(
                f"the classes of '{classes.column}' are balanced to {present:.4g} already, "
                f"which is not below the ratio {self.ratio:g}",
                "Give a higher ratio (at most 1), or leave the step out.",
                "ratio",
            )
        return self.balanced(frame, classes, run)

    def balanced(self, frame: Frame, classes: Classes, run: Run) -> Frame:
        """The frame with the ratio wanted."""
        raise NotImplementedError

    def _classes(self, frame: Frame, run: Run) -> Classes:
        column = frame.name(self.target_column, "target_column")
        counts = frame.table.select(value=frame.table[column]).group_by("value")
        found = run.rows(counts.aggregate(rows=lambda t: t.count()).order_by(["rows", "value"]).limit(4))
        if len(found) != 2 or any(each["value"] is None for each in found):
            none = any(each["value"] is None for each in found)
            count = f"{len(found)}{' or more' if len(found) == 4 else ''} values"
            raise OperatorError(
                f"'{column}' has {count}{', one of them null' if none else ''}; balancing needs exactly two",
                "Choose another column, or fill or drop values first.",
                "target_column",
            )
        rare, common = found
        return Classes(column, rare["value"], int(rare["rows"]), int(common["rows"]))

    def wanted(self, classes: Classes) -> int:
        """How many rows the smaller class needs more."""
        return int(self.ratio * classes.common_rows) - classes.rare_rows


def rows_of(frame: Frame, classes: Classes) -> Any:
    """Whether a row belongs to the smaller class."""
    return frame.table[classes.column] == classes.rare


def appended(frame: Frame, more: Any, place: str, run: Run) -> Frame:
    """The frame with the rows of a table of the same columns after its own, in the order of `place`."""
    import ibis

    part, within = f"{hidden_prefix}0", f"{hidden_prefix}1"

    def part_of(table: Any, number: int, order: str) -> Any:
        columns = [table[name] for name in frame.columns]
        places = [ibis.literal(number).cast("int64").name(part), table[order].cast("int64").name(within)]
        return table.select([*columns, *places])

    both = ibis.union(part_of(frame.table, 0, frame.order[0]), part_of(more, 1, place))
    return run.keep(Frame(both, (part, within)))


@operator(_id, "Random oversample")
class RandomOversample(Balance):
    """Repeat rows of the smaller class, chosen by chance, after all others."""

    verb: ClassVar[str] = "Repeat rows at random"

    def balanced(self, frame: Frame, classes: Classes, run: Run) -> Frame:
        import numpy as np
        import pandas as pd

        [place] = frame.order
        rare = frame.table.filter(rows_of(frame, classes))
        places = run.to_pandas(Frame(rare.select([rare[place].name(_place), place]), (place,)))[_place]
        chosen = np.random.RandomState(0).randint(0, len(places), size=self.wanted(classes))
        copies = run.from_pandas(pd.DataFrame({_place: places.to_numpy()[chosen]}))
        turn, source = f"{hidden_prefix}turn", f"{hidden_prefix}source"
        [order] = copies.order
        picks = copies.table.select([copies.table[_place].name(source), copies.table[order].name(turn)])
        more = picks.inner_join(frame.table, picks[source] == frame.table[place])
        return appended(frame, more, turn, run)


@operator(_id, "Random undersample")
class RandomUndersample(Balance):
    """Drop rows of the larger class, chosen by chance."""

    verb: ClassVar[str] = "Drop rows at random"

    def balanced(self, frame: Frame, classes: Classes, run: Run) -> Frame:
        from ..drawing_lots import drawn, lot, with_lots

        lots = with_lots(frame, "undersample", run)
        # A lot is never negative: rows of the smaller class come before all others.
        first = rows_of(lots, classes).ifelse(-1 - lots.table[lot], lots.table[lot])
        kept = classes.rare_rows + int(classes.rare_rows / self.ratio)
        return drawn(lots.replace(lots.table.mutate(**{lot: first})), kept, run)


@operator(_id, "SMOTE")
class Smote(Balance):
    """Make new rows of the smaller class between neighbours of it, after all others."""

    verb: ClassVar[str] = "SMOTE"

    def balanced(self, frame: Frame, classes: Classes, run: Run) -> Frame:
        from ..smote import between_neighbours

        self._complete(frame, run)
        neighbours = self.smote_params.num_neighbors
        if classes.rare_rows <= neighbours:
            raise OperatorError(
                f"the smaller class has {classes.rare_rows} rows, and each needs {neighbours} neighbours",
                f"Set num_neighbors to less than {classes.rare_rows}, or use Random oversample.",
                "smote_params",
            )
        features = [name for name in frame.columns if name != classes.column]
        numbers = [name for name in features if frame.table[name].type().is_numeric()]
        categories = [name for name in features if name not in numbers]
        rare = frame.replace(frame.table.filter(rows_of(frame, classes)))
        made = between_neighbours(
            run.to_pandas(rare), numbers, categories, self.wanted(classes), neighbours, seed=0
        )
        for name in numbers:
            if frame.table[name].type().is_integer():
                made[name] = made[name].round().astype("int64")
        made[classes.column] = classes.rare
        more = run.from_pandas(made[frame.columns], like=frame)
        return appended(frame, more.table, more.order[0], run)

    def _complete(self, frame: Frame, run: Run) -> None:
        from ..statistics import is_there

        nested = [name for name in frame.columns if frame.table[name].type().is_nested()]
        if nested:
            raise OperatorError(
                f"{listing(nested)} holds vectors, between which SMOTE makes no rows",
                "Flatten vectors into columns first, or drop them.",
                "operator",
            )
        counts = {f"c{k}": (~is_there(frame.table[name])).sum() for k, name in enumerate(frame.columns)}
        row = run.row(frame.table.aggregate(**counts))
        missing = [name for k, name in enumerate(frame.columns) if row[f"c{k}"]]
        if missing:
            raise OperatorError(
                f"there are missing values in {listing(missing)}",
                "Fill, impute or drop them before this step.",
                "operator",
            )
