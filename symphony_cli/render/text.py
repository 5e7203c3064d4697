"""Results as text that is pleasant at 80 columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import tabulate as tables

from symphony_cli.commands.explain import IssueResult
from symphony_cli.commands.gc import GcResult
from symphony_cli.commands.happenings import Happened
from symphony_cli.commands.metrics import MetricsResult
from symphony_cli.commands.pause import PauseResult
from symphony_cli.commands.rescue import RescueResult, RescuesResult, RestoredResult
from symphony_cli.commands.retry import RetryResult
from symphony_cli.commands.schedule import ScheduleResult
from symphony_cli.commands.screen import Row, StatusResult
from symphony_cli.commands.stop import StopResult
from symphony_cli.commands.tick import TickResult
from symphony_cli.commands.unblock import UnblockResult
from symphony_cli.core.gate import paused
from symphony_cli.core.shape import encode
from symphony_cli.core.times import age
from symphony_cli.render.limits import provider

WIDTH = 80

tables.MIN_PADDING = 0
"""Two more spaces in each column than there are between columns are too many for 80 columns."""


def plain(text: str) -> str:
    """Text from outside without what could drive a terminal: one line, no control characters."""
    flat = " ".join(text.split())
    return "".join(c for c in flat if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def clip(text: str, width: int) -> str:
    """The beginning of a text, with a mark when there was more."""
    text = plain(text)
    return text if len(text) <= width else text[: max(1, width - 1)] + "…"


def ago(now: datetime, then: datetime | None) -> str:
    """An age a person reads at a glance."""
    if then is None:
        return "-"
    seconds = age(now, then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def short(tokens: int) -> str:
    """Tokens in at most four characters."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if tokens >= size:
            return (
                f"{tokens / size:.0f}{unit}"
                if tokens >= 10 * size
                else f"{tokens / size:.1f}{unit}"
            )
    return str(tokens)


def as_text(result: object) -> str:
    """Any result of a command.

    Raises:
        TypeError: it has no text form.
    """
    match result:
        case TickResult():
            return tick_text(result)
        case StatusResult():
            return status_text(result)
        case IssueResult():
            return issue_text(result)
        case UnblockResult():
            return unblock_text(result)
        case StopResult():
            return stop_text(result)
        case RetryResult():
            return retry_text(result)
        case PauseResult():
            return pause_text(result)
        case MetricsResult():
            return metrics_text(result)
        case RescuesResult() | RescueResult() | RestoredResult():
            from symphony_cli.render import rescues  # it needs this module

            return rescues.as_text(result)
        case ScheduleResult():
            from symphony_cli.render.schedule import schedule_text

            return schedule_text(result)
        case GcResult():
            from symphony_cli.render import gc  # it needs this module

            return gc.gc_text(result)
    raise TypeError(f"{type(result).__name__} has no text form")


def tick_text(result: TickResult) -> str:
    """The summary, then a line per issue acted on or passed over."""
    lines = [_folded(result.summary)]
    head = "would " if result.dry_run else ""
    for acted in result.decisions:
        if acted.kind == "take_in":
            continue
        mark = "" if acted.outcome in ("done", "would") else f" {acted.outcome.upper()}"
        kind = f"{head}{acted.kind}{mark}"
        lines.append(_line(acted.issue_identifier, kind, acted.detail))
    for passed in result.passed_over:
        lines.append(_line(passed.issue_identifier, f"passed over, {passed.reason}", passed.why))
    lines += [_wrapped(f"error: {plain(error)}") for error in result.errors]
    lines += [_wrapped(f"warning: {plain(warning)}") for warning in result.warnings]
    return "\n".join(lines)


def _line(name: str, kind: str, detail: str) -> str:
    return _wrapped(f"{clip(name, 16):<12} {kind}{': ' if detail else ''}{plain(detail)}")


def _folded(text: str) -> str:
    """A line for itself, carried on below where it is too long; a long path stays whole."""
    return textwrap.fill(
        plain(text), WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _sentences(*lines: str) -> str:
    """What a command of a person has done, each sentence on a line of its own."""
    return "\n".join(_folded(line) for line in lines if line)


def _wrapped(text: str) -> str:
    """A line of a list, carried on below itself where it is too long."""
    return textwrap.fill(
        text, WIDTH, initial_indent="  ", subsequent_indent=" " * 8, break_on_hyphens=False
    )


def status_text(result: StatusResult) -> str:
    """The status screen."""
    now = result.generated_at
    parts = [_health(result), _running(result, now), _queued(result, now), _retrying(result, now)]
    parts += [_blocked(result, now), _waiting(result), _notes(result)]
    idle = not any(n for kind, n in result.counts.items() if kind != "finished")
    if idle and result.tracker.as_of is not None:
        parts.append("Nothing to do: no issue in the tracker is for Symphony to work on now.")
    return "\n\n".join(part for part in parts if part)


def _health(result: StatusResult) -> str:
    counts = ", ".join(f"{n} {kind}" for kind, n in result.counts.items() if n)
    disk = f"; {result.disk.free_bytes / 1e9:.0f} GB free" if result.disk else ""
    used = f"slots {result.slots.used}/{result.slots.total}"
    tokens = f"tokens spent {result.codex_totals.spend:,}"
    limit = result.day.limit
    today = f", {result.day.used:,} of {limit:,} in 24 h" if limit is not None else ""
    facts = f"{counts or 'nothing to do'}; {used}; {tokens}{today}{disk}"
    lines = (_paused(result), result.tick.sentence, _tracker(result), _mirror(result), facts)
    return "\n".join(_folded(line) for line in lines if line)


def _paused(result: StatusResult) -> str:
    if result.pause is None:
        return ""
    return f"Dispatch is {paused(result.pause)}. `symphony resume` lets it go on."


def _tracker(result: StatusResult) -> str:
    """How fresh our facts are, and when somebody is asked again; nothing where no limit is."""
    line, now = result.tracker, result.generated_at
    if line.limit is None and line.ask_at is None:
        return ""
    fresh = f"read {ago(now, line.as_of)} ago" if line.as_of is not None else "never read yet"
    left = f"; {line.remaining:,} of {line.limit:,} requests left" if line.limit else ""
    again = ""
    if line.ask_at is not None:
        seconds = max(0.0, (line.ask_at - now).total_seconds())
        again = f"; asks again in {seconds:.0f} s{f' ({line.why})' if line.why else ''}"
    return f"{line.kind.capitalize()} project {line.project}: {fresh}{left}{again}."


def _mirror(result: StatusResult) -> str:
    """How old the mirror is and what is wrong with it; nothing where there shall be none."""
    line = result.mirror
    if line is None:
        return ""
    fresh = f"fetched {ago(result.generated_at, line.fetched_at)} ago"
    if line.fetched_at is None:
        fresh = "not made yet" if line.error or line.fetching else "the next new workspace makes it"
    at_it = ", somebody is at it" if line.fetching else ""
    trouble = f"; {line.error.rstrip('.')}" if line.error else ""
    return f"Mirror {line.path}: {fresh}{at_it}{trouble}."


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = [list(row) for row in rows]
    if not body:
        return ""
    table = tables.tabulate(body, headers=heads, tablefmt="plain", disable_numparse=True)
    return f"{title}\n{table}"


def _name(row: Row) -> str:
    return clip(row.issue_identifier, 14)


def _running(result: StatusResult, now: datetime) -> str:
    def said(message: str, note: str) -> str:
        return clip(note or message or "-", 24)

    rows = [
        (
            _name(row),
            clip(row.state, 12),
            clip(row.phase, 16),
            row.turn_count,
            short(row.tokens.spend),
            ago(now, row.started_at),
            ago(now, row.last_event_at),
            said(row.last_message, row.note),
        )
        for row in result.running
    ]
    heads = ("ISSUE", "STATE", "PHASE", "TURN", "SPENT", "FOR", "QUIET", "LAST SAID")
    return _table("Running", heads, rows)


def _queued(result: StatusResult, now: datetime) -> str:
    rows = [
        (row.position, _name(row), clip(row.title, 24), ago(now, row.since), clip(row.why, 34))
        for row in result.queued
    ]
    return _table("Queued", ("#", "ISSUE", "TITLE", "SINCE", "WHY NOT YET"), rows)


def _retrying(result: StatusResult, now: datetime) -> str:
    rows = [
        (
            _name(row),
            row.attempt,
            f"{max(0.0, (row.due_at - now).total_seconds()):.0f}s",
            clip(row.error, 48),
        )
        for row in result.retrying
    ]
    return _table("Retrying", ("ISSUE", "ATTEMPT", "IN", "AFTER"), rows)


def _blocked(result: StatusResult, now: datetime) -> str:
    rows = [
        (_name(row), row.reason, ago(now, row.blocked_at), clip(row.detail, 44))
        for row in result.blocked
    ]
    table = _table("Blocked: waits for a person", ("ISSUE", "REASON", "FOR", "DETAIL"), rows)
    cures = [_wrapped(plain(row.clear_by)) for row in result.blocked]
    return "\n".join([table, *cures]) if table else ""


def _waiting(result: StatusResult) -> str:
    rows = [
        (_name(row), clip(row.title, 24), clip("; ".join(row.why), 38)) for row in result.waiting
    ]
    return _table("Waiting", ("ISSUE", "TITLE", "WHY"), rows)


def _notes(result: StatusResult) -> str:
    holds = [f"Held back ({kind}): {text}" for kind, text in result.holds.items()]
    lost = [f"Undeliverable: {text}" for text in result.undeliverable]
    warned = [f"Warning: {text}" for text in result.warnings]
    notes = [*provider(result.rate_limits), *holds, *lost, *warned]
    return "\n".join(map(_folded, notes))


def issue_text(result: IssueResult) -> str:
    """One issue, explained."""
    issue = result.issue
    tokens = encode(issue["tokens"], full=True)
    facts: list[tuple[str, str]] = [
        ("why", "; ".join(result.why)),
        ("remedy", result.change),
        ("state", str(issue["state"])),
        ("runs", _runs(result)),
        ("tokens", f"{tokens['spend']:,} spent, {tokens['total_tokens']:,} in all"),
        ("budget", _budget(encode(issue["budget"], full=True))),
        ("uncounted", _cut_off(result.cut_answers)),
        ("declined", _declined(issue["declined_elicitations"])),
        ("last run", f"{result.last_outcome} {result.last_detail}".strip()),
        ("last said", result.last_message),
        (
            "workspace",
            "; ".join(filter(None, (str(issue["workspace_path"]), result.workspace_note))),
        ),
        ("branch", result.branch),
        ("rescued", result.git.rescue if result.git else ""),
        ("not kept", result.git.kept_because if result.git else ""),
        ("thread", result.resume and f"{result.resume} (leave it before the next run begins)"),
        ("begun anew", _anew(result.fresh_threads)),
        ("folder", f"state/runs/{result.key}"),
    ]
    head = f"{issue['issue_identifier']}  {plain(str(issue['title']))}\n{result.kind}"
    body = "\n".join(
        textwrap.fill(
            f"{name:<10} {plain(text)}",
            WIDTH,
            initial_indent="  ",
            subsequent_indent=" " * 13,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in facts
        if text
    )
    lists = (("Last questions", result.questions), ("Last events", result.recent))
    return "\n\n".join([f"{head}\n{body}", *(_happened(*one) for one in lists if one[1])])


def _runs(result: IssueResult) -> str:
    issue, attempts = result.issue, result.attempts
    parts = [f"{result.runs} ({issue['retry_count']} failed), turns: {result.turns}"]
    parts += [f"{attempts} without progress"] if attempts > 1 else []
    parts += [f"rework: {issue['rework_count']}"] if issue["rework_count"] else []
    parts += [f"blocked {result.blocks} times"] if result.blocks > 1 else []
    return ", ".join(parts)


def _budget(budget: Mapping[str, int | None]) -> str:
    """What is left, and what people gave; nothing without a budget."""
    if budget["limit"] is None:
        return ""
    given = f", {budget['granted']:+,} by people" if budget["granted"] else ""
    return f"{budget['left']:,} left of {budget['limit']:,}{given}"


def _happened(title: str, lines: Sequence[Happened]) -> str:
    shown = (f"  {line.at:%m-%d %H:%M:%S}  {_said(line)}".rstrip() for line in lines)
    return "\n".join([title, *shown])


def _said(line: Happened) -> str:
    said = f"{line.kind:<11} {plain(line.detail)}"
    return said if len(said) <= 62 else f"{said[:61]}…"


def _declined(times: object) -> str:
    """Of all runs that are over; the last few are shown below."""
    if not times:
        return ""
    return "1 question of its agents" if times == 1 else f"{times} questions of its agents"


def _anew(times: int) -> str:
    """That conversations were lost: people should know what their agents have forgotten."""
    if not times:
        return ""
    threads = "1 new thread" if times == 1 else f"{times} new threads"
    return f"{threads}, as the one before could not go on (`symphony logs` says why)"


def _cut_off(answers: int) -> str:
    """What may be missing from a sum, and why."""
    if not answers:
        return ""
    what, cost = ("answer was", "it") if answers == 1 else ("answers were", "they")
    return f"{answers:,} {what} cut off: what {cost} cost may be missing from the sum"


def unblock_text(result: UnblockResult) -> str:
    """What was cleared, and what comes next."""
    if not result.reason:
        return _sentences(
            f"{result.issue_identifier} was given {result.granted} while it runs.",
            f"Recorded as given by {result.by}; {result.next}.",
        )
    what = f"{result.reason}: {result.detail}"
    return _sentences(
        f"{result.issue_identifier} is no longer blocked ({what}).",
        f"Granted: {result.granted}." if result.granted else "",
        f"Recorded as cleared by {result.by}; {result.next}.",
    )


def stop_text(result: StopResult) -> str:
    """Which run ends, and what stays."""
    what = (
        f"run {result.run} was told to stop" if result.run else "it is held and will not be started"
    )
    return _sentences(f"{result.issue_identifier}: {what}; {result.next}.")


def retry_text(result: RetryResult) -> str:
    """What no longer holds an issue back."""
    return _sentences(
        f"{result.issue_identifier} may go on; it was {result.released.rstrip('.')}.",
        f"Recorded as by {result.by}; {result.next}.",
    )


def pause_text(result: PauseResult) -> str:
    """Whether dispatch is paused, and who goes on."""
    some = "1 run goes on" if result.running == 1 else f"{result.running} runs go on"
    runs = some if result.running else "nothing runs now"
    why = f" ({result.reason})" if result.reason else ""
    if result.paused:
        return _sentences(f"Paused{why}: nothing new is started, {runs}; {result.next}.")
    return _sentences(f"Dispatch goes on; {result.next}.")


def metrics_text(result: MetricsResult) -> str:
    """The figures as a table."""
    rows = [
        (
            clip(row.issue, 16),
            row.state,
            f"{row.tokens:,}",
            row.turns,
            row.runs,
            row.retries,
            "-" if row.wall_time is None else f"{row.wall_time}s",
        )
        for row in result.rows
    ]
    heads = ("ISSUE", "STATE", "TOKENS", "TURNS", "RUNS", "RETRIES", "WALL TIME")
    return _table("", heads, rows).lstrip("\n") or "No issue has finished yet (`--all` shows more)."
