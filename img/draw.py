"""Redraws the pictures of img/: the architecture, an analysis and a playlist out of the notebooks, the page.

Run by `make images`, with the notebooks refreshed first (`make notebooks`) when these should be new ones. The
page is taken from a browser after notebooks 1 to 4 were run here; without them its picture stays as it is.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"
BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8C8C8C", "#222222"


def box(
    axes: Axes, place: tuple[float, float], size: tuple[float, float], title: str, text: str, color: str
) -> None:
    """A box with its lower left corner at `place`: a bold title, and small text below it."""
    (x, y), (width, height) = place, size
    outline = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=1.2",
        facecolor="white",
        edgecolor=color,
        linewidth=2,
    )
    axes.add_patch(outline)
    middle = x + width / 2
    lines = text.count("\n") + 1 if text else 0
    axes.text(
        middle,
        y + height / 2 + lines * 1.25,
        title,
        ha="center",
        va="center",
        weight="bold",
        color=INK,
        size=11.5,
    )
    if text:
        axes.text(
            middle,
            y + height / 2 - 1.6,
            text,
            ha="center",
            va="center",
            color="#444444",
            size=9.5,
            linespacing=1.35,
        )


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str = GREY) -> None:
    """An arrow from `start` to `end`."""
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, color=color, linewidth=2))


def frame(axes: Axes, place: tuple[float, float], size: tuple[float, float], title: str, color: str) -> None:
    """A tinted area that holds boxes, with its title at the top."""
    (x, y), (width, height) = place, size
    area = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=1.5",
        facecolor=color + "14",
        edgecolor=color,
        linewidth=1.2,
    )
    axes.add_patch(area)
    axes.text(
        x + width / 2,
        y + height - 2.6,
        title,
        ha="center",
        va="center",
        weight="bold",
        color=color,
        size=12.5,
    )


def architecture(path: Path) -> None:
    """The notebooks, the two SDKs, and the two places that answer their calls."""
    figure, axes = plt.subplots(figsize=(12, 7.2), layout="constrained")
    axes.set(xlim=(0, 120), ylim=(0, 72))
    axes.set_axis_off()

    frame(axes, (1, 2), (29, 68), "the notebooks", BLUE)
    lessons = [
        ("1  Download data", "tracks and ratings, in pictures"),
        ("2  Data Wrangler flow", "from raw tables to features"),
        ("3  Autopilot", "a model that predicts stars"),
        ("4  Inference", "endpoint, batch, playlist"),
        ("99  Clean up", "nothing goes on costing"),
    ]
    for number, (title, text) in enumerate(lessons):
        bottom = 54 - number * 12.4
        box(axes, (3.5, bottom), (24, 9), title, text, BLUE)
        if number:
            arrow(axes, (15.5, bottom + 12.2), (15.5, bottom + 9.2), BLUE)

    box(axes, (36, 29.5), (21, 12), "boto3 and\nSageMaker SDK v3", "the same calls everywhere", INK)
    arrow(axes, (30.4, 35.5), (36.6, 35.5))

    frame(axes, (63, 38), (56, 32), "local SageMaker, on this machine", GREEN)
    local = [
        ((66, 53), "S3", "objects are plain files"),
        ((93, 53), "Processing job", "the flow, in Ibis on DuckDB"),
        ((66, 41), "Autopilot job", "trains AutoGluon"),
        ((93, 41), "Endpoint, batch", "serve the model"),
    ]
    for place, title, text in local:
        box(axes, place, (24, 9.5), title, text, GREEN)

    frame(axes, (63, 2), (56, 32), "Amazon SageMaker, on AWS", ORANGE)
    cloud = [
        ((66, 17), "Amazon S3", "buckets in your region"),
        ((93, 17), "Processing job", "Data Wrangler's container"),
        ((66, 5), "Autopilot job", "trains on its machines"),
        ((93, 5), "Endpoint, batch", "serve the model"),
    ]
    for place, title, text in cloud:
        box(axes, place, (24, 9.5), title, text, ORANGE)

    arrow(axes, (56.4, 39), (62.6, 50), GREEN)
    axes.text(55.5, 48, 'platform =\n"local"', ha="center", size=10, color=GREEN, family="DejaVu Sans Mono")
    arrow(axes, (56.4, 32), (62.6, 21), ORANGE)
    axes.text(
        53.5, 20.5, 'platform =\n"sagemaker"', ha="center", size=10, color=ORANGE, family="DejaVu Sans Mono"
    )
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def from_notebook(name: str, tag: str, path: Path) -> None:
    """The picture below the cell with this tag, as the notebook's last run drew it. Raises LookupError."""
    for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells:
        if tag in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    path.write_bytes(base64.b64decode(output.data["image/png"]))
                    return
    raise LookupError(f"{name} holds no picture with the tag {tag}: run `make notebooks` first.")


def playlist_page(path: Path) -> None:
    """The page of `workshop playlist` in Chromium, after a minute's use; says why when it cannot be taken."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print(f"There is no Chromium here: {path.name} stays as it is.", file=sys.stderr)
        return
    command = [str(Path(sys.executable).parent / "workshop"), "playlist"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout
        found = (re.search(r"page is at (http://\S+)", line) for line in served.stdout)
        address = next((match.group(1) for match in found if match), None)
        if address is None:
            print(f"The page does not open: {path.name} stays as it is.", file=sys.stderr)
            return
        try:
            shot = screenshot(browser, f"{address}/?variety=70")
        finally:
            served.send_signal(signal.SIGINT)
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(128).save(path, optimize=True)


def screenshot(browser: str, address: str) -> bytes:
    """What a window of 1280 pixels shows at this address once everything is there, as PNG."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=options)
        page = window.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        page.goto(address)
        page.get_by_role("heading", name="Taste").wait_for()
        page.locator("table.taste").nth(1).wait_for()
        page.get_by_role("slider", name="Tracks").wait_for()
        page.wait_for_function("!document.querySelector('.stSpinner, [data-testid=stSkeleton]')")
        page.wait_for_function("document.fonts.status === 'loaded'")
        height = page.evaluate("document.querySelector('.stMainBlockContainer').scrollHeight")
        page.set_viewport_size({"width": 1280, "height": int(height)})
        taken: bytes = page.screenshot()
        window.close()
    return taken


if __name__ == "__main__":
    architecture(HERE / "architecture.png")
    from_notebook("02_data_wrangler_flow.ipynb", "analysis-picture", HERE / "analysis.png")
    from_notebook("04_inference.ipynb", "playlist-picture", HERE / "playlist.png")
    playlist_page(HERE / "page.png")
