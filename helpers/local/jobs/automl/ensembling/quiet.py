"""What AutoGluon and the libraries below it say that nobody who reads a job's log can use."""

import logging
import warnings

import numpy as np

# Of data that take some memory, of rare classes, of data without use: the job says what matters itself.
REMARKS = ("data size prior to feature", "label_count_threshold", "no useful features were detected")


def quiet() -> None:
    """Keep AutoGluon's remarks about software that is not needed here (torch, ray) out of the job's log.

    And its word on a failed model, which the job reports itself.
    """

    def wanted(record: logging.LogRecord) -> bool:
        message = record.getMessage().lower()
        words = message.split()
        unwanted = message.startswith("model failure") or any(words_ in message for words_ in REMARKS)
        return "torch" not in message and "ray" not in words and not unwanted

    for name in (
        "autogluon",
        *(name for name in logging.root.manager.loggerDict if name.startswith("autogluon")),
    ):
        logger = logging.getLogger(name)
        if not any(getattr(known, "__name__", "") == "wanted" for known in logger.filters):
            logger.addFilter(wanted)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    np.seterr(all="ignore")
