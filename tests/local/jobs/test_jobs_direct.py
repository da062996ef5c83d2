"""The short way to an ensemble's predictions gives the numbers of AutoGluon's own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.ensembling.recipes import Recipe
from helpers.local.jobs.automl.ensembling.training import Training
from helpers.local.jobs.automl.resources import Resources
from helpers.local.jobs.serving import direct
from helpers.local.jobs.serving.description import Column, Description

FEATURES = ["length", "energy", "tempo", "year", "is_live", "constant"]
RECIPES = (
    Recipe("GBM", {"num_boost_round": 30, "extra_trees": True}, interactions=True),
    Recipe("MLP", {"epochs": 4}),
    Recipe("LR"),
    Recipe("CAT", {"iterations": 20}),
    Recipe("GBM", {"num_boost_round": 30}),
)


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "length": random.lognormal(5, 0.7, rows),
            "energy": random.uniform(size=rows),
            "tempo": random.normal(120, 30, rows),
            "year": random.integers(1960, 2020, rows),
            "is_live": random.choice([0.0, 1.0], rows),
            "constant": 3.0,
        }
    )
    found.loc[::7, "energy"] = np.nan
    found["Rating"] = np.sin(found.tempo / 20) + found.is_live * found.energy.fillna(0.3) + found.length / 400
    return found


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    rows = table(900)
    data = TrainingData(rows[:700], rows[700:], FEATURES, "Regression", False)
    training = Training(data, "Rating", "RMSE", Resources(1, 2 * 1024**3), tmp_path_factory.mktemp("direct"))
    training.prepare()
    for recipe in RECIPES:
        training.fit(recipe, None)
    training.fit_ensemble(None)
    training.predictor.persist(max_memory=None)
    return training.predictor


def description(kinds: str = "number") -> Description:
    return Description("any", "Regression", [Column(name, kinds) for name in FEATURES], [])


def asked(rows: int) -> pd.DataFrame:
    """Rows as a request's parser gives them: all floats, some missing."""
    found = table(rows, seed=9)[FEATURES].astype(float)
    found.iloc[::5, 2] = np.nan
    found.iloc[::11, 3] = np.nan
    found.iloc[::6, 4] = np.nan
    return found


def models(predictor: Any) -> list[str]:
    return list(predictor.model_names())


@pytest.mark.parametrize("number", range(len(RECIPES) + 1))
def test_each_model_gives_the_same_numbers_to_the_last_bit(predictor: Any, number: int) -> None:
    name = models(predictor)[number]
    columns = direct._columns(predictor, FEATURES)
    short = direct.Direct(columns, direct._model(predictor, name, columns))
    for rows in (1, 2, 64, 65, 100, 101, 500):
        expected = predictor.predict(asked(rows), model=name, as_pandas=False).astype(float)
        assert np.array_equal(short(asked(rows)), expected), (name, rows)


def test_no_known_kind_takes_the_detour_of_a_table(predictor: Any) -> None:
    columns = direct._columns(predictor, FEATURES)
    kinds = {name: type(direct._model(predictor, name, columns)).__name__ for name in models(predictor)}
    assert kinds.pop("LinearModel") == "OnTable"
    assert set(kinds.values()) == {"Boosted", "Network", "OnMatrix", "Weighted"}


def test_the_best_model_is_shortened(predictor: Any) -> None:
    predictor.set_model_best("WeightedEnsemble_L2")
    short = direct.shortened(predictor, description())
    assert short is not None
    assert np.array_equal(short(asked(300)), predictor.predict(asked(300), as_pandas=False).astype(float))
    assert len(np.unique(short(asked(300)))) > 100


def test_texts_and_classes_take_the_long_way(predictor: Any) -> None:
    assert direct.shortened(predictor, description("text")) is None
    classes = Description("any", "BinaryClassification", description().columns, ["no", "yes"])
    assert direct.shortened(predictor, classes) is None


def test_a_short_way_that_disagrees_is_not_taken(
    predictor: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = direct.OnMatrix.__call__
    monkeypatch.setattr(
        direct.OnMatrix, "__call__", lambda self, values: right(self, values) + np.float32(1e-3)
    )
    predictor.set_model_best("CatBoost")
    assert direct.shortened(predictor, description()) is None
    assert "does not agree" in capsys.readouterr().err


def test_a_library_with_other_insides_takes_the_long_way(
    predictor: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(predictor, "_trainer", raising=False)
    monkeypatch.setattr(type(predictor), "_trainer", property(lambda self: self.gone), raising=False)
    assert direct.shortened(predictor, description()) is None
    assert "AutoGluon's way" in capsys.readouterr().err


def test_an_infinite_whole_number_is_an_error_as_with_autogluon(predictor: Any) -> None:
    rows = asked(3)
    rows.loc[1, "year"] = np.inf
    with pytest.raises(ValueError, match=r"non-finite|infinite"):
        predictor.predict(rows)
    with pytest.raises(ValueError, match="infinite"):
        direct._columns(predictor, FEATURES)(rows)
