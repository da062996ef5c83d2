"""The file system a processing container sees, laid out below the job's directory."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from helpers.local.jobs.channels import InputObject
from helpers.local.jobs.job import JobFailure

PROCESSING = PurePosixPath("/opt/ml/processing")


class Container:
    """`/opt/ml` of one job: `host` turns a path of the container into one of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def host(self, path: str) -> Path:
        """The place of a path of the container. Raises JobFailure when it leaves /opt/ml/processing."""
        inside = PurePosixPath(path)
        if ".." in inside.parts or (inside != PROCESSING and PROCESSING not in inside.parents):
            raise JobFailure(f"The LocalPath '{path}' must lie below {PROCESSING}/.")
        return self.root.joinpath(*inside.parts[1:])

    def create(self, request: Mapping[str, Any]) -> None:
        """A fresh file system with the configuration files of the container contract."""
        shutil.rmtree(self.root / "opt", ignore_errors=True)
        self.host(str(PROCESSING)).mkdir(parents=True)
        (self.root / "opt/ml/output").mkdir()
        configuration = self.root / "opt/ml/config"
        configuration.mkdir()
        resources = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
        (configuration / "processingjobconfig.json").write_text(json.dumps(request), encoding="utf-8")
        (configuration / "resourceconfig.json").write_text(json.dumps(resources), encoding="utf-8")

    def place(self, item: InputObject, directory: Path) -> Path:
        """One input object as a file below a directory: a hard link to the stored one where possible."""
        target = directory / item.relative
        if directory.resolve() not in target.resolve().parents:
            raise JobFailure(
                f"The object {item.uri} cannot be placed below {directory.name}: its name leads out of it."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(item.path, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(item.path, target)
        return target
