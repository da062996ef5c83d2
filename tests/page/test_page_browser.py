"""The page in a real browser, from the command to the endpoint: nothing in between is made up."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import page_harness
import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from helpers import service

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
PATIENCE = 15_000  # milliseconds: how long a test waits for what has no limit of its own
WITHIN = 1.0  # second, from the moved control to the changed list

expect.set_options(timeout=PATIENCE)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: apt-get install chromium (`.ci/run` does it)"
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with page_harness.stored(tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture(scope="module")
def served(state: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with page_harness.command(state) as found:
        yield found


@pytest.fixture(scope="module")
def address(served: tuple[subprocess.Popen[str], str]) -> str:
    return served[1]


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """One browser for all tests: a page is a new visit, unless its address says otherwise."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE)
        yield context
        browser.close()


@pytest.fixture
def open_page(context: BrowserContext) -> Iterator[Callable[..., Page]]:
    pages = []

    def opened(address: str) -> Page:
        page = context.new_page()
        pages.append(page)
        page.goto(address)
        expect(page.get_by_role("heading", name="Taste")).to_be_visible()
        return page

    yield opened
    for page in pages:
        page.close()


@dataclass(frozen=True)
class Watched:
    """A page, whom it asked, and what the browser's console complains of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def watched(context: BrowserContext, address: str) -> Watched:
    """A page for all tests that leave its listener alone."""
    found = Watched(context.new_page())
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.on("websocket", lambda socket: found.asked.append(socket.url))
    found.page.on(
        "console", lambda said: found.complaints.append(said.text) if said.type == "error" else None
    )
    found.page.goto(address)
    expect(found.page.get_by_role("heading", name="Taste")).to_be_visible()
    return found


def songs(page: Page) -> str:
    """All words of the list, wherever lines break."""
    return str(page.locator("table.playlist tbody").text_content())


def seconds_until_changed(page: Page, act: Callable[[], object]) -> float:
    """How long the list takes to change after `act`, as the browser sees it."""
    before = songs(page)
    began = time.monotonic()
    act()
    page.wait_for_function(
        "before => { const list = document.querySelector('table.playlist tbody');"
        " return list && list.textContent !== before; }",
        arg=before,
        polling=20,
    )
    return time.monotonic() - began


def press(page: Page, slider: str, key: str) -> None:
    page.get_by_role("slider", name=slider).first.focus()
    page.keyboard.press(key)


def test_it_shows_a_playlist_and_speaks_to_nobody_else(watched: Watched) -> None:
    page = watched.page
    expect(page.get_by_role("table").first.get_by_role("row")).to_have_count(11)  # a head and ten tracks
    press(page, "Tracks", "ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("stars predicted on average;")
    hosts = {urlsplit(url).hostname for url in watched.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert any(
        url.startswith("ws:") for url in watched.asked
    )  # what Streamlit says went through these eyes too
    assert watched.complaints == []
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_moved_control_changes_the_list_within_a_second(watched: Watched) -> None:
    page = watched.page
    moves = {"Tracks": ("ArrowRight",) * 3, "Variety": ("End", "Home", "End")}
    times = {
        slider: min(seconds_until_changed(page, partial(press, page, slider, key)) for key in keys)
        for slider, keys in moves.items()
    }
    page.get_by_role("combobox", name="Genres").click()
    page.get_by_role("option", name="Folk").hover()
    times["Genres"] = seconds_until_changed(page, lambda: page.get_by_role("option", name="Folk").click())
    page.keyboard.press("Escape")
    genres = [text.split()[0] for text in page.locator("table.playlist tbody .name").all_inner_texts()]
    assert set(genres) == {"Folk"}
    print({name: round(value, 2) for name, value in times.items()})
    assert max(times.values()) < WITHIN


def test_ratings_change_taste_and_list_and_a_reload_loses_nothing(
    open_page: Callable[..., Page], address: str
) -> None:
    page = open_page(address)
    first, taste = songs(page), page.locator("table.taste").first.text_content()
    played = page.locator("table.playlist .small").first.inner_text()
    seconds_until_changed(page, lambda: page.get_by_role("button", name="Just played").click())
    assert played not in songs(page)
    assert page.locator("table.taste").first.text_content() == taste  # it only was played
    rated = page.locator("table.playlist .small").first.inner_text()
    seconds_until_changed(page, lambda: page.get_by_role("button", name="Rate it").click())
    assert rated not in songs(page)
    expect(page.get_by_text("Rated here: 1, just played: 1")).to_be_visible()
    expect(page.locator("table.taste").first).not_to_have_text(taste or "")  # it follows the list
    now = songs(page)
    assert now != first
    page.reload()
    expect(page.get_by_text("Rated here: 1, just played: 1")).to_be_visible()
    assert songs(page) == now
    assert songs(open_page(address)) == first  # another tab is another visit


def test_somebody_new_is_asked_and_gets_a_playlist(open_page: Callable[..., Page], address: str) -> None:
    page = open_page(address)
    page.get_by_text("I do", exact=True).click()
    expect(page.get_by_role("heading", name="What do you like?")).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_count(9)  # who listens, and eight questions
    page.get_by_role("button", name="Make my playlist").click()
    expect(page.get_by_text("Please give stars to 3 more tracks.")).to_be_visible()
    for question in (1, 2, 3):
        page.get_by_role("radiogroup").nth(question).get_by_text(
            "5" if question < 3 else "1", exact=True
        ).click()
    page.get_by_role("button", name="Make my playlist").click()
    expect(page.get_by_role("heading", name="Taste")).to_be_visible()
    assert page.locator("table.playlist tbody tr").count() == 10


def test_the_list_can_be_taken_away(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    names = [text.split(" · ")[1] for text in page.locator("table.playlist .small").all_inner_texts()]
    saved = {}
    for kind in ("CSV", "M3U"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Save as {kind}").click()
        saved[kind] = tmp_path / kind
        download.value.save_as(saved[kind])
    assert pd.read_csv(saved["CSV"])["trackId"].tolist() == names
    lines = saved["M3U"].read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[2::2] == names


def test_a_narrow_page_does_not_scroll_sideways_and_keeps_its_table(watched: Watched) -> None:
    page = watched.page
    tracks = page.locator("table.playlist tbody tr").count()
    page.set_viewport_size({"width": 400, "height": 800})
    widths = (
        "[...document.querySelectorAll('html, body, .stMain')].map(one => [one.scrollWidth, one.clientWidth])"
    )
    assert all(needed <= there for needed, there in page.evaluate(widths))
    table = page.get_by_role("table").first
    expect(table.get_by_role("row")).to_have_count(tracks + 1)
    expect(table.get_by_role("columnheader", name="Why it is here")).to_have_count(1)
    expect(table.get_by_role("rowheader")).to_have_count(tracks)


def test_filters_that_leave_nothing_say_which_to_loosen(open_page: Callable[..., Page], address: str) -> None:
    page = open_page(address)
    press(page, "Tempo, beats per minute — start", "End")
    expect(page.get_by_role("alert")).to_contain_text("tempo")
    press(page, "Tempo, beats per minute — start", "Home")
    expect(page.locator("table.playlist tbody tr")).to_have_count(10)


def test_local_sagemaker_may_stop_and_come_back(
    open_page: Callable[..., Page], state: Path, address: str
) -> None:
    page = open_page(address)
    service.stop(state)
    page.get_by_role("button", name="Rate it").click()
    expect(page.get_by_role("alert")).to_contain_text("Local SageMaker does not answer")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("table.playlist tbody tr")).to_have_count(10, timeout=30_000)
    expect(page.get_by_text("Rated here: 1, just played: 0")).to_be_visible()


def test_an_interrupt_ends_it_within_a_second(
    open_page: Callable[..., Page], state: Path, served: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = served  # nobody needs it any more: this is the last test
    open_page(address)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code = process.wait(10)
    took = time.monotonic() - began
    assert process.stdout
    said = process.stdout.read()
    assert code == 0
    assert took < 2  # 0.6 on a quiet machine
    assert "Traceback" not in said
    assert service.running(state) is not None  # which others may use
