"""The context that the newer server hands to functions with one parameter more than they need."""

from typing import Any

from helpers.local.jobs.serving.script.wire import Call


class RequestProcessor:
    """The headers of a request, and what the answer is to be besides its body."""

    def __init__(self, call: Call) -> None:
        self.request = {"Content-Type": call.content_type, "Accept": call.accept, **call.headers}
        self.status = 200
        self.headers: dict[str, str] = {}

    def get_request_properties(self) -> dict[str, str]:
        """The headers of the request."""
        return self.request

    def get_request_property(self, key: str) -> str | None:
        """One header of the request, whatever its case."""
        return next((value for name, value in self.request.items() if name.lower() == key.lower()), None)

    def report_status(self, code: int, reason_phrase: str | None = None) -> None:  # noqa: ARG002 - theirs
        """Set the status of the answer."""
        self.status = code

    def add_response_property(self, key: str, value: str) -> None:
        """Set a header of the answer."""
        self.headers[key] = value


class Context:
    """What the user's functions may ask about the server and the request, and say about the answer."""

    def __init__(self, model_dir: str, call: Call) -> None:
        self.model_name = "model"
        self.manifest: dict[str, Any] = {}
        self.system_properties = {"model_dir": model_dir, "gpu_id": None, "batch_size": 1}
        self.request_processor = [RequestProcessor(call)]

    def get_request_header(self, idx: int, key: str) -> str | None:
        """One header of the request."""
        return self.request_processor[idx].get_request_property(key)

    def get_all_request_header(self, idx: int) -> dict[str, str]:
        """Every header of the request."""
        return self.request_processor[idx].get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Set the content type of the answer."""
        self.request_processor[idx].add_response_property("Content-Type", value)

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Set a header of the answer."""
        self.request_processor[idx].add_response_property(key, value)

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Set the status of the answer."""
        self.request_processor[idx].report_status(code, phrase)
