"""What all visitors of one server share: the recommender, with what it keeps, and the visits."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from helpers import workshop
from helpers.page.settings import Settings
from helpers.page.visits import Visits
from helpers.recommender import Recommender
from helpers.service import default_state


@dataclass(frozen=True)
class Service:
    """The recommender, and the name of the endpoint it asks."""

    recommender: Recommender
    endpoint: str


@st.cache_resource(show_spinner="Reading the catalogue and the listeners …")
def service(settings: Settings) -> Service:
    """What serves these settings: connects (and starts local SageMaker) and reads the tables once."""
    connected = workshop.connect(settings.platform, settings.prefix, settings.state)
    endpoint = settings.endpoint or str(connected.recall("playlist")["endpoint"])
    cache = (settings.state or default_state()) / "scores"
    return Service(Recommender.open(connected, endpoint, cache), endpoint)


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """The visits of this server."""
    return Visits()


def reconnect() -> None:
    """Forget the connection: the next question connects anew, and finds a service that has moved."""
    service.clear()
