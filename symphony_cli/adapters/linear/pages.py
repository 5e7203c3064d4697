"""Answers checked, and connections read to their last page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from symphony_cli.core.shape import Json, Malformed, decode
from symphony_cli.errors import TrackerError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Whether there is more, and from where on."""

    hasNextPage: bool
    endCursor: str | None = None


def parsed(kind: type[T], data: Json, *path: str) -> T:
    """What an answer has at a path of members, checked.

    Raises:
        TrackerError: it does not have the shape that the schema promises.
    """
    try:
        for name in path:
            members = decode(dict[str, Json], data)
            if name not in members:
                raise Malformed(f"{name} is missing")
            data = members[name]
        return decode(kind, data)
    except Malformed as error:
        raise TrackerError(
            f"Linear's answer cannot be understood ({': '.join(path)}: {error}): if this stays, "
            "look for a newer Symphony."
        ) from error


def further(
    info: PageInfo,
    fetch: Callable[[str], tuple[tuple[T, ...], PageInfo]],
    what: str,
    most: int | None = None,
) -> list[T]:
    """The rows of all pages after one, fetched from cursor to cursor; with `most`, no page more
    once there are so many.

    Raises:
        TrackerError: a page says that there is more and not where.
    """
    rows: list[T] = []
    seen: set[str] = set()
    while info.hasNextPage and (most is None or len(rows) < most):
        if info.endCursor is None or info.endCursor in seen:
            raise TrackerError(
                f"Linear says that there are more {what} and not where they begin: nothing was "
                "concluded, the next tick asks again."
            )
        seen.add(info.endCursor)
        more, info = fetch(info.endCursor)
        rows.extend(more)
    return rows
