"""Where the artifacts of an AutoML job lie in S3, as the service lays them out."""

import hashlib
from dataclasses import dataclass

EXPLORATION = "SageMakerAutopilotDataExplorationNotebook.ipynb"
DEFINITION = "SageMakerAutopilotCandidateDefinitionNotebook.ipynb"


@dataclass(frozen=True)
class Locations:
    """The S3 URIs of one job; `output` is its own prefix, `S3OutputPath/AutoMLJobName`, without a last slash.

    Prefixes have no trailing slash either.
    """

    output: str
    job_name: str

    @property
    def digest(self) -> str:
        """What makes the names of a job's steps unlike those of any other."""
        return hashlib.sha256(self.output.encode()).hexdigest()[:20]

    @property
    def analysis(self) -> str:
        """The prefix of what the data analysis left."""
        return f"{self.output}/sagemaker-automl-candidates/{self.job_name}-pr-1-{self.digest}"

    @property
    def exploration_notebook(self) -> str:
        """The data exploration notebook."""
        return f"{self.analysis}/notebooks/{EXPLORATION}"

    @property
    def definition_notebook(self) -> str:
        """The candidate definition notebook of a tuning job."""
        return f"{self.analysis}/notebooks/{DEFINITION}"

    @property
    def generated_module(self) -> str:
        """The prefix of the generated code of the candidates' data processors."""
        return f"{self.analysis}/generated_module/candidate_data_processors"

    def ensembling_model(self, candidate: str) -> str:
        """The model.tar.gz of a candidate of Mode ENSEMBLING."""
        return f"{self.output}/sagemaker-automl-candidates/model/{candidate}/model.tar.gz"

    def processor_model(self, processor: str) -> str:
        """The model.tar.gz of a data processor; `processor` is a name such as `dpp0`."""
        step = f"{self.job_name[:10]}-{processor}-1-{self.digest}"
        return f"{self.output}/data-processor-models/{step}/output/model.tar.gz"

    def tuned_model(self, processor: str, algorithm: str, candidate: str) -> str:
        """The model.tar.gz of a tuned algorithm; `algorithm` is a short name such as `xgb`."""
        tuning = f"{self.job_name[:10]}-{processor}-{algorithm}"
        return f"{self.output}/tuning/{tuning}/{candidate}/output/model.tar.gz"

    def explainability(self, candidate: str) -> str:
        """The prefix of a candidate's explainability report."""
        return f"{self.output}/documentation/explainability/output/{candidate}"

    def insights(self, candidate: str) -> str:
        """The prefix of a candidate's model insights."""
        return f"{self.output}/documentation/model_monitor/output/{candidate}"
