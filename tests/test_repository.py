"""The repository keeps its promises: one lock, one set of requirements, nothing private in it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# The packages of the mission: what a learner expects to find by name.
NAMED_PACKAGES = {"jupyter", "papermill", "sagemaker", "pandas", "seaborn", "nbval"}

# SageMaker Distribution 4.4.1, the image of SageMaker Studio: what the workshop must install beside.
# pyarrow is left out: that image ships it beyond AutoGluon's own bound.
STUDIO_PINS = {
    "python": "3.12",
    "sagemaker": "3.12.0",
    "autogluon-tabular": "1.5.0",
    "pandas": "2.3.3",
    "numpy": "1.26.4",
    "duckdb": "1.5.1",
    "papermill": "2.7.0",
}


@cache
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements() -> dict[str, Requirement]:
    """Every requirement of the package, its extras included, by canonical name."""
    table = project()["project"]
    lines = [
        *table["dependencies"],
        *(line for extra in table["optional-dependencies"].values() for line in extra),
    ]
    return {canonicalize_name((requirement := Requirement(line)).name): requirement for line in lines}


@cache
def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the workshop is not a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def text_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix not in {".png", ".jpg", ".jpeg"}]


@pytest.mark.parametrize(("package", "version"), STUDIO_PINS.items())
def test_requirements_admit_the_studio_image(package: str, version: str) -> None:
    if package == "python":
        from packaging.specifiers import SpecifierSet

        assert SpecifierSet(project()["project"]["requires-python"]).contains(version)
        return
    assert requirements()[package].specifier.contains(version), (
        f"{requirements()[package]} shuts out {version}"
    )


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text().split("[tool.", 1)[0]
    for line in text.splitlines():
        if re.match(r'^  "[a-z]', line):
            assert re.search(r"#\s+\S+", line), f"no reason given in pyproject.toml for: {line.strip()}"


def test_the_conda_environment_agrees_with_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    conda_names = {re.split(r"[<>=!~ ]", entry)[0] for entry in conda}
    assert {"python", "pip"} <= conda_names
    python = next(entry for entry in conda if entry.startswith("python"))
    assert project()["project"]["requires-python"] == python.removeprefix("python").strip()

    assert any(entry.strip() in {"-e .", "--editable ."} for entry in pip), (
        "environment.yml must install this package"
    )
    named = {
        canonicalize_name(Requirement(entry).name): Requirement(entry)
        for entry in pip
        if not entry.startswith("-")
    }
    assert set(named) >= NAMED_PACKAGES
    for name, requirement in named.items():
        assert name in requirements(), f"{name} is in environment.yml but not in pyproject.toml"
        assert requirement.specifier == requirements()[name].specifier, f"{name} differs from pyproject.toml"


def test_the_lock_holds_every_requirement_with_hashes_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^\s*--(extra-)?index-url|^\s*--find-links", lock, re.MULTILINE)
    pinned: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, re.MULTILINE):
        pinned.setdefault(canonicalize_name(name), []).append(version)
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", lock, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    needed = [*project()["project"]["dependencies"], *project()["dependency-groups"]["test"]]
    for line in needed:
        requirement = Requirement(line)
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is missing from requirements.lock: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{requirement} is locked at {versions}"
        )


def test_neither_spark_nor_neural_networks_are_defaults() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"^(pyspark|torch|nvidia-[a-z0-9-]+|fastai)==", lock, re.MULTILINE)
    assert set(project()["project"]["optional-dependencies"]) >= {"spark", "deep"}


def test_the_lock_of_spark_is_the_other_lock_and_pyspark() -> None:
    def locked(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for package, version in re.findall(
            r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE
        ):
            found.setdefault(package, set()).add(version)
        return found

    whole, spark = locked("requirements.lock"), locked("requirements-spark.lock")
    assert set(spark) - set(whole) == {"pyspark", "py4j"}, "run `make lock`"
    assert {name: versions for name, versions in spark.items() if name in whole} == {
        name: versions for name, versions in whole.items() if name in spark
    }, "run `make lock`"
    text = (ROOT / "requirements-spark.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(extra-)?index-url|^\s*--find-links", text, re.MULTILINE)
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_nothing_private_is_in_the_repository() -> None:
    """No secrets, no paths of anybody's machine, no address of a package registry."""
    patterns = {
        "a path of a machine": r"(?<![\w.])/(home|root|Users)/[a-z]\w*/",
        "an address of a package registry": r"index-url|/simple/|find-links",
        "an AWS access key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
        "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    }
    offences = []
    for path in text_files():
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(errors="replace")
        for what, pattern in patterns.items():
            found = re.search(pattern, text)
            if found:
                offences.append(f"{path.relative_to(ROOT)}: {what}: {found.group(0)}")
    assert not offences, "\n".join(offences)


def test_pictures_stay_small_and_nothing_else_is_binary_or_large() -> None:
    for path in tracked_files():
        size = path.stat().st_size
        if path.suffix in {".png", ".jpg", ".jpeg", ".svg"}:
            assert size < 300_000, f"{path.relative_to(ROOT)} is {size:,} bytes: pictures stay under 300 kB"
            continue
        assert size < 1_000_000, f"{path.relative_to(ROOT)} is {size:,} bytes"
        assert b"\0" not in path.read_bytes()[:8192], f"{path.relative_to(ROOT)} is binary"


def test_notebooks_import_flat_files_only_and_those_stay_small() -> None:
    flat = {path.stem for path in (ROOT / "helpers").glob("*.py")}
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        imported = re.findall(
            r"(?:from|import) helpers\.(\w+)|from helpers import ([\w, ]+)", notebook.read_text()
        )
        names = {
            name.strip() for pair in imported for part in pair for name in part.split(",") if name.strip()
        }
        assert names <= flat | {"flow"}, f"{notebook.name} imports {names - flat}"
    for path in (ROOT / "helpers").glob("*.py"):
        lines = len(path.read_text().splitlines())
        assert lines <= 320, f"helpers/{path.name} has {lines} lines: it is two rooms"


def test_the_arrows_name_every_flat_file() -> None:
    flat = {f"helpers.{path.stem}" for path in (ROOT / "helpers").glob("*.py") if path.stem != "__init__"}
    contracts = {contract["id"]: contract for contract in project()["tool"]["importlinter"]["contracts"]}
    assert set(contracts["flow-alone"]["forbidden_modules"]) == flat | {"helpers.local"}
    assert set(contracts["local-below"]["forbidden_modules"]) == flat
    assert set(contracts["http-only"]["source_modules"]) == flat
