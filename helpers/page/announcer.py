"""Tells screen readers what has changed.

A live region must stay in the page while its words change. Streamlit's own elements are put there anew each
time, which many screen readers do not read out; a component is kept.
"""

from __future__ import annotations

import streamlit as st

_SCRIPT = """
export default function ({ data, parentElement }) {
  const region = parentElement.querySelector("[role=status]");
  if (region && region.textContent !== data) region.textContent = data;
}
"""
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"

_component = st.components.v2.component(
    "workshop.announcer",
    html=f'<div role="status" aria-live="polite" style="{_UNSEEN}"></div>',
    js=_SCRIPT,
)


def announce(words: str) -> None:
    """Have `words` read out when they differ from the last ones. Nothing is seen of it."""
    _component(data=words, key="announcer", height=1)
