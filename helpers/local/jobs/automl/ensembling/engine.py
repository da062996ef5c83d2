"""Loads AutoGluon, without what it does at every step that takes seconds and that no job here needs."""

import functools
import sys


def load() -> None:
    """Import what training and predicting take."""
    # AutoGluon asks MLflow, if it is installed, whether it has patched scikit-learn: two seconds of imports,
    # and nothing in a job's process loads MLflow otherwise. A module that is None cannot be imported.
    sys.modules.setdefault("mlflow", None)  # type: ignore[arg-type]
    import autogluon.common.utils.utils as utils
    import autogluon.tabular
    import autogluon.tabular.trainer  # noqa: F401 - which it loads at the first fit

    # Every save and load of a predictor notes the versions of all installed packages: read them once.
    if not hasattr(utils.get_package_versions, "cache_info"):
        utils.get_package_versions = functools.cache(utils.get_package_versions)

    from helpers.local.jobs.automl.ensembling.quiet import quiet

    quiet()
