"""code/requirements.txt: what it asks for must be there. Nothing is installed: see the package's words."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from helpers.local.jobs.job import JobFailure

ADVICE = "Nothing is installed for a model here: "


def check(path: Path) -> None:
    """Raises JobFailure for the first line that is no requirement, or that is not satisfied here."""
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    for line in text.splitlines():
        wanted = line.split(" #", maxsplit=1)[0].strip()
        if not wanted or wanted.startswith("#"):
            continue
        problem = _problem(wanted)
        if problem:
            raise JobFailure(f"code/{path.name} asks for '{wanted}', and {problem}")


def _problem(wanted: str) -> str:
    if wanted.startswith("-"):
        return f"options of pip cannot be followed. {ADVICE}write names and versions alone."
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement as error:
        return f"that is no requirement ({str(error).splitlines()[0]})."
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return (
            f"{requirement.name} is not installed. {ADVICE}install it into the environment that local "
            "SageMaker runs in, or leave it out."
        )
    if requirement.url is not None:
        return f"an address cannot be checked. {ADVICE}write the name and the version."
    if not requirement.specifier.contains(installed, prereleases=True):
        return (
            f"{requirement.name} {installed} is installed. {ADVICE}install the version into the environment "
            "that local SageMaker runs in, or allow the installed one."
        )
    return ""
