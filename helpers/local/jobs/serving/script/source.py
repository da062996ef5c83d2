"""Where a user's code is: in the model data, or in an archive of its own."""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.archives import unpack
from helpers.local.jobs.serving.container import Environment
from helpers.local.jobs.serving.script import requirements
from helpers.local.objects import ObjectStore

PROGRAM, SUBMIT = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
MODEL = PurePosixPath("/opt/ml/model")  # where the service unpacks the model data
DEFAULT = "inference.py"


@dataclass(frozen=True)
class Source:
    """The module with the user's functions, and the directory it lies in."""

    program: str
    code: Path


def find(objects: ObjectStore, model: Path, environment: Environment) -> Source:
    """The code that the container's Environment names, by default code/inference.py; requirements checked.

    Raises JobFailure when it is not there, or asks for what is not installed.
    """
    code = _directory(objects, model, environment.get(SUBMIT, ""))
    name = environment.get(PROGRAM, "").strip() or DEFAULT
    program = name.removesuffix(".py")
    if not environment.get(PROGRAM, "").strip():
        print(
            f"{PROGRAM} is not set: {DEFAULT} is taken. Set it, some images of SageMaker need it.", flush=True
        )
    if not program.isidentifier():
        raise JobFailure(f"{PROGRAM} is '{name}': it must be the name of a Python file, such as {DEFAULT}.")
    if not (code / f"{program}.py").is_file() and not (code / program / "__init__.py").is_file():
        where = environment.get(SUBMIT) or "code/ of the model data"
        raise JobFailure(
            f"There is no {program}.py in {where}: a model.tar.gz of your own has model files at its top and "
            f"code/{program}.py with model_fn beside them. It holds: "
            f"{_listed(code if code.is_dir() else model)}."
        )
    if (code / "requirements.txt").is_file():
        requirements.check(code / "requirements.txt")
    return Source(program, code)


def brings_code(model: Path, environment: Environment) -> bool:
    """Whether a container is to run code of the user's own."""
    return bool(environment.get(PROGRAM, "").strip()) or (model / "code" / DEFAULT).is_file()


def _directory(objects: ObjectStore, model: Path, wanted: str) -> Path:
    wanted = wanted.strip().removeprefix("file://")
    if not wanted:
        return model / "code"
    if wanted.startswith("s3://"):
        directory = model.parent / "code"
        shutil.rmtree(directory, ignore_errors=True)
        unpack(objects, wanted, directory, "code")
        return directory
    path = PurePosixPath(wanted)
    if not path.is_relative_to(MODEL) or ".." in path.parts:
        raise JobFailure(
            f"{SUBMIT} is '{wanted}': give {MODEL}/code, or s3:// and the sourcedir.tar.gz with the code."
        )
    return model / path.relative_to(MODEL)


def _listed(directory: Path) -> str:
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    return ", ".join(names[:10]) or "nothing"
