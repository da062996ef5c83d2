"""Shows how a run of the notebooks is doing: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Reporter:
    """Tells the notebooks and their cells as they go: `with Reporter(notebooks=5) as reporter: run(...,
    reporter)`.
    """

    def __init__(self, notebooks: int, console: Console | None = None) -> None:
        self.console = console or Console()
        self.notebooks, self.position = notebooks, 0
        self.name, self.cells, self.section = "", 0, ""
        self.live: Progress | None = None
        self.bar: TaskID | None = None
        self.started = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live = Progress(
                TextColumn("{task.fields[place]}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=self.console,
                transient=True,
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def notebook_started(self, name: str, cells: int) -> None:
        """A notebook with this many code cells begins."""
        self.position += 1
        self.name, self.cells, self.section = name, cells, ""
        place = f"[bold]{self.position}/{self.notebooks} {name}[/bold]"
        if self.live is not None:
            self.bar = self.live.add_task("starting", total=cells, place=place)
        else:
            self.console.print(f"{self.position}/{self.notebooks} {name}: {cells} cells", highlight=False)

    def cell_started(self, number: int, section: str) -> None:
        """Code cell `number` (from 1) begins, under the heading `section`."""
        if self.live is not None and self.bar is not None:
            self.live.update(self.bar, completed=number - 1, description=section)
        elif section != self.section:
            seconds = time.monotonic() - self.started
            line = f"  [{number:>2}/{self.cells}] {section} ({seconds:.0f} s)"
            self.console.print(line, highlight=False, markup=False)
        self.section = section

    def notebook_finished(self, name: str, seconds: float) -> None:
        """The notebook ran to its end."""
        if self.live is not None and self.bar is not None:
            self.live.remove_task(self.bar)
        mark = "[green]✔[/green]" if self.console.is_terminal else "✔"
        self.console.print(f"{mark} {name} ({seconds:.0f} s)", highlight=False)
