"""The page itself: Streamlit runs it from top to bottom at each change."""

from __future__ import annotations

import streamlit as st

from helpers.page import announcer, controls, export, pictures, shared, texts
from helpers.page.settings import Settings
from helpers.playlist import Playlist, Wishes
from helpers.recommender import Listener, Recommender


def main() -> None:
    """Draw the page for whoever looks at it."""
    st.set_page_config("Your playlist", page_icon="♪", layout="wide")
    st.html(pictures.STYLE)
    settings = Settings.given()
    name, visit = shared.visits().at(st.query_params.get("visit"))
    if st.query_params.get("visit") != name:
        st.query_params["visit"] = name
    st.title("Your playlist", anchor=False)
    try:
        service = shared.service(settings)
    except texts.EXPECTED as error:
        _say_trouble(texts.trouble(error, settings.endpoint or "", settings.platform))
        return
    recommender = service.recommender
    where = "on this machine" if settings.platform == "local" else "on AWS"
    st.html(
        pictures.note(
            f"Tracks not heard yet, best predicted first, by the endpoint {service.endpoint} {where}."
        )
    )
    voice = st.container(key="voice")
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.header("Listener", anchor=False)
        controls.who_listens(recommender, visit, settings.listener)
        listener = visit.listener
        if listener is not None:
            st.header("Wishes", anchor=False)
            wishes = controls.wishes(recommender.tracks, visit)
    with right:
        if listener is None:
            controls.introduce_yourself(recommender, visit)
            return
        st.header("Playlist", anchor=False)
        answer = _ask(service, listener, wishes, settings)
        if isinstance(answer, Playlist):
            words = texts.summary(answer, visit.see(tuple(answer.table["trackId"])))
            _show(answer, words, wishes)
            controls.rate_or_skip(recommender, visit, answer.table)
        else:
            words = answer
        controls.history(recommender, visit)
        _taste(recommender, listener)
    with voice:
        announcer.announce(words)


def _ask(service: shared.Service, listener: Listener, wishes: Wishes, settings: Settings) -> Playlist | str:
    """The playlist; or a message, shown in its place."""
    try:
        with st.spinner("Asking the endpoint …"):
            return service.recommender.playlist(listener, wishes)
    except texts.EXPECTED as error:
        words = texts.trouble(error, service.endpoint, settings.platform)
        if isinstance(error, ValueError):
            st.warning(words)
        else:
            _say_trouble(words)
        return words


def _show(playlist: Playlist, words: str, wishes: Wishes) -> None:
    st.write(words)
    st.html(pictures.playlist_table(playlist.table, words))
    st.html(pictures.note(texts.price(playlist, wishes.diversity)))
    csv, m3u = st.columns(2)
    csv.download_button(
        "Save as CSV",
        lambda: export.to_csv(playlist.table),
        "playlist.csv",
        "text/csv",
        on_click="ignore",
        width="stretch",
    )
    m3u.download_button(
        "Save as M3U", lambda: export.to_m3u(playlist.table), "playlist.m3u8", "audio/x-mpegurl",
        on_click="ignore", width="stretch",
    )  # fmt: skip


def _taste(recommender: Recommender, listener: Listener) -> None:
    st.header("Taste", anchor=False)
    described = listener.description
    st.html(pictures.LEGEND)
    sound, genres = st.columns(2, gap="medium")
    sound.html(pictures.taste_table("How favourites sound", pictures.sound(described, recommender.tracks)))
    genres.html(pictures.taste_table("Genres of favourites", pictures.genres(described, recommender.tracks)))


def _say_trouble(words: str) -> None:
    st.error(words)
    st.button("Try again", type="primary", on_click=shared.reconnect)


main()
