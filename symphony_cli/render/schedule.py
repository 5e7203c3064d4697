"""What starts ticks, as text: the files, what was done, what is left to do."""

from __future__ import annotations

import unicodedata

from symphony_cli.commands.schedule import ScheduleResult


def schedule_text(result: ScheduleResult) -> str:
    """The files when this was only a look, else what was done; and what to type next."""
    parts = list(map(_shown, result.done))
    if not parts:
        for text in result.texts:
            parts.append(f"# {_shown(text.path) or 'crontab -e'}\n{_shown(text.text)}")
    return "\n".join([*parts, *result.todo])


def _shown(text: str) -> str:
    """A text of several lines as it is, but for what could drive a terminal."""
    hidden = ("Cc", "Cf", "Cs")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in hidden)
