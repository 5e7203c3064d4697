"""A disk in memory: pieces by their path, and what nobody can remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symphony_cli.core.holdings import Found, Inventory, Kind, Wanted
from symphony_cli.core.removal import Tidying


@dataclass
class FakeHoldings:
    """`ports.Holdings` whose disk is a dictionary."""

    pieces: dict[str, Found] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    """Why a piece cannot be removed, by its path."""
    faults: tuple[str, ...] = ()
    tidied: list[Tidying] = field(default_factory=list)

    def put(self, *pieces: Found) -> None:
        """Somebody leaves something there."""
        self.pieces.update({f"{piece.kind}:{piece.path}": piece for piece in pieces})

    def drop(self, path: str) -> None:
        """Somebody takes it away."""
        self.pieces = {name: one for name, one in self.pieces.items() if one.path != path}

    def look(self, wanted: Wanted) -> Inventory:
        found = [one for one in self.pieces.values() if _is_wanted(one, wanted)]
        return Inventory(tuple(found), self.faults)

    def is_there(self, found: Found) -> bool:
        return f"{found.kind}:{found.path}" in self.pieces

    def remove(self, found: Found) -> str:
        if self.is_there(found) and self.pieces[f"{found.kind}:{found.path}"].busy:
            return "a Codex has it open"
        if found.path in self.stuck:
            return self.stuck[found.path]
        self.drop(found.path)
        return ""

    def tidy(self, what: Tidying) -> Sequence[str]:
        self.tidied.append(what)
        troubles = []
        for name, one in tuple(self.pieces.items()):
            if one.path in self.stuck and _goes(one, what):
                troubles.append(self.stuck[one.path])
            elif _goes(one, what):
                del self.pieces[name]
        return troubles


def _is_wanted(one: Found, wanted: Wanted) -> bool:
    match one.kind:
        case Kind.TRANSCRIPTS:
            return one.key in wanted.transcripts
        case Kind.RUNS:
            return one.key in wanted.runs
        case Kind.SESSION:
            return one.key in wanted.threads and one.place in wanted.homes
        case _:
            return one.place in wanted.roots


def _goes(one: Found, what: Tidying) -> bool:
    match one.kind:
        case Kind.TRASH:
            return one.place in what.roots
        case Kind.TRANSCRIPTS:
            return one.key in what.transcripts
        case Kind.RUNS:
            return one.key in what.folders
        case _:
            return False
