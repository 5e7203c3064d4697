"""Rescues as text: the list, one of them, and where one was brought to."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import tabulate as tables

from symphony_cli.commands.rescue import RescueResult, RescueRow, RescuesResult, RestoredResult
from symphony_cli.core.rescues import Contents
from symphony_cli.render.text import WIDTH, clip, plain

_HEADS = ("ISSUE", "N", "WHEN (UTC)", "BRANCH", "HEAD", "COMMITS", "FILES")


def as_text(result: RescuesResult | RescueResult | RestoredResult) -> str:
    """Any of the results of `symphony rescue`."""
    match result:
        case RescuesResult():
            return rescues_text(result)
        case RescueResult():
            return rescue_text(result)
        case RestoredResult():
            return restored_text(result)


def rescues_text(result: RescuesResult) -> str:
    """A table for each store; a rescue's ref is made of its key and its number."""
    parts = []
    for store in dict.fromkeys(row.store for row in result.rescues):
        rows = [row for row in result.rescues if row.store == store]
        parts.append(f"Kept in {plain(store)} as refs/symphony/rescue/KEY/N\n{_table(rows)}")
    if not result.rescues:
        parts.append("No rescue: no run ended with work that was not pushed.")
    else:
        parts.append("`symphony rescue ISSUE` shows what is in one and how to get it back.")
    if result.others:
        parts.append(f"Rescues of other projects in the same place: {result.others}.")
    return "\n\n".join([*parts, *_faults(result.faults)])


def _table(rows: Sequence[RescueRow]) -> str:
    body = [
        (
            _name(row),
            row.number,
            f"{row.at:%Y-%m-%d %H:%M}",
            clip(row.branch or "(detached)", 18) if row.head else "(no commit)",
            row.head[:8] or "-",
            "-" if row.unpushed is None else row.unpushed,
            "-" if row.changed is None else row.changed,
        )
        for row in rows
    ]
    text: str = tables.tabulate(body, headers=_HEADS, tablefmt="plain", disable_numparse=True)
    return text


def _name(row: RescueRow) -> str:
    if row.issue_identifier == row.key:
        return clip(row.key, 18)
    return clip(f"{row.issue_identifier} ({row.key})", 24)


def rescue_text(result: RescueResult) -> str:
    """What one rescue holds, and the commands that bring it back."""
    row = result.rescue
    numbers = ", ".join(str(one.number) for one in result.rescues)
    head = [
        f"{plain(row.issue_identifier)}  rescue {row.number} of: {numbers}",
        f"  kept at    {row.at:%Y-%m-%d %H:%M:%S} UTC",
        f"  ref        {plain(row.ref)}",
        f"  store      {plain(row.store)}",
        *_from_where(row),
    ]
    how = [
        "Get it back",
        *(f"  {command}" for command in result.restore),
        "The first makes a folder, the second a branch in your repository, the third is git's own.",
    ]
    parts = ["\n".join(head), *_lists(result.contents), "\n".join(how)]
    return "\n\n".join([*parts, *_faults(result.faults)])


def _from_where(row: RescueRow) -> Iterator[str]:
    yield f"  branch     {plain(row.branch) or '(detached)'}"
    yield f"  head       {row.head or 'no commit yet'}"
    if row.scope:
        yield f"  tracker    {plain(row.scope)}"


def _lists(contents: Contents) -> Iterator[str]:
    """Each list with its title; one that is empty is left out."""
    commits = [f"{commit.id[:8]} {clip(commit.subject, 68)}" for commit in contents.commits]
    yield from _titled("Unpushed commits", commits, contents.more_commits)
    files = [f"{change.letter} {plain(change.path)}" for change in contents.files]
    staged = " (what was staged is kept, too)" if contents.staged else ""
    yield from _titled(f"Files that were not committed{staged}", files, contents.more_files)
    tips = [f"{tip.commit[:8]} {plain(tip.name)}" for tip in contents.tips]
    yield from _titled("Other tips", tips, 0)
    ignored = [plain(name) for name in contents.ignored]
    yield from _titled("Ignored files, which were left out", ignored, 0)


def _titled(title: str, lines: Sequence[str], more: int) -> Iterator[str]:
    if lines:
        rest = [f"  … and {more} more"] if more else []
        yield "\n".join([title, *(f"  {line}" for line in lines), *rest])


def restored_text(result: RestoredResult) -> str:
    """Where the work is now, and what to do there."""
    row = result.rescue
    if result.into:
        at = f"on branch {row.branch}" if row.branch else "with a detached HEAD"
        head = (
            f"Restored {row.ref} into {result.into}, {at}, as it was but for ignored files. It has"
            " no remote: `git remote add` gives it one."
        )
    else:
        head = (
            f"Made branch {result.made_branch} in {result.repo} at {row.ref}. Its files are those"
            " of the workspace; its first parent is the agent's last commit"
            f" ({row.head[:8] or 'none yet'})."
        )
    folded = textwrap.fill(plain(head), WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n\n".join([folded, *_lists(result.contents)])


def _faults(faults: Sequence[str]) -> list[str]:
    lines = [f"Warning: {plain(fault)}" for fault in faults]
    return ["\n".join(lines)] if lines else []
