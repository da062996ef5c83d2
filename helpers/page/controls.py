"""What a visitor can set: who listens, what the playlist should be like, how tracks please."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from helpers.page import texts
from helpers.page.visits import Visit
from helpers.playlist import Wishes
from helpers.recommender import Recommender

KNOWN, MYSELF = "Somebody from the data", "I do"
QUESTIONS = 8
FEWEST_ANSWERS = 3
STARS = (1, 2, 3, 4, 5)
LONGEST = 30
_TRACK, _GIVEN = "rate-track", "rate-stars"
_IN_ADDRESS: dict[str, Any] = {"bind": "query-params"}  # so that a reload keeps it


def who_listens(recommender: Recommender, visit: Visit, asked_for: int | None) -> None:
    """Choose a listener of the data, or become one; the visit knows afterwards."""
    choice = st.radio("Who listens?", [KNOWN, MYSELF], index=1 if visit.newcomer else 0, horizontal=True)
    if (choice == MYSELF) != visit.newcomer:
        visit.newcomer = choice == MYSELF
        visit.begin(None)
    if not visit.newcomer:
        _known(recommender, visit, asked_for)


def _known(recommender: Recommender, visit: Visit, asked_for: int | None) -> None:
    users = [int(user) for user in recommender.listeners.index]
    now = visit.listener.user if visit.listener is not None else asked_for
    if now is not None and now not in users:
        st.warning(f"There is no listener {now} with a description. Here is listener {users[0]}.")
        now = users[0]
    user = st.selectbox(
        "Listener",
        users,
        index=users.index(now) if now is not None else 0,
        help="Type a number to find it. Listeners are described by what they rated in the training data.",
    )
    if visit.listener is None or visit.listener.user != user:
        visit.begin(recommender.listener(user))


def introduce_yourself(recommender: Recommender, visit: Visit) -> None:
    """Ask somebody new about a few tracks; enough answers make them a listener."""
    st.header("What do you like?", anchor=False)
    st.write(
        f"Give stars to at least {FEWEST_ANSWERS} tracks. The tracks are made up, so go by how they are "
        "described: more stars for what you would enjoy."
    )
    questions = recommender.questions(QUESTIONS, seed=visit.page_of_questions, asked=visit.asked)
    with st.form("introduction", border=False):
        for _, track in questions.iterrows():
            st.radio(texts.about(track), STARS, index=None, horizontal=True, key=f"ask-{track['trackId']}")
        done, more = st.columns(2)
        finished = done.form_submit_button("Make my playlist", type="primary", width="stretch")
        others = more.form_submit_button("Ask about other tracks", width="stretch")
    for track in questions["trackId"]:
        if st.session_state.get(f"ask-{track}"):
            visit.answers[str(track)] = int(st.session_state[f"ask-{track}"])
    if others:
        visit.asked += tuple(str(track) for track in questions["trackId"])
        visit.page_of_questions += 1
        st.rerun()
    if finished and len(visit.answers) < FEWEST_ANSWERS:
        missing = FEWEST_ANSWERS - len(visit.answers)
        st.warning(f"Please give stars to {missing} more {'track' if missing == 1 else 'tracks'}.")
    elif finished:
        answers = dict(visit.answers)
        try:
            newcomer = recommender.newcomer(answers)
        except ValueError as error:
            st.error(str(error))
        else:
            visit.begin(newcomer)
            visit.rated = answers
            st.rerun()


def wishes(tracks: pd.DataFrame, visit: Visit) -> Wishes:
    """What the playlist should be like, from the controls."""
    slow, fast = int(tracks["tempo"].min()), int(tracks["tempo"].max()) + 1
    variety = st.slider(
        "Variety", 0, 100, 0, 10, format="%d %%", key="variety", **_IN_ADDRESS,
        help="0 % takes the highest predictions. More of it mixes in tracks that differ from each other.",
    )  # fmt: skip
    genres = st.multiselect(
        "Genres", sorted(tracks["genre"].unique()), format_func=texts.genre, placeholder="All genres",
        key="genres", **_IN_ADDRESS,
    )  # fmt: skip
    tempo = st.slider("Tempo, beats per minute", slow, fast, (slow, fast), key="tempo", **_IN_ADDRESS)
    minutes = st.number_input(
        "Minutes, instead of a number of tracks", min_value=1, max_value=600, value=None,
        placeholder="Any", key="minutes", **_IN_ADDRESS,
    )  # fmt: skip
    length = st.slider("Tracks", 1, LONGEST, 10, key="tracks", disabled=minutes is not None, **_IN_ADDRESS)
    return Wishes(
        length=length,
        minutes=minutes,
        genres=tuple(genres),
        tempo=None if tempo == (slow, fast) else (float(tempo[0]), float(tempo[1])),
        diversity=variety / 100,
        leave_out=visit.played,
    )


def rate_or_skip(recommender: Recommender, visit: Visit, table: pd.DataFrame) -> None:
    """Stars for a track of the playlist, or leave it out as just played; either makes a new playlist."""
    st.subheader("Rate or skip a track", anchor=False)
    labels = {
        str(track.trackId): f"{rank}. {texts.genre(track.genre)}, {track.tempo:.0f} BPM ({track.trackId})"
        for rank, track in zip(table.index, table.itertuples(index=False), strict=True)
    }
    with st.form("rating", border=False):
        st.selectbox("Track", list(labels), format_func=labels.__getitem__, key=_TRACK)
        st.radio("Your stars, 5 is best", STARS, index=4, horizontal=True, key=_GIVEN)
        rate, skip = st.columns(2)
        rate.form_submit_button(
            "Rate it", type="primary", width="stretch", on_click=_rate, args=(recommender, visit)
        )
        skip.form_submit_button("Just played: leave it out", width="stretch", on_click=_skip, args=(visit,))
    if visit.complaint:
        st.error(visit.complaint)
        visit.complaint = ""


def _rate(recommender: Recommender, visit: Visit) -> None:
    track, stars = str(st.session_state[_TRACK]), int(st.session_state[_GIVEN])
    if visit.listener is None:
        return
    try:
        visit.listener = recommender.rate(visit.listener, track, stars)
    except ValueError as error:
        visit.complaint = str(error)
    else:
        visit.rated[track] = stars


def _skip(visit: Visit) -> None:
    visit.played |= {str(st.session_state[_TRACK])}


def history(recommender: Recommender, visit: Visit) -> None:
    """What was rated and skipped here, and the way back to the beginning."""
    if not visit.rated and not visit.played:
        return
    with st.expander(f"Rated here: {len(visit.rated)}, just played: {len(visit.played)}"):
        words = {
            str(track["trackId"]): texts.about(track) for _, track in _named(recommender, visit).iterrows()
        }
        for track, stars in reversed(visit.rated.items()):
            st.markdown(f"- {_stars(stars)}: {words[track]}")
        for track in sorted(visit.played):
            st.markdown(f"- just played: {words[track]}")
        if st.button("Forget all this"):
            visit.forget()
            st.rerun()


def _named(recommender: Recommender, visit: Visit) -> pd.DataFrame:
    tracks = recommender.tracks
    return tracks[tracks["trackId"].isin({*visit.rated, *visit.played})]


def _stars(stars: int) -> str:
    return "1 star" if stars == 1 else f"{stars} stars"
