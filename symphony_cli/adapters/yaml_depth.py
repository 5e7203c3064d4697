"""When the fast YAML loader may be trusted with a text."""

from __future__ import annotations

import re

_OPENERS = re.compile(r"[\[{]|-(?=\s)|[?:](?=\s)")
_MOST_OPENERS = 400
_LARGEST = 32768


def is_shallow(text: str) -> bool:
    """Whether a text cannot nest deeply enough to overrun libyaml's C stack.

    libyaml is ten times as fast as the Python loader, and crashes the process on thousands of
    nested brackets (measured with PyYAML 6.0.3), where the Python one raises RecursionError.
    """
    return len(text) < _LARGEST and len(_OPENERS.findall(text)) < _MOST_OPENERS
