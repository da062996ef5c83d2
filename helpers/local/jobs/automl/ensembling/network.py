"""A neural network of scikit-learn as a model of AutoGluon: for smooth answers, and without torch."""

import copy
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from autogluon.core.constants import MULTICLASS, REGRESSION
from autogluon.core.utils.exceptions import TimeLimitExceeded
from autogluon.tabular.models import LinearModel

CLIP = 5.0  # standard deviations of an input
UNIFORM = 1e-6  # mixed into probabilities, so that no class ever has none


class NeuralNetwork(LinearModel):  # type: ignore[misc]
    """A multilayer perceptron on the columns as the linear model prepares them.

    An epoch is a pass over the rows. Training ends when the validation part has not improved for
    `patience` epochs, when the time is used up, or after `epochs`; the best epoch's weights are kept.
    """

    ag_key = "MLP"
    ag_name = "NeuralNetwork"
    ag_priority = 25

    def _set_default_params(self) -> None:
        super()._set_default_params()
        for name in ("C", "fit_intercept", "solver"):
            self.params.pop(name, None)
        # Ranks in place of values cost more than they bring: a long tail is clipped.
        self.params["proc.skew_threshold"] = None
        defaults = {
            "hidden_layer_sizes": (128,),
            "alpha": 0.03,
            "learning_rate_init": 2e-3,
            "batch_size": "auto",
            "epochs": 100,
            "patience": 10,
        }
        for name, value in defaults.items():
            self._set_default_param_value(name, value)

    def _fit(
        self,
        X: pd.DataFrame,
        y: pd.Series,
        X_val: pd.DataFrame | None = None,
        y_val: pd.Series | None = None,
        time_limit: float | None = None,
        sample_weight: Any = None,
        sample_weight_val: Any = None,
        **_: Any,
    ) -> None:
        began = time.monotonic()
        inputs = self.dense(self.preprocess(X, y=y, is_train=True))
        targets = self._targets(y, first=True)
        validation = None if X_val is None else (self.dense(self.preprocess(X_val)), self._targets(y_val))
        network = self._network(len(inputs))
        best: tuple[float, int, Any] | None = None
        spent = 0.0
        for epoch in range(1, int(self.params["epochs"]) + 1):
            # A pass must fit into what is left, the next one as long as the last.
            if time_limit is not None and time.monotonic() - began + spent > 0.9 * time_limit:
                if epoch == 1 or (validation is not None and best is None):
                    raise TimeLimitExceeded
                break
            started = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._pass(network, inputs, targets, sample_weight)
            if validation is None:
                best = (0.0, epoch, network)
            else:
                loss = self._loss(network, *validation, sample_weight_val)
                if best is None or loss < best[0]:
                    best = (loss, epoch, (copy.deepcopy(network.coefs_), copy.deepcopy(network.intercepts_)))
                elif epoch - best[1] >= int(self.params["patience"]):
                    break
            spent = time.monotonic() - started
        assert best is not None
        if validation is not None:
            network.coefs_, network.intercepts_ = best[2]
        network._optimizer = None  # its moments are as large as the network and serve nobody now
        self.model = network
        self.params_trained["epochs"] = best[1]

    def _network(self, rows: int) -> Any:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        kind = MLPRegressor if self.problem_type == REGRESSION else MLPClassifier
        batch = self.params["batch_size"]
        return kind(
            hidden_layer_sizes=self.params["hidden_layer_sizes"],
            alpha=self.params["alpha"],
            learning_rate_init=self.params["learning_rate_init"],
            batch_size=int(np.clip(rows // 100, 32, 512)) if batch == "auto" else batch,
            random_state=self.params.get("random_state", 0),
        )

    def _pass(self, network: Any, inputs: Any, targets: Any, weights: Any) -> None:
        options: dict[str, Any] = {} if weights is None else {"sample_weight": np.asarray(weights)}
        if self.problem_type != REGRESSION:
            options["classes"] = np.arange(max(2, self.num_classes or 2))
        network.partial_fit(inputs, targets, **options)

    def _loss(self, network: Any, inputs: Any, targets: Any, weights: Any) -> float:
        if self.problem_type == REGRESSION:
            return float(np.average((network.predict(inputs) - targets) ** 2, weights=weights))
        shares = network.predict_proba(inputs)[np.arange(len(targets)), targets]
        return float(-np.average(np.log(np.clip(shares, 1e-15, None)), weights=weights))

    def _targets(self, y: Any, first: bool = False) -> npt.NDArray[Any]:
        """Class numbers; of a regression, standard deviations from the mean."""
        if self.problem_type != REGRESSION:
            return np.asarray(y, dtype=np.int64)
        values = np.asarray(y, dtype=np.float64)
        if first:
            self._centre, self._scale = float(values.mean()), float(values.std()) or 1.0
        return ((values - self._centre) / self._scale).astype(np.float32)

    @staticmethod
    def dense(matrix: Any) -> npt.NDArray[np.float32]:
        """A prepared table as the network takes it: no sparse matrix, no extremes, single precision."""
        values = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
        return np.asarray(np.clip(values, -CLIP, CLIP), dtype=np.float32)

    def _predict_proba(self, X: pd.DataFrame, **kwargs: Any) -> npt.NDArray[np.float64]:
        return self.of_inputs(self.dense(self.preprocess(X, **kwargs)))

    def of_inputs(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The predictions for columns as the preparation makes them, (rows, inputs)."""
        if self.problem_type == REGRESSION:
            return np.asarray(self.model.predict(inputs), dtype=np.float64) * self._scale + self._centre
        shares = np.asarray(self.model.predict_proba(inputs), dtype=np.float64)
        shares = (1 - UNIFORM) * shares + UNIFORM / shares.shape[1]
        return np.asarray(shares if self.problem_type == MULTICLASS else shares[:, 1])
