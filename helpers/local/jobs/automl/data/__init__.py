"""The training data of an AutoML job, from the objects in S3 to the frames that models are trained on."""

from helpers.local.jobs.automl.data.loading import Tables, TrainingData, load, prepare, read, training_objects
from helpers.local.jobs.automl.data.splitting import split
from helpers.local.jobs.automl.data.target import clean_target, infer_problem_type

__all__ = [
    "Tables",
    "TrainingData",
    "clean_target",
    "infer_problem_type",
    "load",
    "prepare",
    "read",
    "split",
    "training_objects",
]
