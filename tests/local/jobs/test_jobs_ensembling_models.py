"""The models of ensembling mode that are ours: interaction scores for trees, and the network."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.local.jobs.automl.candidates import Candidates, Trial
from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.ensembling import interactions, recipes
from helpers.local.jobs.automl.ensembling.interactions import InteractionScores
from helpers.local.jobs.automl.ensembling.network import NeuralNetwork
from helpers.local.jobs.automl.ensembling.recipes import Recipe
from helpers.local.jobs.automl.ensembling.training import Training
from helpers.local.jobs.automl.resources import Resources


def table(rows: int, columns: int = 4, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(columns)])


def scores(kind: str = "regression") -> InteractionScores:
    return InteractionScores(target_type=kind, verbosity=0)


def test_a_product_of_two_columns_is_found_and_told_of_new_rows() -> None:
    seen, new = table(1000), table(500, seed=1)
    generator = scores()
    fitted = generator.fit_transform(seen, seen.x0 * seen.x1 - 2 * seen.x2)
    assert list(fitted.columns) == [*seen.columns, "interactions_0"]
    assert list(fitted.index) == list(seen.index)
    for frame, found in ((seen, fitted), (new, generator.transform(new))):
        truth = frame.x0 * frame.x1 - 2 * frame.x2
        assert np.corrcoef(found["interactions_0"], truth)[0, 1] > 0.99


def test_rows_are_scored_by_regressions_that_have_not_seen_them() -> None:
    seen = table(1000, columns=12)
    noise = pd.Series(np.random.default_rng(1).normal(size=1000))
    generator = scores()
    fitted = generator.fit_transform(seen, noise)
    # 91 weights learn a good part of 1000 random numbers by heart; nothing of it may show.
    assert np.corrcoef(generator.transform(seen)["interactions_0"], noise)[0, 1] > 0.2
    assert np.corrcoef(fitted["interactions_0"], noise)[0, 1] < 0.1


def test_the_weights_are_those_of_scikit_learns_ridge() -> None:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import PolynomialFeatures

    seen = table(2000, columns=3).clip(-3, 3)
    target = seen.x0**2 + seen.x1 + np.random.default_rng(1).normal(size=2000)
    generator = scores()
    generator.fit_transform(seen, target)
    standard = (seen - seen.mean()) / seen.std(ddof=0)
    products = PolynomialFeatures(2, include_bias=False).fit_transform(standard)
    mine = generator.transform(seen)["interactions_0"] * target.std(ddof=0) + target.mean()
    errors = [
        np.abs(Ridge(alpha=penalty).fit(products, target).predict(products) - mine).max()
        for penalty in (0.4, 4.0, 40.0, 400.0)
    ]
    assert min(errors) < 1e-3


@pytest.mark.parametrize(("kind", "names"), [("binary", 1), ("multiclass", 3)])
def test_classes_are_scored_too(kind: str, names: int) -> None:
    seen = table(1500)
    product = seen.x0 * seen.x1
    target = pd.Series(np.digitize(product, [0.0] if kind == "binary" else [-0.3, 0.3]))
    fitted = scores(kind).fit_transform(seen, target)
    found = fitted.filter(like="interactions_")
    assert found.shape[1] == names
    assert np.corrcoef(found.iloc[:, -1], target == target.max())[0, 1] > 0.6


def test_blanks_infinities_constants_and_texts_do_no_harm() -> None:
    seen = table(1000)
    target = seen.x0 * seen.x1
    seen.loc[::50, "x2"] = np.nan
    seen.loc[7, "x3"] = np.inf
    seen["same"], seen["empty"] = 1.0, np.nan
    seen["kind"] = pd.Categorical(np.where(seen.x3 > 0, "a", "b"))
    generator = scores()
    fitted = generator.fit_transform(seen, target)
    assert list(fitted.columns[:-1]) == list(seen.columns)
    assert np.isfinite(fitted["interactions_0"]).all()
    assert np.corrcoef(fitted["interactions_0"], target)[0, 1] > 0.95
    again = pickle.loads(pickle.dumps(generator)).transform(seen.iloc[:1])
    assert again["interactions_0"].tolist() == generator.transform(seen.iloc[:1])["interactions_0"].tolist()


def test_columns_that_follow_from_others_and_large_numbers_do_no_harm() -> None:
    seen = table(3000, columns=3)
    for number in range(12):  # whose products are as alike as single precision can tell
        seen[f"sum{number}"] = seen.x0 + seen.x1 * (1 + 1e-7 * number)
    target = 1e9 + 1e-3 * seen.x0 * seen.x1
    fitted = scores().fit_transform(seen, target)
    assert np.corrcoef(fitted["interactions_0"], seen.x0 * seen.x1)[0, 1] > 0.99
    taken = seen.assign(interactions_0=1.0)
    assert list(scores().fit_transform(taken, target))[-2:] == ["interactions_0", "interactions_0_"]


def test_sums_that_are_not_positive_definite_are_penalised_until_they_are() -> None:
    square = np.diag([100.0, -5.0, 3.0])
    weights = interactions._solve(square, np.ones((3, 1)), 1.0)
    assert weights.ravel() == pytest.approx([1 / 100, 1 / 5, 1 / 13])


def test_too_few_rows_or_columns_add_nothing() -> None:
    wide, narrow = table(600, columns=30), table(600, columns=1)
    for frame in (wide, narrow):
        generator = scores()
        assert list(generator.fit_transform(frame, frame.x0)) == list(frame)
        assert list(generator.transform(frame)) == list(frame)


def test_of_very_many_columns_the_strongest_are_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "MOST_COLUMNS", 4)
    seen = table(1000, columns=12)
    target = seen.x10 * seen.x11 + seen.x10 + seen.x11
    fitted = scores().fit_transform(seen, target)
    assert np.corrcoef(fitted["interactions_0"], target)[0, 1] > 0.95


def network(problem: str, tmp_path: Any, **values: Any) -> NeuralNetwork:
    return NeuralNetwork(
        path=str(tmp_path), name="network", problem_type=problem, hyperparameters={"epochs": 60, **values}
    )


def test_the_network_learns_a_curve_and_ends_where_it_was_best(tmp_path: Any) -> None:
    seen, new = table(1500), table(500, seed=1)
    seen.loc[::40, "x3"] = np.nan
    curve, truth = np.sin(2 * seen.x0) * 10 + 50, np.sin(2 * new.x0) * 10 + 50
    model = network("regression", tmp_path)
    model.fit(X=seen, y=curve, X_val=new, y_val=truth, num_cpus=1, num_gpus=0)
    error = float(np.sqrt(np.mean((model.predict(new) - truth) ** 2)))
    assert error < 0.4 * truth.std()  # a line's is 0.9
    assert 1 < model.params_trained["epochs"] <= 60
    other = network("regression", tmp_path)
    other.fit(X=seen, y=curve, X_val=new, y_val=truth, num_cpus=1, num_gpus=0)
    assert other.predict(new).tolist() == model.predict(new).tolist()


def test_the_network_gives_probabilities(tmp_path: Any) -> None:
    seen = table(1200)
    ring = pd.Series((seen.x0**2 + seen.x1**2 > 1.4).astype(int))
    model = network("binary", tmp_path, epochs=20)
    model.fit(X=seen[:900], y=ring[:900], X_val=seen[900:], y_val=ring[900:], num_cpus=1, num_gpus=0)
    shares = model.predict_proba(seen[900:])
    assert ((shares > 0) & (shares < 1)).all()
    assert ((shares > 0.5) == ring[900:]).mean() > 0.9


def test_many_rows_get_larger_trees_and_no_network() -> None:
    few = [recipes.fitted_to(recipe, 1000) for recipe in recipes.DEFAULT_RECIPES]
    assert few == list(recipes.DEFAULT_RECIPES)
    large = recipes.fitted_to(recipes.DEFAULT_RECIPES[0], recipes.MANY_ROWS)
    assert large.interactions and large.hyperparameters["num_leaves"] == 127
    assert recipes.fitted_to(Recipe("CAT"), recipes.MANY_ROWS) == Recipe("CAT")


def test_of_candidates_with_as_many_right_the_surest_is_best() -> None:
    candidates = Candidates("Accuracy")
    for name, right, loss in (("a", 0.9, 0.4), ("b", 0.9, 0.2), ("c", 0.8, 0.1), ("d", 0.9, 0.3)):
        entry = candidates.begin(name, [])
        candidates.complete(entry, Trial({"Accuracy": right, "LogLoss": loss}, [], 0))
    best = candidates.best()
    assert best is not None and best["CandidateName"] == "b"


def test_the_failure_of_the_first_model_is_its_own(tmp_path: Any) -> None:
    rows = table(600).assign(target=lambda frame: frame.x0)
    data = TrainingData(rows[:500], rows[500:], ["x0", "x1", "x2", "x3"], "Regression", False)
    training = Training(data, "target", "RMSE", Resources(1, 2 * 1024**3), tmp_path)
    training.prepare()
    with pytest.raises(Exception, match="objective"):
        training.fit(Recipe("GBM", {"objective": "no such objective", "num_boost_round": 5}), None)
    assert training.fit(Recipe("LR"), None).values["RMSE"] < 0.1
