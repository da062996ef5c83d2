"""How wide text is in the pictures' font, DejaVu Sans, and how to break it into lines."""

from __future__ import annotations

_plain = """
32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100
68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61
63 55 63 62 35 63 63 28 28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84
"""
_bold = """
35 46 52 84 70 100 87 31 46 46 52 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 58 100
77 76 73 83 68 68 82 84 37 37 77 64 100 84 85 73 85 77 72 68 81 77 110 77 72 73 46 37 46 84 50 50 67
72 59 72 68 44 72 71 34 34 67 34 104 71 69 72 72 49 60 48 71 65 92 65 65 58 71 37 71 84
"""
_widths = {bold: [int(width) for width in table.split()] for bold, table in ((False, _plain), (True, _bold))}


def width(text: str, size: float, bold: bool = False) -> float:
    """The width of a text in pixels at this font size; letters beyond ASCII count as wide ones."""
    table = _widths[bold]
    units = sum(table[ord(letter) - 32] if 32 <= ord(letter) < 127 else 100 for letter in text)
    return units * size / 100


def fitted(text: str, room: float, size: float, bold: bool = False) -> str:
    """The text, cut with an ellipsis when it is wider than the room."""
    if width(text, size, bold) <= room:
        return text
    while text and width(text + "...", size, bold) > room:
        text = text[:-1]
    return text.rstrip() + "..."


def wrapped(text: str, room: float, size: float, bold: bool = False, most: int = 2) -> list[str]:
    """The text in at most so many lines; long words are broken after / _ or anywhere, the rest is cut off."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most - 1 and width(rest, size, bold) > room:
        end = len(rest)
        while end > 1 and width(rest[:end].rstrip(), size, bold) > room:
            end -= 1
        cut = max(rest.rfind(" ", 0, end + 1) + 1, *(rest.rfind(mark, 0, end) + 1 for mark in "/_,"))
        cut = cut if cut > end // 3 else end
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, fitted(rest, room, size, bold)] if rest else lines
