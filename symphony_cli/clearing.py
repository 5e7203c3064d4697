"""What stands around `symphony gc`: the lock for moments, the waiting, and how it is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from symphony_cli import clock, wiring_world
from symphony_cli.commands.gc import GcResult, gc
from symphony_cli.commands.removing import Hands
from symphony_cli.ports import World
from symphony_cli.render.text import clip
from symphony_cli.wiring_config import Place

_WIPE = "\r\033[K"
"""To the beginning of the line, and nothing right of it."""


def clear(place: Place, wait: float, *, dry_run: bool, sessions: bool) -> GcResult:
    """List what takes disk, and remove what goes unless this is a dry run; `wait` is how many
    seconds each moment under the lock may be waited for.

    Raises:
        LockHeld: another process holds it for longer.
        SymphonyError: `state/` cannot be read or written.
    """
    if not dry_run:
        wiring_world.refuse_inside_agent(place.environ)
    opened = wiring_world.reading(place)
    if opened.world.policy_error:
        _say(f"symphony: warning: {opened.world.policy_error}")
    holdings = wiring_world.holdings(place, opened, _measuring())
    hands = Hands(partial(_held, place, wait), _say, clock.sleep)
    try:
        return gc(opened.world, holdings, None if dry_run else hands, sessions=sessions)
    finally:
        if sys.stderr.isatty():
            print(_WIPE, end="", file=sys.stderr, flush=True)


@contextmanager
def _held(place: Place, wait: float) -> Iterator[World]:
    said: Callable[[str], None] = lambda sentence: _say(f"waiting: {sentence}")  # noqa: E731
    with wiring_world.writing(place, wait=wait, on_wait=said) as opened:
        yield opened.world


def _say(sentence: str) -> None:
    """On a terminal it takes the place of what is being measured."""
    wipe = _WIPE if sys.stderr.isatty() else ""
    print(f"{wipe}{clip(sentence, 1000)}", file=sys.stderr, flush=True)


def _measuring() -> Callable[[str], None]:
    """Tells on a terminal what is being measured, in one line that is written over."""
    if not sys.stderr.isatty():
        return lambda path: None

    def tell(path: str) -> None:
        print(f"{_WIPE}measuring {clip(path, 60)}", end="", file=sys.stderr, flush=True)

    return tell
