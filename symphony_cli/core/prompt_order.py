"""Whether a prompt begins with what never changes, so that a model's cache can hold it (row W5).

A provider caches the beginning of a prompt, up to the first byte that differs from an earlier one.
Whatever static text comes after that byte is paid for anew by each issue and each attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ENOUGH = 0.9
"""The share of a template's static text that all renderings should have in common."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a rendered prompt: where in its file it comes from, and whether it is static."""

    line: int
    text: str
    static: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Where renderings of one template begin to differ.

    `line` is 0 when they never do. Sizes are in bytes: what the renderings share, and of the
    template's static text that which lies within, and all of it.
    """

    line: int
    shared: int
    held: int
    static: int

    @property
    def share(self) -> float:
        """How much of the static text all renderings share, 0 to 1."""
        return self.held / self.static if self.static else 1.0

    @property
    def after(self) -> int:
        """Bytes of static text that come after the first difference."""
        return self.static - self.held


def order(renderings: Sequence[Sequence[Piece]], static: int) -> Order:
    """How the first rendering compares with the others; the one that differs soonest counts.

    `static` is the size of the template's static text in bytes.
    """
    first, *others = renderings
    whole = _text(first)
    shared = min((_common(whole, _text(other)) for other in others), default=len(whole))
    same = all(_text(other) == whole for other in others)
    # One that ends here has no say: what the others go on with is what differs.
    on = [pieces for pieces in renderings if len(_text(pieces)) > shared]
    line = 0 if same else min(_line_at(pieces, shared) for pieces in on)
    held = static if same else min(static, _static_before(first, shared))
    return Order(line, len(whole[:shared].encode()), held, static)


def _text(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _line_at(pieces: Sequence[Piece], at: int) -> int:
    """The line that the character at this place comes from."""
    end, line = 0, 1
    for piece in pieces:
        line = piece.line + piece.text[: max(0, at - end)].count("\n") * piece.static
        end += len(piece.text)
        if end > at:
            break
    return line


def _static_before(pieces: Iterable[Piece], at: int) -> int:
    """Bytes of static text among the first `at` characters."""
    end, held = 0, 0
    for piece in pieces:
        if piece.static:
            held += len(piece.text[: max(0, at - end)].encode())
        end += len(piece.text)
    return held
