"""What candidates of tuning are called, in the service's way: names, steps, containers, metrics."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from helpers.local.jobs.automl.candidates import step
from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.automl.tuning.library.algorithms import ALGORITHMS
from helpers.local.jobs.automl.tuning.library.search import Pipeline

REGISTRY = "683313688378"
LARGEST_CONTENT = 20 * 1024 * 1024
CODE = {"SAGEMAKER_PROGRAM": "sagemaker_serve", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
# What the algorithms call the objective metrics.
METRICS = {
    "MSE": "mse",
    "RMSE": "rmse",
    "MAE": "mae",
    "R2": "r2",
    "Accuracy": "accuracy",
    "AUC": "auc",
    "BalancedAccuracy": "balanced_accuracy",
    "F1": "f1",
    "Precision": "precision",
    "Recall": "recall",
    "F1macro": "f1_macro",
    "PrecisionMacro": "precision_macro",
    "RecallMacro": "recall_macro",
}
LINEAR_METRICS = {
    "F1": "binary_f_beta",
    "AUC": "roc_auc_score",
    "F1macro": "macro_f_beta",
    "PrecisionMacro": "macro_precision",
    "RecallMacro": "macro_recall",
}
LINEAR_ACCURACY = {
    "BinaryClassification": "binary_classification_accuracy",
    "MulticlassClassification": "multiclass_accuracy",
}


def metric_name(algorithm: str, problem_type: str, objective: str) -> str:
    """The MetricName of a candidate's objective: the algorithm's own, such as `validation:binary_f_beta`."""
    name = METRICS[objective]
    if algorithm == "linear-learner":
        name = LINEAR_METRICS.get(objective, name)
        if objective == "Accuracy":
            name = LINEAR_ACCURACY[problem_type]
    return f"validation:{name}"


@dataclass(frozen=True)
class Naming:
    """The names of one job."""

    settings: Settings
    locations: Locations
    problem_type: str

    def candidate(self, number: int) -> str:
        """The name of a candidate by its number, from 1; it is that of its tuning job's training job."""
        digest = self.locations.digest
        tail = hashlib.sha256(f"{digest}-{number}".encode()).hexdigest()[:8]
        return f"tuning-job-1-{digest[:18]}-{number:03}-{tail}"

    def steps(self, candidate: str, processor: str) -> list[dict[str, str]]:
        """The CandidateSteps: the data, its processor, the transformation, the algorithm."""
        job, digest, region = self.settings.job_name[:10], self.locations.digest, self.settings.region
        return [
            step(region, "ProcessingJob", f"{job}-db-1-{digest}"),
            step(region, "TrainingJob", f"{job}-{processor}-1-{digest}"),
            step(region, "TransformJob", f"{job}-{processor}-rpb-1-{digest}"),
            step(region, "TrainingJob", candidate),
        ]

    def model(self, candidate: str, pipeline: Pipeline) -> str:
        """Where the model.tar.gz of a candidate's algorithm lies."""
        short = ALGORITHMS[pipeline.algorithm].short
        return self.locations.tuned_model(pipeline.processor, short, candidate)

    def containers(self, candidate: str, pipeline: Pipeline) -> list[dict[str, Any]]:
        """The InferenceContainers: two, and for classification a third that turns classes into labels."""
        processor = self.locations.processor_model(pipeline.processor)
        release = f"sagemaker-sklearn-automl:{version('scikit-learn')}-cpu-py3"
        algorithm = {
            "MAX_CONTENT_LENGTH": str(LARGEST_CONTENT),
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        }
        features = {
            "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "1",
            "AUTOML_TRANSFORM_MODE": "feature-transform",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/x-recordio-protobuf",
            **CODE,
        }
        labels = {
            "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
            "SAGEMAKER_INFERENCE_INPUT": "predicted_label",
            "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
            "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
            **CODE,
        }
        image = self._algorithm_image(pipeline.algorithm)
        if self.problem_type == "Regression":
            return [
                self._container(release, processor, features),
                self._container(image, self.model(candidate, pipeline), algorithm),
            ]
        algorithm |= {
            "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
            "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities",
        }
        return [
            self._container(release, processor, features),
            self._container(image, self.model(candidate, pipeline), algorithm),
            self._container(release, processor, labels),
        ]

    def _container(self, image: str, model: str, environment: dict[str, str]) -> dict[str, Any]:
        registry = f"{REGISTRY}.dkr.ecr.{self.settings.region}.amazonaws.com"
        return {"Image": f"{registry}/{image}", "ModelDataUrl": model, "Environment": environment}

    @staticmethod
    def _algorithm_image(algorithm: str) -> str:
        if algorithm == "xgboost":
            import xgboost

            return f"sagemaker-xgboost:{xgboost.__version__}-cpu-py3"
        return f"{algorithm}:{version('scikit-learn')}-cpu-py3"
