"""The page of operators says what the registry holds, and each entry leads to tests that name it."""

from __future__ import annotations

from operator_table import PAGE, PROOFS, TESTS, page, proof, sub_operators


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run tests/flow/operator_table.py"


def test_every_proof_is_of_an_operator_that_exists() -> None:
    known = {
        " ".join([identifier, *choice[:depth]])
        for identifier, choice in sub_operators()
        for depth in range(len(choice) + 1)
    }
    assert set(PROOFS) <= known


def test_the_tests_of_an_operator_name_it() -> None:
    for identifier, choice in sub_operators():
        file = proof(identifier, choice).tests
        # Sources, types and destinations are made by the tests' own builder.
        text = "".join((TESTS / f"{each}.py").read_text(encoding="utf-8") for each in (file, "conftest"))
        short = identifier.removeprefix("sagemaker.").removeprefix("spark.").removesuffix("_0.1")
        missing = [name for name in (short, *choice) if name not in text]
        assert not missing, f"{file} does not name {missing} of {identifier}"
