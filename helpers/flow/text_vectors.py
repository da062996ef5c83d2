"""Texts as vectors of their words: Spark's tokenizers, CountVectorizer, HashingTF and IDF."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .errors import OperatorError
from .java_regex import JavaRegex
from .spark_hashing import hashed_index, sparse_text

Tokenizer = Callable[[str], list[str]]
_space = re.compile("[ \t\n\x0b\f\r]")


def without_empty_end(parts: list[str]) -> list[str]:
    """Java's split leaves out empty texts at the end, unless nothing was split."""
    if len(parts) > 1:
        while parts and not parts[-1]:
            parts.pop()
    return parts


def standard_tokens(text: str) -> list[str]:
    """Small letters, split at every single white space: two in a row have an empty word between them."""
    return without_empty_end(_space.split(text.lower()))


def custom_tokenizer(regex: JavaRegex, gaps: bool, least: int, lowercase: bool) -> Tokenizer:
    """Split at a pattern, or take what it matches; `least` is the length of the shortest word that counts."""

    def tokens(text: str) -> list[str]:
        text = text.lower() if lowercase else text
        found = list(regex.compiled.finditer(text))
        if not gaps:
            words = [match[0] for match in found]
        else:
            words, start = [], 0
            for match in found:
                # As in Java, nothing is split off at the very beginning by a match of no width.
                if match.end() > 0:
                    words.append(text[start : match.start()])
                    start = match.end()
            words = without_empty_end([*words, text[start:]])
        return [word for word in words if len(word.encode("utf-16-le", "surrogatepass")) >= 2 * least]

    return tokens


@dataclass(frozen=True)
class Counting:
    """CountVectorizer, fitted: each word of the vocabulary has its place."""

    tokens: Tokenizer
    vocabulary: Sequence[str]
    minimum_term_frequency: float
    binary: bool

    @property
    def size(self) -> int:
        """The length of its vectors."""
        return len(self.vocabulary)

    def counter(self) -> Callable[[str], dict[int, float]]:
        """A function from a text to the non-zero places of its vector."""
        places = {word: place for place, word in enumerate(self.vocabulary)}

        def count(text: str) -> dict[int, float]:
            words = self.tokens(text)
            counts = Counter(places[word] for word in words if word in places)
            least = self.minimum_term_frequency
            least = least if least >= 1 else least * len(words)
            return {
                place: 1.0 if self.binary else float(number)
                for place, number in counts.items()
                if number >= least
            }

        return count


@dataclass(frozen=True)
class Hashing:
    """HashingTF: each word has the place its hash gives it."""

    tokens: Tokenizer
    size: int

    def counter(self) -> Callable[[str], dict[int, float]]:
        """A function from a text to the non-zero places of its vector."""

        def count(text: str) -> dict[int, float]:
            counts = Counter(hashed_index(word, self.size) for word in self.tokens(text))
            return {place: float(number) for place, number in counts.items()}

        return count


Vectorizer = Counting | Hashing


def chosen_vocabulary(
    counts: Mapping[str, tuple[int, int]], documents: int, least: float, most: float, size: int
) -> list[str]:
    """The most frequent words; equally frequent ones by the alphabet, where Spark has no fixed order.

    `counts` holds how often a word occurs and in how many texts; `least` and `most` limit the latter, as a
    share of all texts when below 1.
    """
    low = least if least >= 1 else least * documents
    high = most if most >= 1 else most * documents
    if low > high:
        raise OperatorError(
            f"maximum_document_frequency {most} is below minimum_document_frequency {least} here",
            "Widen them.",
            "maximum_document_frequency",
        )
    kept = [(word, count) for word, (count, texts) in counts.items() if low <= texts <= high]
    kept.sort(key=lambda each: (-each[1], each[0]))
    if not kept:
        raise OperatorError(
            "no word is left for the vocabulary",
            "Lower minimum_document_frequency or raise maximum_document_frequency.",
            "minimum_document_frequency",
        )
    return [word for word, _ in kept[:size]]


def inverse_document_frequencies(texts: Mapping[int, int], documents: int, least: int) -> dict[int, float]:
    """Spark's IDF for places that occur: log((m + 1) / (d + 1)), 0 where in fewer than `least` texts."""
    return {
        place: math.log((documents + 1.0) / (count + 1.0)) if count >= least else 0.0
        for place, count in texts.items()
    }


def unseen_frequency(documents: int, least: int) -> float:
    """The IDF of a place that occurs nowhere."""
    return math.log(documents + 1.0) if least <= 0 else 0.0


def weighted(
    count: Callable[[str], dict[int, float]], weights: Mapping[int, float] | None, unseen: float
) -> Callable[[str], dict[int, float]]:
    """The vector of a text times the IDF of its places; zeros stay where they come about."""
    if weights is None:
        return count
    return lambda text: {place: value * weights.get(place, unseen) for place, value in count(text).items()}


def as_text(size: int, vector: Callable[[str], dict[int, float]]) -> Callable[[str], str]:
    """Spark's text of a text's vector."""
    return lambda text: sparse_text(size, vector(text))


def as_list(size: int, vector: Callable[[str], dict[int, float]]) -> Callable[[str], list[float]]:
    """All places of a text's vector."""

    def dense(text: str) -> list[float]:
        found = vector(text)
        return [found.get(place, 0.0) for place in range(size)]

    return dense
