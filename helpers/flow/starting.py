"""A flow to start from, and the program that writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .builder import FlowBuilder
from .errors import FlowError

_program = '''"""Writes {file}: `python {program}`. Add your steps in build()."""

from pathlib import Path

from helpers.flow.builder import FlowBuilder


def build() -> FlowBuilder:
    """The flow, step by step."""
    flow = FlowBuilder({name})
    data = flow.source({source}, {uri}{context})
    typed = data.types("Types")
    # typed = typed.formula("Price with tax", "total", "1.19 * price")
    # typed = typed.then("Drop price", "manage_columns", "Drop column", column_to_drop=["price"])
    typed.destination({name}, {target})
    return flow


if __name__ == "__main__":
    print(build().write(Path(__file__).with_name({quoted_file})))
'''


def start(name: str, source: str = "data.csv", bucket: str = "s3://bucket") -> FlowBuilder:
    """A source, its types inferred, and a destination."""
    flow = FlowBuilder(name)
    context: dict[str, Any] = {"s3ContentType": "parquet"} if source.lower().endswith(".parquet") else {}
    typed = flow.source(source, f"{bucket}/{source}", **context).types("Types")
    typed.destination(name, f"{bucket}/{name}/")
    return flow


def write_new(path: Path, source: str = "data.csv", code: bool = False) -> list[Path]:
    """Write a starting flow, with `code` also the program that builds it; the paths written.

    Raises FlowError for a name that cannot be a file's, or one that is there already.
    """
    target = path if path.suffix == ".flow" else path.with_name(f"{path.name}.flow")
    name = target.stem
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", name):
        raise FlowError(f"{name!r} cannot be the name of a flow. Use letters, digits, '-', '_' and '.'.")
    if not source or "/" in source:
        raise FlowError(f"{source!r} cannot be the name of a source. Give the file's name alone: orders.csv.")
    program = target.with_name(f"build_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_').lower()}.py")
    wanted = [target, program] if code else [target]
    for each in wanted:
        if each.exists():
            raise FlowError(f"{each} is there already. Choose another name, or remove it first.")
    if not target.parent.is_dir():
        raise FlowError(f"The folder {target.parent} does not exist. Make it first.")
    start(name, source).write(target)
    if code:
        program.write_text(_program_text(name, source, target.name, program.name), encoding="utf-8")
    return wanted


def _program_text(name: str, source: str, file: str, program: str) -> str:
    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    return _program.format(
        file=file,
        program=program,
        quoted_file=quoted(file),
        name=quoted(name),
        source=quoted(source),
        uri=quoted(f"s3://bucket/{source}"),
        context=', s3ContentType="parquet"' if source.lower().endswith(".parquet") else "",
        target=quoted(f"s3://bucket/{name}/"),
    )
