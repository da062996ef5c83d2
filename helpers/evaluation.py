"""How good predictions and rankings are, and how sure that is.

Measures of the first k tracks of each listener's list (k = 10; relevance as in `helpers.ranking`):

- NDCG@k = DCG@k / IDCG@k with DCG@k = sum over ranks i = 1..k of relevance_i / log2(i + 1); IDCG@k is the
  DCG@k of the best order (Järvelin and Kekäläinen, 2002);
- Recall@k = relevant tracks among the first k / all relevant tracks of the listener;
- MAP@k = the mean over listeners of AP@k = sum over the ranks i <= k of relevant tracks of precision@i / all
  relevant tracks of the listener, as trec_eval defines it (so even the best order has less than 1 when more
  than k tracks are relevant);
- novelty = the mean over the list of -log2 of the share of training listeners who rated the track, in bits
  (Zhou et al., 2010; one is added to both counts, so that an unrated track has a finite novelty);
- diversity = the mean distance of all pairs of the list (intra-list diversity: Ziegler et al., 2005), as
  `helpers.sounds` measures it: 1 is about that of two tracks drawn at random;
- coverage = the share of the catalogue's tracks that are in at least one list (Ge et al., 2010). It depends
  on how many lists there are, so it has no mean over listeners and no interval.

The first three are computed by the library ir-measures. All but coverage are taken per listener, and a table
shows their means. Intervals are bootstrap intervals over listeners (percentile, 95 %): what could have come
out with other listeners of the kind. With few listeners they are rough, and with one there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
import pandas as pd
from scipy import stats

from helpers.choosing import POOL
from helpers.ranking import NOTHING, Floats, Places, Question, lists
from helpers.sounds import Sounds

RESAMPLES = 2000
CONFIDENCE = 0.95
ACCURACY = ("NDCG", "Recall", "MAP")
_LIBRARY = {"NDCG": ir_measures.nDCG, "Recall": ir_measures.R, "MAP": ir_measures.AP}


@dataclass(frozen=True)
class Catalogue:
    """What novelty and diversity need to know of each track, in the order of trackId: how it sounds and its
    self-information in bits.
    """

    tracks: pd.Index
    sounds: Sounds
    information: Floats

    @classmethod
    def of(cls, tracks: pd.DataFrame, training: pd.DataFrame) -> Catalogue:
        """From the flow's `tracks` and the training ratings."""
        ordered = tracks.drop_duplicates("trackId").set_index("trackId").sort_index()
        raters = training.groupby("trackId")["userId"].nunique().reindex(ordered.index).fillna(0)
        share = (raters.to_numpy() + 1) / (training["userId"].nunique() + 1)
        return cls(ordered.index, Sounds(ordered.reset_index()), -np.log2(share))


@dataclass(frozen=True)
class Ranked:
    """What came of one ranking: its measures for each listener (a row), and the coverage of all lists."""

    each: pd.DataFrame
    coverage: float


def evaluate(question: Question, scores: pd.DataFrame, catalogue: Catalogue, k: int = 10) -> Ranked:
    """Measure the ranking by `scores` (listeners x tracks, highest first). Raises ValueError when a candidate
    has no score.
    """
    return measured(question, lists(question, scores, k), catalogue)


def measured(question: Question, found: Places, catalogue: Catalogue) -> Ranked:
    """Measure lists of tracks (listeners x k, places in `question.tracks`)."""
    if not question.tracks.equals(catalogue.tracks):
        raise ValueError("The question is about other tracks than the catalogue holds.")
    each = accuracy(question, found)
    each["novelty"] = [catalogue.information[row[row != NOTHING]].mean() for row in found]
    each["diversity"] = [catalogue.sounds.diversity(row[row != NOTHING]) for row in found]
    shown = np.unique(found[found != NOTHING])
    return Ranked(each, len(shown) / len(catalogue.tracks))


def accuracy(question: Question, found: Places) -> pd.DataFrame:
    """NDCG@k, Recall@k and AP@k (called MAP@k, for its mean is shown) of each listener's list of k tracks."""
    k = found.shape[1]
    wanted = {name: measure @ k for name, measure in _LIBRARY.items()}
    relevant = {
        str(row): {str(place): 1 for place in np.flatnonzero(flags)}
        for row, flags in enumerate(question.relevant)
    }
    # As scores the library gets what is left of k at each rank, so that nothing is equal.
    run = {
        str(row): {str(place): float(k - rank) for rank, place in enumerate(places) if place != NOTHING}
        for row, places in enumerate(found)
    }
    table = pd.DataFrame(index=question.listeners, columns=[f"{name}@{k}" for name in wanted], dtype=float)
    names = {measure: f"{name}@{k}" for name, measure in wanted.items()}
    for value in ir_measures.iter_calc(list(wanted.values()), relevant, run):
        table.loc[question.listeners[int(value.query_id)], names[value.measure]] = value.value
    return table


def varied(
    question: Question, scores: pd.DataFrame, catalogue: Catalogue, diversity: float, k: int = 10
) -> Ranked:
    """The measures of lists with a diversity setting (0 to 1), made as playlists are: by MMR out of the best
    candidates.
    """
    pools = lists(question, scores, POOL)
    found = np.full((len(pools), k), NOTHING, dtype=np.int64)
    for row, user in enumerate(question.listeners):
        pool = pools[row][pools[row] != NOTHING]
        values = scores.loc[user].reindex(question.tracks[pool]).to_numpy(dtype=float)
        chosen = catalogue.sounds.varied(pool, values, diversity, k)
        found[row, : len(chosen)] = chosen
    return measured(question, found, catalogue)


def random_order(
    question: Question, catalogue: Catalogue, k: int = 10, repeats: int = 20, seed: int = 0
) -> Ranked:
    """The measures of shuffled candidates, for each listener the mean over `repeats` orders. The level a
    ranking must beat.
    """
    generator = np.random.default_rng(seed)
    runs = []
    for _ in range(repeats):
        scores = generator.random(question.candidates.shape)
        table = pd.DataFrame(scores, index=question.listeners, columns=question.tracks)
        runs.append(evaluate(question, table, catalogue, k))
    each = sum((run.each for run in runs[1:]), start=runs[0].each) / repeats
    return Ranked(each, float(np.mean([run.coverage for run in runs])))


def best_order(question: Question, catalogue: Catalogue, k: int = 10) -> Ranked:
    """The measures of the order that knows the answers: the ceiling of what a ranking can reach."""
    truth = pd.DataFrame(question.relevant.astype(float), index=question.listeners, columns=question.tracks)
    return evaluate(question, truth, catalogue, k)


def interval(values: Iterable[float], seed: int = 0) -> tuple[float, float]:
    """The bootstrap interval (percentile, 95 %) of the mean over listeners; NaN, NaN for fewer than two."""
    known = np.asarray(list(values), dtype=float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (known,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def table(results: Mapping[str, Ranked]) -> pd.DataFrame:
    """A row for each ranking; columns of two levels: the measure, and its `mean`, `low` and `high`. Coverage
    has only a mean.
    """
    rows = {}
    for name, ranked in results.items():
        row: dict[tuple[str, str], float] = {}
        for measure, values in ranked.each.items():
            low, high = interval(values)
            row |= {
                (str(measure), "mean"): float(values.mean()),
                (str(measure), "low"): low,
                (str(measure), "high"): high,
            }
        rows[name] = row | {("coverage", "mean"): ranked.coverage}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ranking")


def readable(numbers: pd.DataFrame) -> pd.DataFrame:
    """The numbers of `table` as text: `0.531 (0.492 to 0.570)`, and the coverage as a share."""

    def text(measure: str, row: pd.Series) -> str:
        if measure == "coverage":
            return f"{row[measure, 'mean']:.1%}"
        mean, low, high = (row[measure, part] for part in ("mean", "low", "high"))
        digits = 3 if measure.startswith(ACCURACY) else 2
        between = "" if np.isnan(low) else f" ({low:.{digits}f} to {high:.{digits}f})"
        return f"{mean:.{digits}f}{between}"

    measures = list(dict.fromkeys(numbers.columns.get_level_values(0)))
    return pd.DataFrame(
        {name: [text(name, row) for _, row in numbers.iterrows()] for name in measures}, index=numbers.index
    )


def differences(results: Mapping[str, Ranked], against: str, measure: str) -> pd.DataFrame:
    """How much higher the ranking `against` is than each other: `difference`, `low`, `high`, and for how many
    `listeners` it is higher.

    Paired: the difference is taken for each listener, and then averaged, so that a listener who is hard for
    all rankings hides no difference between them.
    """
    ours = results[against].each[measure]
    rows = {}
    for name, ranked in results.items():
        if name == against:
            continue
        gain = ours - ranked.each[measure]
        low, high = interval(gain)
        rows[name] = {"difference": gain.mean(), "low": low, "high": high, "listeners": int((gain > 0).sum())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("against")


def verdict(compared: pd.DataFrame, name: str = "The model") -> str:
    """Who wins, by the intervals of `differences`: a sentence for each kind of outcome.

    A ranking wins when the whole interval is on its side; where the interval holds 0, nobody does.
    """
    ahead = compared.index[compared["low"] > 0].tolist()
    behind = compared.index[compared["high"] < 0].tolist()
    unsure = [other for other in compared.index if other not in ahead + behind]
    said = []
    for others, what in ((ahead, "beats"), (behind, "loses to"), (unsure, "cannot be told apart from")):
        if others:
            said.append(f"{name} {what} {_listed(others)}.")
    return " ".join(said)


def _listed(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


def rmse(truth: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray | float) -> float:
    """Root mean squared error, in stars."""
    return float(np.sqrt(np.mean((np.asarray(truth, dtype=float) - np.asarray(predicted, dtype=float)) ** 2)))
