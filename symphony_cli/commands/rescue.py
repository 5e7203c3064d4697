"""`symphony rescue`: what was kept of agents' work, what is in it, and how to get it back.

Reads only, takes no lock: it looks into the stores of every workspace root that an issue ever had.
Bringing a rescue back writes into the folder or the repository that a person names, and nowhere
else.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core.history import History
from symphony_cli.core.issue import norm
from symphony_cli.core.record import Record
from symphony_cli.core.rescues import Contents, Rescue, Shelf
from symphony_cli.errors import ExitCode, UsageError, WorkspaceError
from symphony_cli.ports import Rescues, World


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person typed; empty means: not said. Paths are absolute."""

    issue: str = ""
    number: int | None = None
    to: str = ""
    branch: str = ""
    repo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueRow:
    """A rescue in the list."""

    issue_identifier: str
    """The key, where the ledger knows no issue of it."""
    known: bool
    """Whether the ledger knows the issue."""
    key: str
    number: int
    at: datetime
    branch: str
    head: str
    unpushed: int | None
    changed: int | None
    ref: str
    commit: str
    store: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RescuesResult:
    """All rescues of the workflow."""

    rescues: tuple[RescueRow, ...]
    others: int
    """Rescues of other projects in the same stores; not shown."""
    faults: tuple[str, ...]
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueResult:
    """One rescue, whole."""

    rescue: RescueRow
    rescues: tuple[RescueRow, ...]
    """All of its issue."""
    contents: Contents
    restore: tuple[str, ...]
    """Commands that bring it back: into a folder, into a branch, by git alone."""
    faults: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredResult:
    """Where a rescue was brought to: `into`, or `made_branch` in `repo`."""

    rescue: RescueRow
    contents: Contents
    into: str = ""
    made_branch: str = ""
    repo: str = ""
    exit_code: ExitCode = ExitCode.DONE


def rescue(
    world: World, rescues: Rescues, wanted: Wanted, home: str
) -> RescuesResult | RescueResult | RestoredResult:
    """List the rescues, show one, or bring one back; `home` is the folder of WORKFLOW.md.

    Raises:
        UsageError: the request makes no sense: no such issue, rescue or number, or its target is
            not free.
        WorkspaceError: the rescue is damaged, or nothing of the store can be read.
    """
    _refuse_nonsense(wanted)
    history = world.ledger.history()
    shelf = rescues.look(_roots(world, history))
    if not wanted.issue:
        return _listed(world, history, shelf)
    found = _of_issue(wanted.issue, world, history, shelf)
    chosen = _numbered(found, wanted)
    row, contents = _row(chosen, history), rescues.contents(chosen)
    if wanted.to:
        rescues.restore(chosen, wanted.to)
        return RestoredResult(rescue=row, contents=contents, into=wanted.to)
    if wanted.branch:
        repo = wanted.repo or home
        rescues.make_branch(chosen, wanted.branch, repo)
        return RestoredResult(rescue=row, contents=contents, made_branch=wanted.branch, repo=repo)
    return RescueResult(
        rescue=row,
        rescues=tuple(_row(one, history) for one in found),
        contents=contents,
        restore=_commands(row),
        faults=shelf.faults,
    )


def _refuse_nonsense(wanted: Wanted) -> None:
    if wanted.to and wanted.branch:
        raise UsageError("Choose one of --to and --branch.")
    if wanted.repo and not wanted.branch:
        raise UsageError("--repo says where --branch makes its branch: name one with --branch.")
    if not wanted.issue and (wanted.to or wanted.branch or wanted.number is not None):
        raise UsageError("Name the issue whose rescue you mean; `symphony rescue` lists them.")


def _roots(world: World, history: History) -> Sequence[str]:
    records = (*history.records.values(), *history.finished.values())
    roots = (record.root for record in records if record.root)
    return tuple(dict.fromkeys((world.settings.workspace.root, *roots)))


def _listed(world: World, history: History, shelf: Shelf) -> RescuesResult:
    ours = [one for one in shelf.rescues if _is_ours(one, world)]
    return RescuesResult(
        rescues=tuple(_row(one, history) for one in ours),
        others=len(shelf.rescues) - len(ours),
        faults=shelf.faults,
        exit_code=ExitCode.PARTIAL if shelf.faults else ExitCode.DONE,
    )


def _is_ours(one: Rescue, world: World) -> bool:
    return one.scope in ("", world.tracker.scope)


def _of_issue(name: str, world: World, history: History, shelf: Shelf) -> list[Rescue]:
    """The rescues of an issue, the newest last; those of another project where we have none."""
    record = history.named(name)
    key = norm(record.key if record is not None else name)
    found = [one for one in shelf.rescues if norm(one.key) == key]
    found = [one for one in found if _is_ours(one, world)] or found
    if found:
        return found
    if shelf.faults:
        raise WorkspaceError(shelf.faults[0])
    raise UsageError(_none_of(name, record))


def _none_of(name: str, record: Record | None) -> str:
    if record is None:
        return (
            f"There is no issue {name!r} and no rescue of one: `symphony rescue` lists what there"
            " is."
        )
    name, git = record.issue.identifier, record.last.git if record.last else None
    if git is not None and git.kept_because:
        return (
            f"{name} has no rescue: its work is in {record.workspace} only, because"
            f" {git.kept_because.rstrip('.')}; save it from there."
        )
    where = f"; its workspace is {record.workspace}" if record.workspace else ""
    return f"{name} has no rescue: no run of it ended with work that was not pushed{where}."


def _numbered(found: Sequence[Rescue], wanted: Wanted) -> Rescue:
    if wanted.number is None:
        return found[-1]
    of_number = [one for one in found if one.number == wanted.number]
    if of_number:
        return of_number[-1]
    known = ", ".join(str(one.number) for one in found)
    raise UsageError(f"{wanted.issue} has no rescue {wanted.number}: choose one of {known}.")


def _row(one: Rescue, history: History) -> RescueRow:
    record = history.named(one.key)
    return RescueRow(
        issue_identifier=record.issue.identifier if record is not None else one.key,
        known=record is not None,
        key=one.key,
        number=one.number,
        at=one.at,
        branch=one.branch,
        head=one.head,
        unpushed=one.unpushed,
        changed=one.changed,
        ref=one.ref,
        commit=one.commit,
        store=one.store,
        scope=one.scope,
    )


def _commands(row: RescueRow) -> tuple[str, ...]:
    name = row.ref.removeprefix("refs/symphony/rescue/")
    this = ("symphony", "rescue", row.key, "--number", str(row.number))
    into = f"rescue-{name.replace('/', '-')}"
    return (
        shlex.join((*this, "--to", into)),
        shlex.join((*this, "--branch", f"rescue/{name}")),
        shlex.join(("git", "fetch", row.store, row.ref)),
    )
