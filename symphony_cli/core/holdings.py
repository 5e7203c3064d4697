"""What lies on disk because of a workflow, and whether each piece of it goes, and why (row G5).

`wanted` says what to look for, `judge` what becomes of what was found. Whatever is not known for
sure to be ours stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import Record
from symphony_cli.core.retention import (
    TRANSCRIPT_DAYS,
    due,
    everybody,
    fate,
    old,
    over_days,
    over_since,
)
from symphony_cli.ids import IssueId, Key


class Kind(StrEnum):
    """What a piece is."""

    FOLDER = "folder"
    """Of a workspace root: a workspace, or somebody else's."""
    LINK = "link"
    FILE = "file"
    ROOT = "root"
    """A folder of a workspace root that is a workspace root itself."""
    TRASH = "trash"
    LEFTOVER = "leftover"
    """What a killed run left where we clone and rescue."""
    STORE = "store"
    """The rescue store."""
    TRANSCRIPTS = "transcripts"
    RUNS = "runs"
    """All run folders of an issue."""
    SESSION = "session"
    """The file in which Codex keeps a thread."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to look, and for what."""

    roots: tuple[str, ...] = ()
    """Where workspaces are made now, and where those of issues in the ledger were made."""
    transcripts: tuple[Key, ...] = ()
    runs: tuple[Key, ...] = ()
    threads: frozenset[str] = frozenset()
    homes: tuple[str, ...] = ()
    """Where Codex keeps them; "" is the home that agents have where nothing else is on record."""


@dataclass(frozen=True, slots=True)
class Found:
    """A piece: `name` is where it lies below `place`, `path` both."""

    kind: Kind
    place: str
    name: str
    path: str
    bytes: int = 0
    unread: int = 0
    """Entries in it that could not be read: it takes at least `bytes`."""
    key: str = ""
    """The key that it is named after, or the id of a thread."""
    marked: bool = False
    """A marker of ours names it."""
    stranger: str = ""
    """The other project that the marker is of."""
    busy: bool = False
    """Somebody has the thread open."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was found, and what could not be looked at, in sentences."""

    found: tuple[Found, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a piece goes, and why or why not."""

    goes: bool
    why: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """What a judgement goes by."""

    policy: Policy
    now: datetime
    sessions: bool
    """A person wants the threads of issues gone that are over for long."""
    goes: dict[IssueId, str]
    """As `retention.due` has it."""
    by_path: dict[str, Record] = field(default_factory=dict)
    by_key: dict[str, Record] = field(default_factory=dict)
    by_thread: dict[str, Record] = field(default_factory=dict)


def wanted(history: History, policy: Policy, root: str, now: datetime) -> Wanted:
    """What may be there of the issues in the ledger; `root` is that of WORKFLOW.md now."""
    tidy = old(history, policy, now)
    over = [record for record in everybody(history) if over_since(record) is not None]
    threads = {thread for record in over for thread in threads_of(record)}
    homes = {home for record in everybody(history) for home in _homes(record)}
    above = {record.workspace.rpartition("/")[0] for record in everybody(history)} - {""}
    return Wanted(
        roots=tuple(dict.fromkeys((root, *tidy.roots, *sorted(above)))),
        transcripts=tidy.transcripts,
        runs=tidy.folders,
        threads=frozenset(threads),
        homes=tuple(sorted(homes)),
    )


def threads_of(record: Record) -> frozenset[str]:
    """The ids of all threads that an issue ever had, those of sub-agents too."""
    refs = (record.thread, record.aside.thread if record.aside is not None else None)
    return frozenset([*record.totals, *(ref.id for ref in refs if ref is not None)])


def _homes(record: Record) -> list[str]:
    refs = (record.thread, record.aside.thread if record.aside is not None else None)
    return [ref.home for ref in refs if ref is not None]


def books(history: History, policy: Policy, now: datetime, *, sessions: bool) -> Books:
    """What judgements go by, from all that is known."""
    made = Books(policy, now, sessions, due(history, policy))
    for record in everybody(history):
        made.by_key[record.key.lower()] = record
        if record.workspace:
            made.by_path[record.workspace] = record
        if over_since(record) is not None:
            made.by_thread.update(dict.fromkeys(threads_of(record), record))
    return made


def judge(found: Found, by: Books) -> Judgement:
    """Whether a piece goes, and why or why not, for people."""
    match found.kind:
        case Kind.FOLDER:
            return _folder(found, by)
        case Kind.LEFTOVER:
            return _leftover(found, by)
        case Kind.SESSION:
            return _session(found, by)
        case Kind.TRANSCRIPTS | Kind.RUNS:
            return _old(found, by)
        case Kind.TRASH:
            return Judgement(True, "it was removed before, and is still to be deleted")
        case Kind.LINK:
            why = "a link, which is never followed"
            return Judgement(False, why, by.by_path.get(found.path))
        case Kind.STORE:
            return Judgement(False, "work that was not pushed (`symphony rescue`)")
        case Kind.ROOT:
            return Judgement(False, "a workspace root itself, listed apart")
        case Kind.FILE:
            return Judgement(False, "not made by Symphony")


def _folder(found: Found, by: Books) -> Judgement:
    if found.stranger:
        return Judgement(False, f"of another project: {found.stranger}")
    record = by.by_path.get(found.path)
    if record is not None:
        return _workspace(record, by)
    known = by.by_key.get(found.key.lower()) if found.marked else None
    if known is not None and known.workspace:
        name = known.issue.identifier
        return Judgement(False, f"{name} is worked in {known.workspace} now", known)
    if known is not None:
        return _workspace(known, by)
    if any(path.startswith(f"{found.path}/") for path in by.by_path):
        return Judgement(False, "workspaces lie in it")
    if found.marked:
        return Judgement(False, "made for an issue that the ledger does not know")
    return Judgement(False, "not made by Symphony")


def _workspace(record: Record, by: Books) -> Judgement:
    """A person asks now: that it had to stay before is a note, and no reason to wait."""
    if over_since(record) is not None and record.removal is None and not record.has_workspace:
        name = record.issue.identifier
        return Judgement(False, f"no run of {name} said that it worked here", record)
    if record.id in by.goes and record.removal is None:
        why, stay = by.goes[record.id], record.stay
        before = f"; last time it stayed: {stay.why}" if stay is not None else ""
        return Judgement(True, f"{why}{before}", record)
    return Judgement(*fate(record, by.goes, by.policy), record)


def _leftover(found: Found, by: Books) -> Judgement:
    if found.stranger:
        return Judgement(False, f"of another project: {found.stranger}")
    record = by.by_key.get(found.key.lower())
    if record is None:
        return Judgement(False, "of an issue that the ledger does not know")
    if record.running is not None or record.removal is not None:
        return Judgement(False, f"{record.issue.identifier} may be using it", record)
    return Judgement(True, "left by a run that was killed", record)


def _old(found: Found, by: Books) -> Judgement:
    record = by.by_key.get(found.key.lower())
    name = "it" if record is None else record.issue.identifier
    if found.kind is Kind.TRANSCRIPTS:
        why = f"{name} is over for more than {TRANSCRIPT_DAYS} days"
    else:
        why = f"{name} is over for more than {by.policy.keep_run_days} days (`state.keep_days`)"
    return Judgement(True, why, record)


def _session(found: Found, by: Books) -> Judgement:
    """A thread has no copy, and a reopened issue would go on with it: it stays as long as the run
    folders, and then until a person says so."""
    record = by.by_thread.get(found.key)
    if record is None:
        return Judgement(False, "of an issue that is not finished")
    days, keep = over_days(record, by.now) or 0.0, by.policy.keep_run_days
    if days <= keep:
        name = record.issue.identifier
        why = f"{name} is over for {days:.0f} days, not for {keep} (`state.keep_days`)"
        return Judgement(False, why, record)
    if found.busy:
        return Judgement(False, "a Codex has it open", record)
    if not by.sessions:
        return Judgement(False, "`symphony gc --sessions` removes it", record)
    return Judgement(True, f"{record.issue.identifier} is over for more than {keep} days", record)
