"""The lists of what the service does name tests that there are, or say why a fact is not kept."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LISTS = sorted(HERE.glob("*_contract.md"))


@dataclass(frozen=True)
class Fact:
    """One line of the list: what is so, the tests that prove it, why it is not so here."""

    words: str
    tests: tuple[tuple[str, str], ...]  # file, function
    gap: str


def read(path: Path) -> list[Fact]:
    """Every fact of a list."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("- "):
            continue
        words, _, proof = line.removeprefix("- ").partition(" | ")
        named, _, gap = proof.partition("gap: ")
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", named)
        assert len(tests) == named.count("`") // 2, f"a test is misspelt in: {line}"
        found.append(Fact(words, tuple(tests), gap))
    return found


FACTS = [fact for path in LISTS for fact in read(path)]


@cache
def functions(file: str) -> frozenset[str]:
    """The test functions of a file, by its path below this directory."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.words[:50])
def test_every_fact_is_proven_or_a_gap_with_its_reason(fact: Fact) -> None:
    assert fact.tests or fact.gap
    for file, function in fact.tests:
        assert function.startswith("test_")
        assert function in functions(file), f"{file} has no {function}"
    assert not fact.gap or (fact.gap.endswith(".") and " " in fact.gap)


def test_facts_are_told_once() -> None:
    assert len(FACTS) > 90
    assert len({fact.words for fact in FACTS}) == len(FACTS)
