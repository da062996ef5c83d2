"""The command line of the Data Wrangler container, and which node outputs a job asks for."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.local.jobs.job import JobFailure


@dataclass
class Arguments:
    """The container's arguments: how outputs are written, by their names `<node id>.<output name>`."""

    output_config: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    parameter_override: dict[str, Any] = field(default_factory=dict)
    refit: bool = False


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
            arguments.refit = bool(content.get("refit"))
    return arguments


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
    if partition.get("partition_by"):
        raise JobFailure(f"partition_by is not available on this machine yet: leave it out of {name}.")
    count = partition.get("num_partitions", 1)
    if not isinstance(count, int) or count < 1:
        raise JobFailure(f"num_partitions of {name} is {count!r}: a whole number from 1 is needed.")
    return Format(
        content_type,
        str(config.get("delimiter") or ","),
        str(config.get("compression") or "none").lower(),
        count,
    )
