"""How a transform job asks its model: what the job says, else what the container says, else the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.local.jobs.job import JobFailure

MEGABYTE = 1024 * 1024
LARGEST_IN_FLIGHT = 100  # MB: MaxConcurrentTransforms times MaxPayloadInMB
PAYLOAD = 6  # MB
STRATEGIES = {"SINGLERECORD": True, "MULTIRECORD": False}


@dataclass(frozen=True)
class Settings:
    """How requests are made: how many at once, `payload` in MB (0: streamed), a single record in each?"""

    concurrent: int
    payload: int
    single: bool

    @classmethod
    def settle(cls, request: Mapping[str, Any], said: Mapping[str, Any]) -> "Settings":
        """The settings of a CreateTransformJob request and a container's execution parameters.

        Requests that would hold more than 100 MB together are fewer at once. Raises JobFailure for parameters
        of the container that are none.
        """
        strategy = request.get("BatchStrategy") or said.get("BatchStrategy") or "MultiRecord"
        single = STRATEGIES.get(str(strategy).upper().replace("_", ""))
        try:
            if single is None:
                raise ValueError(strategy)
            payload = int(request.get("MaxPayloadInMB", said.get("MaxPayloadInMB", PAYLOAD)))
            concurrent = int(
                request.get("MaxConcurrentTransforms") or said.get("MaxConcurrentTransforms") or 1
            )
            if not 0 <= payload <= LARGEST_IN_FLIGHT or concurrent < 1:
                raise ValueError(f"{concurrent} requests of {payload} MB")
        except (TypeError, ValueError) as error:
            raise JobFailure(
                f"The container's /execution-parameters cannot be used ({error}): {dict(said)}. Set "
                f"BatchStrategy, MaxPayloadInMB and MaxConcurrentTransforms in the job."
            ) from None
        return cls(max(1, min(concurrent, LARGEST_IN_FLIGHT // max(payload, 1))), payload, single)

    @property
    def limit(self) -> int:
        """The largest request in bytes; 0 for none."""
        return self.payload * MEGABYTE

    @property
    def streamed(self) -> bool:
        """Whether an object is one request of any length, sent in chunks."""
        return self.payload == 0 and not self.single

    def __str__(self) -> str:
        strategy = "SINGLE_RECORD" if self.single else "MULTI_RECORD"
        return (
            f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={self.payload}, "
            f"BatchStrategy={strategy}"
        )


def environment(request: Mapping[str, Any]) -> dict[str, str]:
    """What containers of the job see of it: only what the user has set, and the job's own Environment."""
    found = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in request:
        found["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if "BatchStrategy" in request:
        strategy = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}[request["BatchStrategy"]]
        found["SAGEMAKER_BATCH_STRATEGY"] = strategy
    if "MaxConcurrentTransforms" in request:
        found["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return found | {str(name): str(value) for name, value in request.get("Environment", {}).items()}
