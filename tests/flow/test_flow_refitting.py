"""Trained parameters: used where they fit, learned anew on request, and written back into a flow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.commands import app
from helpers.flow.spark_models import spark_model

pytestmark = pytest.mark.usefixtures("engine")
SPARK = "sagemaker.spark."
SCHEMA = {"n": "float", "m": "long", "k": "long", "c": "string", "t": "string", "d": "date"}
ROWS = [
    (1.5, 3, 0, "red", "sun and sea", "2024-01-01"),
    (2.5, None, 1, "blue", "sea", "2024-01-01"),
    (-4.0, 5, 0, "red", None, "2024-01-02"),
    (100.0, 7, 1, "green", "sun sun", "2024-01-02"),
    (3.5, 7, 2, "blue", "moon", "2024-01-02"),
    (8.0, None, 2, "blue", "moon and sun", "2024-01-03"),
    (9.0, 40, 3, "blue", "sea moon", "2024-01-03"),
    (200.0, 41, 3, "grey", "stars", "2024-01-03"),
]
FEW = ROWS[:4]


def spelled(family: str, choice: str, block: Mapping[str, Any], *inner: str) -> tuple[str, dict[str, Any]]:
    """An operator's id and parameters; `inner` is the key and the name of a choice within the choice."""

    def key(name: str) -> str:
        return name.lower().replace(" ", "_").replace("-", "_") + "_parameters"

    if not inner:
        return SPARK + family, {"operator": choice, key(choice): dict(block)}
    name, chosen = inner
    return SPARK + family, {"operator": choice, key(choice): {name: chosen, key(chosen): dict(block)}}


def scaler(name: str, **block: Any) -> tuple[str, dict[str, Any]]:
    return spelled("process_numeric_0.1", "Scale values", block, "scaler", name)


def outliers(name: str, **block: Any) -> tuple[str, dict[str, Any]]:
    return spelled("handle_outliers_0.1", name, block)


def encode(name: str, **block: Any) -> tuple[str, dict[str, Any]]:
    return spelled("encode_categorical_0.1", name, block)


def impute(kind: str, **block: Any) -> tuple[str, dict[str, Any]]:
    return spelled("handle_missing_0.1", "Impute", block, "column_type", kind)


def vectorize(vectorizer: str, idf: str, style: str, columns: Any = "t") -> tuple[str, dict[str, Any]]:
    block = {"tokenizer": "Standard", "vectorizer": vectorizer, "apply_idf": idf, "output_format": style}
    more: dict[str, Any] = {"tokenizer_standard_parameters": {}}
    if vectorizer == "Hashing":
        more["vectorizer_hashing_parameters"] = {"number_of_features": 64}
    return spelled("featurize_text_0.1", "Vectorize", {**block, **more, "input_column": columns})


PCA = {"input_columns": ["n", "k"], "number_of_components": 1}
FAMILIES = {
    "standard scaler": scaler("Standard scaler", input_column=["n", "k"], center=True, scale=True),
    "min-max scaler": scaler("Min-max scaler", input_column="n", min=-1, max=2),
    "robust scaler": scaler("Robust scaler", input_column=["k"], center=True),
    "max absolute scaler": scaler("Max absolute scaler", input_column=["n", "m"]),
    "outliers by deviation": outliers(
        "Standard deviation numeric outliers", input_column=["n", "m"], standard_deviations=1
    ),
    "outliers by robust deviation": outliers(
        "Robust standard deviation numeric outliers",
        input_column="n",
        fix_method="Invalidate",
        standard_deviations=0.5,
    ),
    "outliers by quantiles": outliers(
        "Quantile numeric outliers", input_column="n", lower_quantile=0.2, upper_quantile=0.8
    ),
    "rare values": outliers(
        "Replace rare values", input_column=["c"], absolute_threshold=1, replacement_string="other"
    ),
    "rare days": outliers("Replace rare values", input_column="d", absolute_threshold=2),
    "rare values of two": outliers(
        "Replace rare values", input_column=["c", "k"], absolute_threshold=1, replacement_string="9"
    ),
    "mean": impute("Numeric", input_column=["m", "n"], strategy="Mean"),
    "median": impute("Numeric", input_column="m", strategy="Approximate Median"),
    "most frequent": impute("Categorical", input_column=["m", "t"]),
    "ordinal": encode("Ordinal encode", input_column="c", invalid_handling_strategy="Keep"),
    "one-hot": encode(
        "One-hot encode",
        input_column=["c", "t"],
        invalid_handling_strategy="Keep",
        drop_last=False,
        output_style="Columns",
    ),
    "one-hot of ordinals": encode(
        "One-hot encode",
        input_column="k",
        input_already_ordinal_encoded=True,
        invalid_handling_strategy="Keep",
        output_style="Vector",
    ),
    "counted words": vectorize("Count Vectorizer", "No", "Columns"),
    "weighed words": vectorize("Count Vectorizer", "Yes", "Vector", ["t"]),
    "hashed words": vectorize("Hashing", "Yes", "Vector", ["t", "c"]),
    "principal components": (SPARK + "pca_0.1", PCA),
}


@pytest.fixture
def execute(tmp_path: Path, builder: Any, write_csv: Any) -> Callable[..., tuple[pd.DataFrame, flow.Flow]]:
    """Run a flow's node "step" on rows: its table, and the flow with what was learned."""

    def run(
        asked: flow.Flow, rows: Sequence[Sequence[object]], refit: bool = False, engine: str | None = None
    ) -> tuple[pd.DataFrame, flow.Flow]:
        path = write_csv("data.csv", list(SCHEMA), rows)
        output = flow.Output("step", "default", tmp_path / "out", "Parquet")
        learned: dict[str, Any] = {}
        engine = engine or builder.engine
        [made] = flow.execute(
            asked,
            lambda _: [path],
            [output],
            refit=refit,
            fitted=learned.update,
            engine=engine,
        )
        return pd.read_parquet(made.paths[0]), asked.with_trained(learned)

    return run


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_keeps_what_it_learned(family: str, execute: Any, builder: Any, tmp_path: Path) -> None:
    builder.add("step", *FAMILIES[family], [builder.types(builder.source(), SCHEMA)])
    all_rows, kept = execute(builder.read(), ROWS)
    # A row comes out the same whatever other rows there are, when nothing is learned from them.
    few, again = execute(kept, FEW)
    pd.testing.assert_frame_equal(few, all_rows.head(len(FEW)))
    own, refitted = execute(kept, FEW, refit=True)
    assert not own.equals(few)
    pd.testing.assert_frame_equal(own, execute(builder.read(), FEW)[0])
    pd.testing.assert_frame_equal(execute(refitted, ROWS)[0].head(len(FEW)), own)
    files = [each.write(tmp_path / f"{place}.flow") for place, each in enumerate((kept, again, refitted))]
    texts = [path.read_bytes() for path in files]
    assert texts[0] == texts[1] != texts[2]
    # Another engine learns the same to the last byte.
    other = execute(builder.read(), ROWS, engine="duckdb")[1]
    assert other.write(tmp_path / "other.flow").read_bytes() == texts[0]
    assert execute(builder.read(), ROWS)[1].write(tmp_path / "3.flow").read_bytes() == texts[0]


def test_types_are_kept(execute: Any, builder: Any) -> None:
    builder.types(builder.source())
    builder.columns("step", "types of data.csv", "Drop column", column_to_drop=["t"])
    _, kept = execute(builder.read(), ROWS)
    [typed] = [node for node in kept.nodes if node.node_id == "types of data.csv"]
    assert typed.trained_parameters == {"schema": SCHEMA}
    strange = [("x", "y", "z", 1, 2, "3")] * 3
    assert execute(kept, strange)[0].dtypes.astype(str).to_dict()["n"] == "float64"
    assert execute(kept, strange, refit=True)[1].node("types of data.csv").trained_parameters["schema"] == {
        "n": "string", "m": "string", "k": "string", "c": "long", "t": "long", "d": "long",
    }  # fmt: skip


def test_the_form_is_that_of_data_wrangler(execute: Any, builder: Any) -> None:
    builder.add("step", *FAMILIES["outliers by deviation"], [builder.types(builder.source(), SCHEMA)])
    held = execute(builder.read(), [(1.0, 10), (3.0, 20)])[1].node("step").trained_parameters
    [first, second] = held["standard_deviation_numeric_outliers_parameters"]
    # By hand: the means are 2 and 15, the sample deviations the roots of 2 and of 50.
    assert first["lower_threshold"] == pytest.approx(2 - 2**0.5)
    assert second["upper_threshold"] == pytest.approx(15 + 50**0.5)
    assert [each["input_column"] for each in (first, second)] == ["n", "m"]
    builder.nodes.pop()
    builder.add("step", *FAMILIES["min-max scaler"], ["types of data.csv"])
    held = execute(builder.read(), [(1.0,), (3.0,)])[1].node("step").trained_parameters
    model = held["scale_values_parameters"]["min_max_scaler_parameters"]["scaler_model"]
    assert spark_model(model) == {"originalMin": [1.0], "originalMax": [3.0]}


def test_what_else_a_node_holds_stays(execute: Any, builder: Any) -> None:
    stale = {"impute_parameters": {"categorical_parameters": {"impute_value": 1}}, "query_execution_id": "x"}
    typed = builder.types(builder.source(), SCHEMA)
    builder.add("step", *FAMILIES["median"], [typed], trained_parameters=stale)
    held = execute(builder.read(), ROWS)[1].node("step").trained_parameters
    assert held["query_execution_id"] == "x"
    assert held["impute_parameters"]["categorical_parameters"] == {"impute_value": 1}
    assert spark_model(held["impute_parameters"]["numeric_parameters"]["imputer_model"]) == {"m": 7.0}


def test_ordinals_that_were_not_there_are_refused(execute: Any, builder: Any) -> None:
    step = encode(
        "One-hot encode",
        input_column="k",
        input_already_ordinal_encoded=True,
        invalid_handling_strategy="Error",
    )
    builder.add("step", *step, [builder.types(builder.source(), SCHEMA)])
    _, kept = execute(builder.read(), FEW)
    with pytest.raises(flow.FlowError, match="4 rows have no value in 'k'"):
        execute(kept, ROWS)


def test_infinite_thresholds_are_learned_again(execute: Any, builder: Any, tmp_path: Path) -> None:
    step = outliers("Quantile numeric outliers", input_column="n", lower_quantile=0, upper_quantile=1)
    builder.add("step", *step, [builder.types(builder.source(), SCHEMA)])
    _, kept = execute(builder.read(), [("Infinity",), (1,)])
    text = kept.write(tmp_path / "a.flow").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert execute(kept, [(5,), (6,)])[0]["n"].tolist() == [5.0, 6.0]


def test_components_of_other_features_are_refused(execute: Any, builder: Any) -> None:
    builder.add("step", SPARK + "pca_0.1", PCA, [builder.types(builder.source(), SCHEMA)])
    _, kept = execute(builder.read(), ROWS)
    held = dict(kept.node("step").trained_parameters["principal_components"])
    held = {**held, "mean": [1.0], "scale": [1.0], "components": [[1.0]]}
    other = kept.with_trained({"step": {"principal_components": held}})
    with pytest.raises(flow.FlowError, match="have 2 features, and the flow's trained parameters are of 1"):
        execute(other, ROWS)


def test_run_and_its_command_write_the_flow(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    builder.add("step", *FAMILIES["mean"], [builder.types(builder.source(), SCHEMA)])
    builder.nodes[-1]["parameters"]["impute_parameters"]["numeric_parameters"]["strategy"] = "{{how}}"
    builder.destination("out", "step")
    document = {
        **builder.document,
        "parameters": [{"name": "how", "type": "String", "default_value": "Mean"}],
    }
    data, target = write_csv("data.csv", list(SCHEMA), ROWS), tmp_path / "refitted.flow"
    flow.run(flow.read(document), {"data.csv": data}, tmp_path / "one", output_flow=target)
    refitted = json.loads(target.read_text())
    strategy = refitted["nodes"][2]["parameters"]["impute_parameters"]["numeric_parameters"]["strategy"]
    assert strategy == "{{how}}", "a parameter's value must not replace its name"
    before = target.read_bytes()
    few = write_csv("few.csv", list(SCHEMA), FEW)
    command = [
        "run",
        f"{target}",
        "--source",
        f"data.csv={few}",
        "--output",
        f"{tmp_path / 'two'}",
        "--quiet",
    ]
    done = CliRunner().invoke(app, [*command, "--output-flow", f"{target}"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"{target}"
    assert target.read_bytes() == before
    assert _means(target) == {"m": pytest.approx(103 / 6), "n": pytest.approx(320.5 / 8)}
    done = CliRunner().invoke(app, [*command, "--refit", "--output-flow", f"{target}"])
    assert done.exit_code == 0, done.output
    assert _means(target) == {"m": pytest.approx(5.0), "n": pytest.approx(25.0)}


def _means(path: Path) -> dict[str, Any]:
    held = flow.read(path).node("step").trained_parameters
    return spark_model(held["impute_parameters"]["numeric_parameters"]["imputer_model"])


@pytest.mark.parametrize(("name", "words"), [("a.json", "ends in .flow"), ("no/a.flow", "cannot be written")])
def test_a_flow_that_cannot_be_written_is_said_first(
    name: str, words: str, builder: Any, tmp_path: Path
) -> None:
    builder.types(builder.source())
    with pytest.raises(flow.FlowError, match=words):
        flow.run(builder.read(), {}, tmp_path / "out", output_flow=tmp_path / name)
    assert not (tmp_path / "out").exists()
