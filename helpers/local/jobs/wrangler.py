"""The command line of the Data Wrangler container, and which node outputs a job asks for."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from helpers.local.jobs.job import JobFailure


@dataclass(frozen=True)
class Refit:
    """Whether steps learn anew, and the name of the file that then holds the flow with what they learned."""

    refit: bool = False
    output_flow: str = ""


@dataclass
class Arguments:
    """The container's arguments: how outputs are written, by their names `<node id>.<output name>`."""

    output_config: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    parameter_override: dict[str, Any] = field(default_factory=dict)
    refit: Refit = field(default_factory=Refit)


def read_arguments(elements: Sequence[str]) -> Arguments:
    """Read ContainerArguments: the container splits each element as a shell would."""
    words: list[str] = []
    for element in elements:
        try:
            words += shlex.split(element)
        except ValueError as error:
            raise JobFailure(
                f"The container argument {element!r} cannot be read ({error}): close its quotes."
            ) from None
    arguments = Arguments()
    while words:
        flag, _, value = words.pop(0).partition("=")
        if flag not in ("--output-config", "--parameter-override", "--refit-trained-params"):
            raise JobFailure(
                f"The container argument {flag!r} is unknown: --output-config, --refit-trained-params and "
                "--parameter-override are what this image takes."
            )
        if not value and not words:
            raise JobFailure(f"The container argument {flag} lacks its value, a JSON object.")
        content = _parse(flag, value or words.pop(0))
        if flag == "--output-config":
            arguments.output_config |= content
        elif flag == "--parameter-override":
            arguments.parameter_override |= content
        else:
            arguments.refit = _refit(content)
    return arguments


def _refit(content: Mapping[str, Any]) -> Refit:
    unknown = sorted(set(content) - {"refit", "output_flow"})
    if unknown:
        raise JobFailure(
            f"--refit-trained-params has the unknown member '{unknown[0]}': refit and output_flow are known."
        )
    refit, name = content.get("refit", False), content.get("output_flow") or ""
    if not isinstance(refit, bool):
        raise JobFailure(f"refit of --refit-trained-params is {refit!r}: true or false is needed.")
    if not isinstance(name, str) or PurePosixPath(name).name != name:
        raise JobFailure(f"output_flow of --refit-trained-params is {name!r}: the name of a file is needed.")
    return Refit(refit, name)


def _parse(flag: str, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise JobFailure(f"The value of {flag} is not JSON ({error}): {text[:80]!r}.") from None
    if not isinstance(content, dict):
        raise JobFailure(f"The value of {flag} is not a JSON object: {text[:80]!r}.")
    return content


@dataclass(frozen=True)
class Format:
    """How one output is written."""

    content_type: str
    delimiter: str
    compression: str
    partitions: int
    partition_by: tuple[str, ...] = ()


def output_format(name: str, config: Mapping[str, Any]) -> Format:
    """The format an --output-config entry asks for; CSV in one part by default."""
    known = {"content_type", "delimiter", "compression", "partition_config"}
    unknown = sorted(set(config) - known)
    if unknown:
        raise JobFailure(
            f"The --output-config of {name} has the unknown member '{unknown[0]}': "
            f"{', '.join(sorted(known))} are known."
        )
    content_type = str(config.get("content_type") or "CSV").upper()
    if content_type not in ("CSV", "PARQUET"):
        raise JobFailure(f"The content_type '{content_type}' of {name} is unknown: write CSV or Parquet.")
    partition = config.get("partition_config") or {}
    if not isinstance(partition, Mapping):
        raise JobFailure(f"The partition_config of {name} is not a JSON object.")
    columns = partition.get("partition_by") or []
    columns = [columns] if isinstance(columns, str) else columns
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise JobFailure(f"partition_by of {name} is {columns!r}: a list of columns is needed.")
    count = partition.get("num_partitions")
    count = 1 if count is None else count
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise JobFailure(f"num_partitions of {name} is {count!r}: a whole number from 1 is needed.")
    return Format(
        content_type,
        str(config.get("delimiter") or ","),
        str(config.get("compression") or "none").lower(),
        count,
        tuple(columns),
    )
