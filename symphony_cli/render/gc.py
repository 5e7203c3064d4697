"""What takes disk as text: a table for each place, and the sums."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import tabulate as tables

from symphony_cli.commands.gc import GcResult, GcRow, Sum
from symphony_cli.core.holdings import Kind
from symphony_cli.render.text import WIDTH, plain

_HEADS = ("WHAT", "SIZE", "", "WHY")
_NAME, _SIZE, _FATE = 26, 9, 5
"""The widest that these columns become; between two there are two spaces."""

_TITLES = {
    Kind.TRANSCRIPTS: "Old transcripts in",
    Kind.RUNS: "Old run folders in",
    Kind.SESSION: "Threads of finished issues in",
}


def gc_text(result: GcResult) -> str:
    """The tables, what was in the way, and the sums."""
    titles = dict.fromkeys(map(_title, result.rows))
    parts = [
        f"{title}\n{_table([row for row in result.rows if _title(row) == title])}"
        for title in titles
    ]
    if not parts:
        parts.append("Nothing: no workspace root has anything in it.")
    faults = [_folded(f"Warning: {fault}") for fault in result.faults]
    if faults:
        parts.append("\n".join(faults))
    parts.append(_folded(_sums(result)))
    return "\n\n".join(parts + ([_folded(result.note)] if result.note else []))


def size(amount: int) -> str:
    """Bytes as a person reads them, in at most seven characters."""
    for unit, letter in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if amount >= unit:
            return f"{amount / unit:.{1 if amount < 100 * unit else 0}f} {letter}"
    return f"{amount} B"


def _title(row: GcRow) -> str:
    title = _TITLES.get(Kind(row.kind), "")
    return f"{title} {plain(row.place)}".lstrip()


def _table(rows: Sequence[GcRow]) -> str:
    names = [_name(row) for row in rows]
    widest = max(len(line) for name in (*names, _HEADS[0]) for line in name.split("\n"))
    left = WIDTH - widest - _SIZE - _FATE - 6
    body = [
        (name, _size(row), row.fate, _wrapped(_why(row), left))
        for name, row in zip(names, rows, strict=True)
    ]
    text: str = tables.tabulate(body, headers=_HEADS, tablefmt="plain", disable_numparse=True)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _name(row: GcRow) -> str:
    """A thread's file is named by its issue; everything else by its place, and by its issue where
    that has another name."""
    name, issue = plain(row.name), plain(row.issue_identifier)
    if row.kind == Kind.SESSION and issue:
        return _wrapped(f"{issue} {name.rpartition('/')[2]}", _NAME)
    is_named = not issue or issue in name.split("/")
    return _wrapped(name if is_named else f"{name} ({issue})", _NAME)


def _size(row: GcRow) -> str:
    return (
        "" if row.kind in (Kind.LINK, Kind.ROOT) else f"{'>' * bool(row.unread)}{size(row.bytes)}"
    )


def _why(row: GcRow) -> str:
    unread = f" ({row.unread} in it cannot be read)" if row.unread else ""
    return f"{plain(row.why)}{unread}"


def _sums(result: GcResult) -> str:
    known = {"goes": result.goes, "gone": result.gone, "stays": result.stays}
    shown = ("goes", "stays") if result.dry_run else ("gone", "stays")
    return "; ".join(f"{word}: {_sum(known[word])}" for word in shown)


def _sum(of: Sum) -> str:
    return f"{of.count} {'entry' if of.count == 1 else 'entries'}, {size(of.bytes)}"


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


def _folded(text: str) -> str:
    return textwrap.fill(
        plain(text), WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
