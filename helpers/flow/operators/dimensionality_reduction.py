"""Dimensionality reduction: principal component analysis.

How a flow spells this step is not documented: the names of the Data Wrangler UI are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import OperatorError
from ..frame import Frame
from .base import Columns, Operator, listing, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..trained import Place

_most_features = 500


class LearnedComponents(BaseModel):
    """What the step learns. How Data Wrangler stores it is not documented: this form is our own.

    `mean` and `scale` have a number for each feature, `components` a list of as many for each component, and
    `explained_variance` its share of the variance.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    mean: list[float]
    scale: list[float]
    components: list[list[float]]
    explained_variance: list[float]

    @model_validator(mode="after")
    def _fits(self) -> LearnedComponents:
        lengths = {len(self.mean), len(self.scale), *map(len, self.components)}
        if len(lengths) != 1 or not self.components or len(self.components) != len(self.explained_variance):
            raise ValueError("the lists are not of the same features")
        return self


@operator("sagemaker.spark.pca_0.1")
@operator("sagemaker.spark.dimensionality_reduction_0.1")
class PrincipalComponents(Operator):
    """Replace columns of numbers by their principal components."""

    input_columns: Columns = Field(validation_alias=AliasChoices("input_columns", "input_column"))
    number_of_components: Annotated[int, Field(ge=1)] | None = Field(
        None,
        validation_alias=AliasChoices(
            "number_of_components", "num_components", "n_components", "number_of_principal_components", "k"
        ),
    )
    variance_threshold: Annotated[float, Field(gt=0, le=100)] | None = Field(
        None,
        validation_alias=AliasChoices(
            "variance_threshold", "variance_threshold_percentage", "variance_percentage"
        ),
    )
    center: bool = True
    scale: bool = True
    output_format: Literal["Vector", "Columns"] = Field(
        "Columns", validation_alias=AliasChoices("output_format", "output_style")
    )
    output_column: str | None = Field(
        None, validation_alias=AliasChoices("output_column", "output_prefix", "output_column_prefix")
    )
    keep_input_columns: bool = Field(
        False, validation_alias=AliasChoices("keep_input_columns", "keep_inputs", "keep_input_column")
    )

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, given: Any) -> Any:
        """The parameters may lie in a block of the chosen sub-operator, as those of other steps do."""
        if not isinstance(given, Mapping) or "operator" not in given:
            return given
        blocks = [value for value in given.values() if isinstance(value, Mapping)]
        left = {name: value for name, value in given.items() if name not in ("operator", "name")}
        return {
            **{k: v for k, v in left.items() if not isinstance(v, Mapping)},
            **(blocks[0] if blocks else {}),
        }

    @model_validator(mode="after")
    def _one_of_two(self) -> PrincipalComponents:
        if self.number_of_components is not None and self.variance_threshold is not None:
            raise ValueError("give 'number_of_components' or 'variance_threshold', not both")
        return self

    def describe(self) -> str:
        return f"Principal components of {listing(self.input_columns)}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..vectors import vector_of

        frame = run.keep(frames[0])
        names = frame.names(self.input_columns, "input_columns")
        features = self._features(frame, names, run)
        found = self._known(names, len(features), run) or self._fitted(frame, names, features, run)
        explained = 100 * sum(found.explained_variance)
        run.log(f"  {len(found.components)} components explain {explained:.1f} % of the variance")
        placed = [
            (each - mean if self.center else each) * scale
            for each, mean, scale in zip(features, found.mean, found.scale, strict=True)
        ]
        values = [
            _sum([each * part for each, part in zip(placed, axis, strict=True)]) for axis in found.components
        ]
        prefix = self.output_column or "principal_component"
        outputs = (
            {prefix: vector_of(values)}
            if self.output_format == "Vector"
            else {f"{prefix}_{place}": value for place, value in enumerate(values)}
        )
        kept = frame.columns if self.keep_input_columns else [n for n in frame.columns if n not in names]
        rest = frame.select(kept)
        new = [value.name(rest.free(name, "output_column")) for name, value in outputs.items()]
        return frame.replace(frame.table.select([*kept, *new, *frame.order]))

    def _place(self) -> Place:
        from ..trained import Place

        hashed = ("input_columns", "number_of_components", "variance_threshold", "center", "scale")
        return Place(("principal_components",), "", {name: getattr(self, name) for name in hashed})

    def _known(self, names: Sequence[str], count: int, run: Run) -> LearnedComponents | None:
        held = {name: value for name, value in self._place().stored(run).items() if name != "_hash"}
        if not held:
            return None
        try:
            found = LearnedComponents.model_validate(held)
        except ValidationError:
            return None
        if len(found.mean) != count:
            raise OperatorError(
                f"{listing(names)} have {count} features, and the flow's trained parameters are of "
                f"{len(found.mean)}",
                "Refit the flow (--refit), or give the step the features it was fitted with.",
                "input_columns",
            )
        return found

    def _fitted(
        self, frame: Frame, names: Sequence[str], features: Sequence[Any], run: Run
    ) -> LearnedComponents:
        from ..principal_components import components

        held = frame.table.select([each.name(f"f{place}") for place, each in enumerate(features)])
        found = run.statistics(held, held.columns)
        if not found or found[0].count < 2:
            raise OperatorError("needs at least two rows", "Look at the steps before it.", "input_columns")
        means = [each.mean or 0.0 for each in found]
        scales = [1.0 / each.deviation if each.deviation else 0.0 for each in found]
        axes = components(held, held.columns, means, scales if self.scale else [1.0] * len(found), run)
        if not sum(axes.shares):
            raise OperatorError(
                f"{listing(names)} do not vary", "Choose columns with different values.", "input_columns"
            )
        count = axes.first(self.number_of_components, self.variance_threshold or 95.0)
        learned = LearnedComponents(
            mean=[float(mean) for mean in means],
            scale=[float(scale) for scale in axes.scales],
            components=[[float(part) for part in axes.axes[:, place]] for place in range(count)],
            explained_variance=[float(share) for share in axes.shares[:count]],
        )
        self._place().keep(run, learned.model_dump())
        return learned

    def _features(self, frame: Frame, names: Sequence[str], run: Run) -> list[Any]:
        """The numbers of each row: columns, and the items of vectors."""
        from ..statistics import is_finite
        from ..vectors import is_vector, item, no_numbers, number, width

        features, origins = [], []
        for name in names:
            column = frame.table[name]
            if is_vector(column):
                new = [item(column, index) for index in range(width(frame, name, run) or 0)]
            elif column.type().is_numeric() or column.type().is_boolean():
                new = [number(column)]
            else:
                raise no_numbers(column, name, "input_columns")
            features += new
            origins += [name] * len(new)
        if len(features) > _most_features:
            raise OperatorError(
                f"has {len(features):,} features; at most {_most_features} can be reduced",
                "Choose fewer columns.",
                "input_columns",
            )
        counts = {f"f{place}": (~is_finite(each)).sum() for place, each in enumerate(features)}
        row = run.row(frame.table.aggregate(**counts)) if counts else {}
        wrong = [name for place, name in enumerate(origins) if row[f"f{place}"]]
        if wrong:
            raise OperatorError(
                f"there are missing or infinite values in {listing(list(dict.fromkeys(wrong)))}",
                "Fill, impute or drop them before this step.",
                "input_columns",
            )
        return features


def _sum(terms: list[Any]) -> Any:
    """A sum as a balanced tree, which stays flat where there are many terms."""
    while len(terms) > 1:
        pairs = [terms[place : place + 2] for place in range(0, len(terms), 2)]
        terms = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]
