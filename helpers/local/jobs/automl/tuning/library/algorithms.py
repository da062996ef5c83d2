"""The algorithms of tuning by their names."""

from .boosting import XGBoost
from .linear import LinearLearner
from .network import MLP
from .task import Algorithm

ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm for algorithm in (XGBoost(), LinearLearner(), MLP())
}
