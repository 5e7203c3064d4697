"""`symphony gc`: all that lies on disk because of this workflow, and what of it goes; then it goes.

The list is made without any lock. What goes is judged again, under locks, before it goes: a
workspace by the errand that a tick would start for it, everything else by whoever removes it here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from symphony_cli.commands.removing import Hands, Removals
from symphony_cli.core.holdings import Found, Judgement, Kind, books, judge, wanted
from symphony_cli.core.record import Record
from symphony_cli.core.removal import Tidying
from symphony_cli.errors import ExitCode, RunLocked
from symphony_cli.ids import IssueId
from symphony_cli.ports import Claim, Holdings, World

GOES, GONE, STAYS = "goes", "gone", "stays"

_UNDER_CLAIM = (Kind.LEFTOVER, Kind.SESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class GcRow:
    """One piece: `name` lies in `place`, `path` is both."""

    kind: str
    issue_identifier: str
    """Empty for what is of no issue that we know."""
    place: str
    name: str
    path: str
    bytes: int
    unread: int
    """Entries in it that could not be read: it takes at least `bytes`."""
    due: bool
    """Whether it should go."""
    fate: str
    """`goes` (it would), `gone`, or `stays`."""
    why: str


@dataclass(frozen=True, slots=True)
class Sum:
    """So many pieces, and the disk that they take."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GcResult:
    """What there is, and what becomes of it."""

    dry_run: bool
    rows: tuple[GcRow, ...]
    goes: Sum
    gone: Sum
    stays: Sum
    faults: tuple[str, ...]
    note: str
    """Why nothing was removed at all."""
    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class Piece:
    """What was found, and what was judged of it."""

    found: Found
    judged: Judgement


def gc(
    world: World, holdings: Holdings, hands: Hands | None, *, sessions: bool = False
) -> GcResult:
    """List what there is; with `hands`, remove what goes.

    Args:
        world: as anybody may read it.
        hands: None for a dry run.
        sessions: threads of issues that are over for long go, too.

    Raises:
        LockHeld: another process holds `state/lock` for too long; what was begun goes on.
        LedgerError, StateError: nothing can be written down any more.
    """
    history, now = world.ledger.history(), world.clock()
    by = books(history, world.policy, now, sessions=sessions)
    seen = holdings.look(wanted(history, world.policy, world.settings.workspace.root, now))
    pieces = [Piece(found, judge(found, by)) for found in seen.found]
    if hands is None:
        code = ExitCode.PARTIAL if seen.faults else ExitCode.DONE
        return _result([_row(piece, GOES) for piece in pieces], seen.faults, code, dry_run=True)
    clearing = _Clearing(holdings, hands, pieces, sessions, Removals(hands, by.goes))
    clearing.run()
    return _after(clearing, seen.faults)


@dataclass(slots=True)
class _Clearing:
    """One removal of everything that goes, while it is at it."""

    holdings: Holdings
    hands: Hands
    pieces: list[Piece]
    sessions: bool

    workspaces: Removals
    stays: dict[str, str] = field(default_factory=dict)
    """Why a piece is still there, by its path."""
    troubles: list[str] = field(default_factory=list)

    def run(self) -> None:
        self.workspaces.run()
        if self.workspaces.fault:
            return
        for pieces in self._by_issue():
            self._remove(pieces)
        with self.hands.hold() as world:
            history, now = world.ledger.history(), world.clock()
            old = wanted(history, world.policy, world.settings.workspace.root, now)
            if world.policy_error:
                self.troubles.append(world.policy_error)
                return
        what = Tidying(now, old.roots, old.transcripts, old.runs)
        self.troubles += self.holdings.tidy(what)

    def _by_issue(self) -> Collection[list[Found]]:
        """What goes under the claim of its issue, together for each."""
        groups: dict[IssueId, list[Found]] = {}
        for piece in self.pieces:
            record = piece.judged.record
            if piece.judged.goes and piece.found.kind in _UNDER_CLAIM and record is not None:
                groups.setdefault(record.id, []).append(piece.found)
        return groups.values()

    def _remove(self, pieces: Iterable[Found]) -> None:
        """Remove pieces of one issue while no run of it can begin."""
        with self.hands.hold() as world:
            history, now = world.ledger.history(), world.clock()
            by = books(history, world.policy, now, sessions=self.sessions)
            again = [Piece(found, judge(found, by)) for found in pieces]
            going = [one for one in again if one.judged.goes and not world.policy_error]
            for one in again:
                self.stays[one.found.path] = world.policy_error or one.judged.why
            claim = _claim(world, going[0].judged.record) if going else ""
        if isinstance(claim, str):
            self.stays.update({one.found.path: claim for one in going})
            return
        try:
            for one in going:
                self.stays[one.found.path] = self.holdings.remove(one.found)
        finally:
            claim.drop()


def _claim(world: World, record: Record | None) -> Claim | str:
    """The claim of an issue, or why there is none."""
    if record is None:
        return "its issue is not known any more"
    try:
        return world.agents.claim(record.id, record.key)
    except RunLocked as error:
        return str(error)


def _after(clearing: _Clearing, faults: Iterable[str]) -> GcResult:
    """What is there now of what was there before; only what is not there is gone."""
    workspaces = clearing.workspaces
    if workspaces.fault:
        rows = [_row(piece, STAYS) for piece in clearing.pieces]
        note = "WORKFLOW.md says what goes, and cannot be used now: nothing was removed."
        return _result(rows, (workspaces.fault, *faults), ExitCode.CONFIG, note=note)
    rows = [_became(piece, clearing) for piece in clearing.pieces]
    faults = (*faults, *clearing.troubles, *_unlisted(workspaces, clearing.pieces))
    done = not faults and not any(row.due and row.fate == STAYS for row in rows)
    return _result(rows, faults, ExitCode.DONE if done else ExitCode.PARTIAL)


def _became(piece: Piece, clearing: _Clearing) -> GcRow:
    found, judged = piece.found, piece.judged
    record = judged.record if found.kind is Kind.FOLDER else None
    if not judged.goes:
        return _row(piece, STAYS)
    if clearing.holdings.is_there(found):
        by_errand = clearing.workspaces.stays.get(record.id, "") if record is not None else ""
        why = by_errand or clearing.stays.get(found.path) or _trouble(found, clearing.troubles)
        return replace(_row(piece, STAYS), why=why)
    kept = clearing.workspaces.gone.get(record.id, "") if record is not None else ""
    return replace(_row(piece, GONE), why="; ".join(filter(None, (judged.why, kept))))


def _trouble(found: Found, troubles: Iterable[str]) -> str:
    named = (sentence for sentence in troubles if found.path in sentence)
    return next(named, "it could not be removed now")


def _unlisted(workspaces: Removals, pieces: Iterable[Piece]) -> list[str]:
    """Workspaces that should go and are in no list, for nothing was found where they should be."""
    folders = (piece.judged.record for piece in pieces if piece.found.kind is Kind.FOLDER)
    listed = {record.id for record in folders if record is not None}
    return [
        f"The workspace of {workspaces.names[issue]} stays: {why.rstrip('.')}."
        for issue, why in workspaces.stays.items()
        if issue not in listed
    ]


def _row(piece: Piece, fate_of_due: str) -> GcRow:
    found, judged = piece.found, piece.judged
    return GcRow(
        kind=found.kind.value,
        issue_identifier=judged.record.issue.identifier if judged.record is not None else "",
        place=_readable(found.place),
        name=_readable(found.name),
        path=_readable(found.path),
        bytes=found.bytes,
        unread=found.unread,
        due=judged.goes,
        fate=fate_of_due if judged.goes else STAYS,
        why=_readable(judged.why),
    )


def _readable(text: str) -> str:
    """A name of a file may have bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _result(
    rows: Iterable[GcRow],
    faults: Iterable[str],
    code: ExitCode,
    *,
    dry_run: bool = False,
    note: str = "",
) -> GcResult:
    rows = tuple(rows)
    return GcResult(
        dry_run=dry_run,
        rows=rows,
        goes=_sum(rows, GOES),
        gone=_sum(rows, GONE),
        stays=_sum(rows, STAYS),
        faults=tuple(map(_readable, faults)),
        note=note,
        exit_code=code,
    )


def _sum(rows: Iterable[GcRow], fate: str) -> Sum:
    sizes = [row.bytes for row in rows if row.fate == fate]
    return Sum(len(sizes), sum(sizes))
