"""Predicted stars from a batch transform: for catalogues of any size, and no endpoint stays behind."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from helpers.scoring import Floats, NoScores, Rows, numbers
from helpers.workshop import Workshop, split

ROWS_AT_ONCE = 10_000  # of the file that is sent: what is in memory of it at a time
LONGEST = 3600  # seconds that a job may take
INPUT, OUTPUT = "candidates.csv", "candidates.csv.out"


@dataclass
class BatchTransform:
    """A model that a transform job asks about all rows.

    Starting the job takes seconds on this machine and minutes on AWS, so it is for many rows, or for answers
    that are kept. `instance_type` is the machine on AWS.
    """

    workshop: Workshop
    model: str
    instance_type: str = "ml.m5.large"

    def identity(self) -> dict[str, str]:
        """What scores depend on: the model. Raises NoScores when there is none of that name."""
        try:
            found = self.workshop.client("sagemaker").describe_model(ModelName=self.model)
        except (ClientError, BotoCoreError) as error:
            raise NoScores(f"The model {self.model} cannot be asked: {error}") from error
        return {"model": found["ModelArn"], "created": found["CreationTime"].isoformat()}

    def score(self, rows: Rows) -> Floats:
        """The predicted stars of every row, in order.

        Raises NoScores with the job's reason when it fails, and when its answer is not one number for each
        row. The job is stopped when the wait for it is interrupted; its objects in S3 are deleted in the end.
        """
        if not len(rows):
            return np.empty(0)
        name = self.workshop.fresh_name("scores")
        place = self.workshop.uri("scores", name)
        bucket, prefix = split(place)
        s3 = self.workshop.client("s3")
        try:
            self._send(rows, s3, bucket, f"{prefix}/{INPUT}")
            self._transform(name, place)
            answer: bytes = s3.get_object(Bucket=bucket, Key=f"{prefix}/{OUTPUT}")["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise NoScores(f"The model {self.model} cannot be asked: {error}") from error
        finally:
            for key in (INPUT, OUTPUT):
                s3.delete_object(Bucket=bucket, Key=f"{prefix}/{key}")
        return numbers(answer, len(rows))

    def _send(self, rows: Rows, s3: Any, bucket: str, key: str) -> None:
        with tempfile.TemporaryFile() as file:
            for start in range(0, len(rows), ROWS_AT_ONCE):
                file.write(rows.encoded(start, min(start + ROWS_AT_ONCE, len(rows))))
            file.seek(0)
            s3.upload_fileobj(file, bucket, key)

    def _transform(self, name: str, place: str) -> None:
        """Run the job to its end. Raises NoScores when it does not complete."""
        sagemaker = self.workshop.client("sagemaker")
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=self.model,
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{place}/{INPUT}"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            TransformOutput={"S3OutputPath": place, "Accept": "text/csv", "AssembleWith": "Line"},
            TransformResources={"InstanceType": self.instance_type, "InstanceCount": 1},
        )
        pause = 0.5 if self.workshop.platform == "local" else 15.0
        waiter = sagemaker.get_waiter("transform_job_completed_or_stopped")
        try:
            waiter.wait(
                TransformJobName=name, WaiterConfig={"Delay": pause, "MaxAttempts": int(LONGEST / pause)}
            )
        except WaiterError:
            reason = sagemaker.describe_transform_job(TransformJobName=name).get("FailureReason", "")
            raise NoScores(
                f"The batch transform of the model {self.model} failed. {reason}".rstrip()
            ) from None
        except KeyboardInterrupt:
            sagemaker.stop_transform_job(TransformJobName=name)
            raise
