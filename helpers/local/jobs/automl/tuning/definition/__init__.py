"""The candidate definition notebook: what a tuning job does, as code that runs."""

from pathlib import Path

from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.tuning import library
from helpers.local.jobs.automl.tuning.artifacts import Store
from helpers.local.jobs.automl.tuning.definition import code
from helpers.local.jobs.automl.tuning.definition.notebook import Definition, as_json
from helpers.local.jobs.automl.tuning.preparation import Preparation


def write(store: Store, locations: Locations, preparation: Preparation, definition: Definition) -> str:
    """Store the notebook, the generated modules and the library they need. Returns the notebook's S3 URI."""
    for strategy in definition.strategies:
        text = code.module(strategy, preparation.build(strategy), locations.job_name)
        store.write(f"{locations.generated_module}/{strategy.name}.py", text.encode(), "text/x-python")
    store.write(f"{locations.generated_module}/__init__.py", b"", "text/x-python")
    sources = Path(str(library.__file__)).parent
    for path in sorted(sources.glob("*.py")):
        store.write(f"{definition.library}/{path.name}", path.read_bytes(), "text/x-python")
    store.write(locations.definition_notebook, as_json(definition), "application/x-ipynb+json")
    return locations.definition_notebook
