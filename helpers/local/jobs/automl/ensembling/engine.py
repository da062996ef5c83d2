"""Loads AutoGluon, without what it does at every step that takes seconds and that no job here needs."""

import sys


def load() -> None:
    """Import what training and predicting take."""
    # AutoGluon asks MLflow, if it is installed, whether it has patched scikit-learn: two seconds of imports,
    # and nothing in a job's process loads MLflow otherwise. A module that is None cannot be imported.
    sys.modules.setdefault("mlflow", None)  # type: ignore[arg-type]
    import autogluon.common.utils.utils as utils
    import autogluon.tabular
    import autogluon.tabular.trainer  # noqa: F401 - which it loads at the first fit

    # Every save and load of a predictor notes the versions of all packages: half a second each time, for a
    # note that nobody reads.
    utils.get_package_versions = _no_packages

    from helpers.local.jobs.automl.ensembling.quiet import quiet

    quiet()


def _no_packages(*, strict: bool = False) -> tuple[dict[str, str], list[str]]:  # noqa: ARG001 - AutoGluon's
    """No package's version, and no broken package."""
    return {}, []
