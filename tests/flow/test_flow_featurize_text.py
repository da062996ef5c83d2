"""Featurizing text: expected values are those of Spark 3.5 and of Data Wrangler's exported code."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from test_flow_encode_categorical import stored_model

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

featurize = "sagemaker.spark.featurize_text_0.1"
TEXTS = ["Hi  there ", "", " ", "a\xa0b\x0bc", " x", "a b b"]
COUNT = {
    "minimum_term_frequency": 1,
    "minimum_document_frequency": 1,
    "maximum_document_frequency": 0.999,
    "maximum_vocabulary_size": 262144,
    "binarize_count": False,
}


def parameters(**block: Any) -> dict[str, Any]:
    """Those of the one real example, changed."""
    base = {
        "tokenizer": "Standard",
        "vectorizer": "Count Vectorizer",
        "apply_idf": "No",
        "output_format": "Vector",
        "tokenizer_standard_parameters": {},
        "vectorizer_count_vectorizer_parameters": COUNT,
        "apply_idf_yes_parameters": {"minimum_document_frequency": 5},
        "input_column": "s",
    }
    return {**base, **block}


@pytest.fixture
def featurized(builder: Any, write_csv: Callable[..., Path]) -> Callable[..., pd.DataFrame]:
    """Featurize the column s of a table s, k."""

    def run(
        texts: Sequence[str], block: dict[str, Any], choice: str = "Vectorize", trained: Any = None
    ) -> pd.DataFrame:
        builder.nodes.clear()
        path = write_csv("data.csv", ["s", "k"], [(text, 1) for text in texts])
        typed = builder.types(builder.source(), {"s": "string", "k": "long"})
        key = choice.lower().replace(" ", "_") + "_parameters"
        more = {"trained_parameters": {key: trained}} if trained else {}
        builder.add("step", featurize, {"operator": choice, key: block, "x_parameters": {}}, [typed], **more)
        return flow.preview(builder.read(), "step", {"data.csv": path}, rows=1000, engine=builder.engine)

    return run


def test_hashing_and_idf_as_spark(featurized: Any) -> None:
    block = parameters(vectorizer="Hashing", vectorizer_hashing_parameters={"number_of_features": 50})
    table = featurized(TEXTS, block)
    assert list(table.columns) == ["s", "k", "s_features"]
    assert list(table["s"]) == TEXTS  # a missing text is an empty one from here on
    assert list(table["s_features"]) == [
        "(50,[14,18,22],[1.0,1.0,1.0])",
        "(50,[22],[1.0])",
        "(50,[],[])",
        "(50,[14,18],[1.0,1.0])",
        "(50,[22],[2.0])",
        "(50,[15,17],[2.0,1.0])",
    ]
    block |= {"apply_idf": "Yes", "apply_idf_yes_parameters": {"minimum_document_frequency": 2}}
    assert list(featurized(TEXTS, {**block, "output_column": "o"})["o"]) == [
        "(50,[14,18,22],[0.8472978603872037,0.8472978603872037,0.5596157879354227])",
        "(50,[22],[0.5596157879354227])",
        "(50,[],[])",
        "(50,[14,18],[0.8472978603872037,0.8472978603872037])",
        "(50,[22],[1.1192315758708453])",
        "(50,[15,17],[0.0,0.0])",
    ]


def test_hashing_places_are_spark_s(featurized: Any) -> None:
    block = parameters(vectorizer="Hashing", vectorizer_hashing_parameters={})
    assert list(featurized(TEXTS, block)["s_features"])[::5] == [
        "(262144,[33808,228250,249180],[1.0,1.0,1.0])",
        "(262144,[107107,148981],[1.0,2.0])",
    ]


def test_counts_by_term(featurized: Any) -> None:
    table = featurized(TEXTS, parameters(output_format="Columns"))
    counts = {name.removeprefix("s_features_"): list(table[name]) for name in table.columns[2:]}
    # "" three times in three texts, then "b" twice, then the others by the alphabet
    assert list(counts) == ["", "b", "a", "a\xa0b", "c", "hi", "there", "x"]
    assert counts[""] == [1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    assert counts["b"] == [0.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    assert counts["x"] == [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def test_minimum_term_frequency_may_be_a_share(featurized: Any) -> None:
    block = parameters(vectorizer_count_vectorizer_parameters={**COUNT, "minimum_term_frequency": 0.5})
    # as Spark: (8,[],[]), [""], [], ["a\xa0b", "c"], ["", "x"], ["b" twice]
    assert list(featurized(TEXTS, block)["s_features"]) == [
        "(8,[],[])",
        "(8,[0],[1.0])",
        "(8,[],[])",
        "(8,[3,4],[1.0,1.0])",
        "(8,[0,7],[1.0,1.0])",
        "(8,[1],[2.0])",
    ]


def test_counts_as_scikit_learn(featurized: Any) -> None:
    texts = ["The cat the dog", "a cat", "dog and cat", "no", "dog dog dog"]
    block = parameters(
        tokenizer="Custom",
        tokenizer_custom_parameters={"minimum_token_length": 2, "gaps": False, "pattern": "\\w+"},
        output_format="Columns",
        vectorizer_count_vectorizer_parameters={
            **COUNT,
            "minimum_document_frequency": 2,
            "maximum_document_frequency": 0.9,
            "binarize_count": True,
        },
        output_column="w",
    )
    table = featurized(texts, block)
    oracle = CountVectorizer(min_df=2, max_df=0.9, binary=True)
    expected = oracle.fit_transform(texts).toarray()
    assert list(table.columns) == ["s", "k", "w_dog", "w_cat"]
    for word, place in oracle.vocabulary_.items():
        assert list(table[f"w_{word}"]) == list(expected[:, place])


@pytest.mark.parametrize(
    ("custom", "text", "words"),
    [
        ({"pattern": "\\s+"}, " Hi  there ", ["hi", "there"]),
        ({"pattern": "\\s+", "minimum_token_length": 0}, " Hi  there ", ["", "hi", "there"]),
        ({"pattern": ",", "lowercase_before_tokenization": False}, "A,b,,", ["A", "b"]),
        ({"pattern": "", "minimum_token_length": 1}, "ab", ["a", "b"]),
        ({"pattern": "[^\\W_]+(?=!)", "gaps": False}, "ab cd! é!", ["cd"]),
        ({"pattern": "(?=c)", "minimum_token_length": 3}, "abcab", ["cab"]),
    ],
)
def test_custom_tokenizers(featurized: Any, custom: dict[str, Any], text: str, words: list[str]) -> None:
    # Left out, the greatest document frequency is 1.0: as in Spark that is one text, not every text.
    block = parameters(
        tokenizer="Custom",
        tokenizer_custom_parameters=custom,
        output_format="Columns",
        vectorizer_count_vectorizer_parameters={},
    )
    table = featurized([text], block)
    assert sorted(name.removeprefix("s_features_") for name in table.columns[2:]) == sorted(words)
    with pytest.raises(flow.FlowError, match="no word is left"):
        featurized([text, text], block)


def test_a_stored_vocabulary_is_used_when_its_hash_fits(featurized: Any) -> None:
    """The hash is that of a real flow of 2022 with these parameters."""
    block = parameters(apply_idf="Yes", input_column=["s"])
    trained = {
        "_hash": "359a1f73c8a52089fa1570f658889d8a69b06d09",
        "vectorizer_model": stored_model(vocabulary=["b", "zebra"]),
        "idf_model": stored_model(
            idf={"type": 1, "size": None, "indices": None, "values": [0.5, 3.0]}, docFreq=[1], numDocs=9
        ),
    }
    table = featurized(TEXTS, block, trained=trained)
    assert list(table["s_features"])[-2:] == ["(2,[],[])", "(2,[0],[1.0])"]
    refitted = featurized(TEXTS, block, trained={**trained, "_hash": "x"})
    assert refitted["s_features"][5] == "(8,[1,2],[0.0,0.0])"  # fewer than five texts have the words
    columns = featurized(TEXTS, {**block, "output_format": "Columns"}, trained=trained)
    assert list(columns.columns) == ["s", "k", "s_features_b", "s_features_zebra"]
    assert list(columns["s_features_b"])[-1] == 1.0


def test_the_hash_is_data_wranglers() -> None:
    names = ["tokenizer", "tokenizer_standard_parameters", "tokenizer_custom_parameters", "vectorizer"]
    names += ["vectorizer_count_vectorizer_parameters", "vectorizer_hashing_parameters", "apply_idf"]
    names += ["apply_idf_yes_parameters", "apply_idf_no_parameters"]
    block = parameters(apply_idf="Yes")
    text = json.dumps([block.get(name) for name in names], sort_keys=True)
    assert hashlib.sha1(text.encode()).hexdigest() == "359a1f73c8a52089fa1570f658889d8a69b06d09"


def test_idf_of_counts(featurized: Any) -> None:
    block = parameters(apply_idf="Yes", apply_idf_yes_parameters={"minimum_document_frequency": 1})
    table = featurized(["a a b", "a", ""], {**block, "output_format": "Columns"})
    a, b = (table[f"s_features_{word}"].tolist() for word in "ab")
    assert a == pytest.approx([2 * math.log(4 / 3), math.log(4 / 3), 0.0], rel=1e-12)
    assert b == pytest.approx([math.log(4 / 2), 0.0, 0.0], rel=1e-12)


def test_character_statistics(featurized: Any) -> None:
    texts = ["Hello World 42!", "\u00c9t\u00e9 _", "  ", ""]
    table = featurized(texts, {"input_column": "s"}, "Character statistics")
    names = ["word_count", "char_count", "special_ratio", "digit_ratio", "lower_ratio", "capital_ratio"]
    assert list(table.columns) == ["s", "k", *(f"s__{name}" for name in names)]
    rows = table[[f"s__{name}" for name in names]].to_numpy().tolist()
    assert rows[0] == pytest.approx([3, 15, 1 / 13, 2 / 13, 8 / 13, 2 / 13])
    assert rows[1] == pytest.approx([2, 5, 0, 0, 2 / 4, 1 / 4])
    assert rows[2] == [0, 2, 0, 0, 0, 0]
    assert all(math.isnan(value) for value in rows[3])
    named = featurized(
        texts, {"input_column": ["s", "k"], "output_column_prefix": "p"}, "Character statistics"
    )
    assert list(named.columns)[2::6] == ["p_s_word_count", "p_k_word_count"]
    assert list(named["p_k_digit_ratio"]) == [1.0] * 4


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"vectorizer": "Hashing", "output_format": "Columns"}, "columns come of a Count Vectorizer only"),
        ({"tokenizer": "Custom"}, "'tokenizer_custom_parameters' is missing"),
        ({"tokenizer": "Words"}, "parameter 'tokenizer'"),
        ({"input_column": "k"}, "'k' is int64, not text"),
        ({"words": 3}, "parameter 'words': is not a parameter"),
        (
            {
                "vectorizer_count_vectorizer_parameters": {
                    "minimum_document_frequency": 4,
                    "maximum_document_frequency": 9,
                }
            },
            "no word is left",
        ),
        (
            {"vectorizer_count_vectorizer_parameters": {"minimum_frequency": 4}},
            "vectorizer_count_vectorizer_parameters.minimum_frequency",
        ),
        (
            {"tokenizer": "Custom", "tokenizer_custom_parameters": {"pattern": "("}},
            "is no regular expression for Python",
        ),
    ],
)
def test_what_is_wrong_is_said(featurized: Any, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        featurized(TEXTS, parameters(**block))


def test_no_rows(featurized: Any) -> None:
    with pytest.raises(flow.FlowError, match="parameter 'maximum_document_frequency'"):
        featurized([], parameters())
    with pytest.raises(flow.FlowError, match="no texts to learn from"):
        featurized([], parameters(vectorizer="Hashing", apply_idf="Yes"))
    assert len(featurized([], {"input_column": "s"}, "Character statistics")) == 0
