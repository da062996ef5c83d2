"""The framework images: which library each needs, and what it does where the user's code does not."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.local.jobs.serving.script.formats import NEWER, OLDER, TEXTS, Formats, read_for_xgboost

MODEL_FN = "Please provide a model_fn implementation."
PREDICT_FN = "Please provide a predict_fn implementation."


@dataclass(frozen=True)
class Framework:
    """One image. ``flask``: its server is the older one, whose errors and answers are those of Flask."""

    name: str
    modules: tuple[str, ...]  # what must be importable
    formats: Formats
    flask: bool = False
    load: Callable[[str], Any] | None = None
    read: Callable[[Any, str], Any] | None = None
    predict: Callable[[Any, Any], Any] | None = None
    write: Callable[[Any, str], Any] | None = None

    def missing(self) -> str:
        """The first module that is not installed, or nothing."""
        return next((name for name in self.modules if importlib.util.find_spec(name) is None), "")

    def default_model_fn(self, model_dir: str) -> Any:
        """Load a model, for the images that can. Raises NotImplementedError for all others."""
        if self.load is None:
            raise NotImplementedError(MODEL_FN)
        return self.load(model_dir)

    def default_input_fn(self, input_data: Any, content_type: str) -> Any:
        """The body as what the model takes."""
        return (self.read or self.formats.decode)(input_data, content_type)

    def default_predict_fn(self, data: Any, model: Any) -> Any:
        """The model's predictions. Raises NotImplementedError where the image does not know how."""
        if self.predict is None:
            raise NotImplementedError(PREDICT_FN)
        return self.predict(data, model)

    def default_output_fn(self, prediction: Any, accept: str) -> Any:
        """The predictions in the format asked for, and its content type."""
        return (self.write or self.formats.encode)(prediction, accept), accept


def _read_for_sklearn(data: Any, content_type: str) -> Any:
    import numpy as np

    array = OLDER.decode(data, content_type)
    return array.astype(np.float32) if content_type in TEXTS else array


def _predict_with_sklearn(data: Any, model: Any) -> Any:
    return model.predict(data)


def _predict_with_xgboost(data: Any, model: Any) -> Any:
    return model.predict(data, validate_features=False)


def _load_for_torch(model_dir: str) -> Any:
    torch = importlib.import_module("torch")
    found = sorted(path for path in Path(model_dir).iterdir() if path.suffix in (".pt", ".pth"))
    named = Path(model_dir) / "model.pt"
    if not named.exists() and len(found) != 1:
        raise ValueError(f"Exactly one .pth or .pt file is required for PyTorch models: {found}")
    return torch.jit.load(str(named if named.exists() else found[0]), map_location="cpu")


def _read_for_torch(data: Any, content_type: str) -> Any:
    torch = importlib.import_module("torch")
    array = NEWER.decode(data, content_type)
    return torch.FloatTensor(array) if content_type in TEXTS else torch.from_numpy(array)


def _predict_with_torch(data: Any, model: Any) -> Any:
    torch = importlib.import_module("torch")
    with torch.no_grad():
        model.eval()
        return model(data)


def _write_for_torch(prediction: Any, accept: str) -> Any:
    torch = importlib.import_module("torch")
    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().numpy().tolist()
    return NEWER.encode(prediction, accept)


FRAMEWORKS = {
    "sagemaker-scikit-learn": Framework(
        "scikit-learn",
        ("sklearn",),
        OLDER,
        flask=True,
        read=_read_for_sklearn,
        predict=_predict_with_sklearn,
    ),
    "sagemaker-xgboost": Framework(
        "XGBoost", ("xgboost",), OLDER, read=read_for_xgboost, predict=_predict_with_xgboost
    ),
    "pytorch-inference": Framework(
        "PyTorch",
        ("torch",),
        NEWER,
        load=_load_for_torch,
        read=_read_for_torch,
        predict=_predict_with_torch,
        write=_write_for_torch,
    ),
    "huggingface-pytorch-inference": Framework("Hugging Face", ("transformers", "torch"), NEWER),
    "autogluon-inference": Framework("AutoGluon", ("autogluon.tabular",), NEWER),
}
