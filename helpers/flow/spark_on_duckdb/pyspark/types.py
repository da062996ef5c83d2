"""PySpark's types on DuckDB: `pyspark.sql.types` as far as snippets use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from .. import types
from ..types import Type


class DataType:
    """A type of a column."""

    _type: ClassVar[Type | None] = None

    @property
    def spark(self) -> Type:
        """The type as the engine knows it."""
        assert self._type is not None
        return self._type

    def simpleString(self) -> str:
        """Spark's short name of it."""
        return str(self.spark)

    typeName = simpleString

    def __str__(self) -> str:
        return self.simpleString()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and other.spark == self.spark

    def __hash__(self) -> int:
        return hash(self.spark)


class NumericType(DataType):
    """Any type of numbers."""


class IntegralType(NumericType):
    """Any type of whole numbers."""


class FractionalType(NumericType):
    """Any type of numbers with fractions."""


class DecimalType(FractionalType):
    """Numbers with this many digits, so many of them behind the point."""

    def __init__(self, precision: int = 10, scale: int = 0) -> None:
        self.precision, self.scale = precision, scale

    @property
    def spark(self) -> Type:
        return types.decimal(self.precision, self.scale)


class ArrayType(DataType):
    """Lists of values of one type."""

    def __init__(self, elementType: DataType, containsNull: bool = True) -> None:  # noqa: ARG002
        self.elementType = elementType

    @property
    def spark(self) -> Type:
        return types.array(self.elementType.spark)


class StructField:
    """A column of a schema."""

    def __init__(self, name: str, dataType: DataType, nullable: bool = True, metadata: Any = None) -> None:
        self.name, self.dataType, self.nullable, self.metadata = name, dataType, nullable, metadata or {}


class StructType(DataType):
    """The columns of a table."""

    def __init__(self, fields: Sequence[StructField] | None = None) -> None:
        self.fields = list(fields or [])

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [field.name for field in self.fields]

    fieldNames = property(lambda self: lambda: self.names)

    def add(
        self, field: Any, dataType: Any = None, nullable: bool = True, metadata: Any = None
    ) -> StructType:
        """A further column."""
        if not isinstance(field, StructField):
            field = StructField(field, dataType, nullable, metadata)
        self.fields.append(field)
        return self

    @property
    def spark(self) -> Type:
        return Type("struct", fields=tuple((each.name, each.dataType.spark) for each in self.fields))

    def __iter__(self) -> Iterator[StructField]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            return self.fields[key]
        for field in self.fields:
            if field.name == key:
                return field
        raise KeyError(f"the schema has no column {key!r}")


class StringType(DataType):
    """Texts."""

    _type = types.string


class BooleanType(DataType):
    """Truth values."""

    _type = types.boolean


class DateType(DataType):
    """Dates."""

    _type = types.date


class TimestampType(DataType):
    """Moments."""

    _type = types.timestamp


class ByteType(IntegralType):
    """Whole numbers of 8 bits."""

    _type = types.tinyint


class ShortType(IntegralType):
    """Whole numbers of 16 bits."""

    _type = types.smallint


class IntegerType(IntegralType):
    """Whole numbers of 32 bits."""

    _type = types.integer


class LongType(IntegralType):
    """Whole numbers of 64 bits."""

    _type = types.bigint


class FloatType(FractionalType):
    """Floating numbers of 32 bits."""

    _type = types.real


class DoubleType(FractionalType):
    """Floating numbers of 64 bits."""

    _type = types.double


class NullType(DataType):
    """Nothing but nulls."""

    _type = types.void


_simple = (
    StringType, BooleanType, DateType, TimestampType, ByteType, ShortType, IntegerType, LongType, FloatType,
    DoubleType, NullType,
)  # fmt: skip


class OtherType(DataType):
    """A type that has no class here."""

    def __init__(self, kind: Type) -> None:
        self.kind = kind

    @property
    def spark(self) -> Type:
        return self.kind


def class_of(kind: Type) -> DataType:
    """The PySpark type of a column."""
    for each in _simple:
        if each._type == kind:
            return each()
    if kind.name == "decimal":
        return DecimalType(kind.precision, kind.scale)
    if kind.name == "array" and kind.element:
        return ArrayType(class_of(kind.element))
    if kind.name == "struct":
        return StructType([StructField(name, class_of(inner)) for name, inner in kind.fields])
    return OtherType(kind)


public = {
    each.__name__: each
    for each in (
        *_simple,
        DataType,
        NumericType,
        IntegralType,
        FractionalType,
        DecimalType,
        ArrayType,
        StructType,
        StructField,
    )
}
"""What `pyspark.sql.types` holds."""
starred = [name for name in public if name not in ("NumericType", "IntegralType", "FractionalType")]
"""What `from pyspark.sql.types import *` brings."""


class Row(tuple[Any, ...]):
    """A row that was read out: its values by place, name or attribute."""

    __fields__: list[str]

    def __new__(cls, *values: Any, **named: Any) -> Row:
        made = super().__new__(cls, values or tuple(named.values()))
        made.__fields__ = list(named) if named else []
        return made

    @classmethod
    def of(cls, names: Sequence[str], values: Sequence[Any]) -> Row:
        """A row of a table."""
        made = cls(*values)
        made.__fields__ = list(names)
        return made

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.__fields__:
                raise KeyError(key)
            return super().__getitem__(self.__fields__.index(key))
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.__fields__:
            raise AttributeError(f"the row has no column {name!r}")
        return self[name]

    def __call__(self, *values: Any) -> Row:
        return Row.of([str(each) for each in self], values)

    def asDict(self, recursive: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Its values by name."""
        return dict(zip(self.__fields__, self, strict=True))

    def __repr__(self) -> str:
        if self.__fields__:
            return f"Row({', '.join(f'{name}={value!r}' for name, value in self.asDict().items())})"
        return f"<Row({', '.join(map(repr, self))})>"
