"""`symphony tick`: look at the world once, decide, act, and say what was done and why not more.

    load → observe → plan → perform each → one summary line

The caller holds the lock. Trouble with one issue is that issue's trouble; only a failing ledger
or `state/` ends a tick.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Decision, Deliver, Enrol, PassOver, TakeIn, Tidy, facts
from symphony_cli.core.history import History
from symphony_cli.core.plan import plan
from symphony_cli.core.reasons import Why
from symphony_cli.core.snapshot import Read
from symphony_cli.core.tickfile import PassedOver, TickFile
from symphony_cli.core.times import age
from symphony_cli.errors import ExitCode, LedgerError, StateError, SymphonyError, worst
from symphony_cli.ids import IssueId
from symphony_cli.observe import Observed, observe
from symphony_cli.perform import describe, perform
from symphony_cli.ports import World

WRITES_KEEP = 0.25
"""The share of a tick's deadline that is kept for writes to the tracker."""


@dataclass(frozen=True, slots=True)
class Acted:
    """A decision and what came of it: done, failed, bug, or would (in a dry run)."""

    kind: str
    issue_identifier: str
    detail: str
    outcome: str
    issue_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class TickResult:
    """What `tick` prints; `exit_code` is the command's."""

    exit_code: ExitCode
    summary: str
    requests: int
    duration_s: float
    decisions: tuple[Acted, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""
    """Why the tracker was not asked, and when it will be; no error."""
    dry_run: bool = False

    @property
    def quiet(self) -> bool:
        """Nothing happened that a timer's log needs to know."""
        return not self.decisions and not self.errors and self.exit_code is ExitCode.DONE


@dataclass(slots=True)
class Minutes:
    """What a tick has done so far, while it is at it."""

    acted: list[Acted] = field(default_factory=list)
    passed: list[PassedOver] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)
    put_off: set[IssueId] = field(default_factory=set)


def tick(
    world: World,
    *,
    deadline: float,
    elapsed: Callable[[], float],
    dry_run: bool = False,
    full: bool = False,
    warnings: tuple[str, ...] = (),
) -> TickResult:
    """One tick. `deadline` and `elapsed()` are in seconds since its start; `full` asks the tracker
    for everything anew.

    Raises:
        LedgerError, StateError: the tick ended there; what was done is done.
    """
    now = world.clock()
    last = world.bulletin.last()
    history = world.ledger.history()
    observed = observe(world, history, last, now, full=full)
    decisions = plan(observed.snapshot, history, world.policy)
    minutes = Minutes(errors=list(observed.errors), codes=list(observed.codes))
    if world.policy_error:
        minutes.errors.insert(0, world.policy_error)
        minutes.codes.append(ExitCode.CONFIG)
    for batch in _batches(decisions):
        if dry_run:
            for decision in batch:
                _would(decision, history := _after(decision, history, now), minutes)
        elif elapsed() > _latest(batch[0], deadline):
            for decision in batch:
                _put_off(decision, history, minutes)
        elif len(batch) > 1:
            _enrol(batch, world, now, minutes)
        else:
            _act(batch[0], world, now, minutes)
    read = observed.snapshot.tracker.read
    if read is not None:
        minutes.passed += _unread(read, history)
    if not dry_run:
        _remember(minutes.passed, world, now)
    result = TickResult(
        exit_code=_exit_code(minutes),
        summary="",
        requests=world.tracker.requests,
        duration_s=round(elapsed(), 3),
        decisions=tuple(minutes.acted),
        passed_over=tuple(minutes.passed),
        errors=tuple(minutes.errors),
        warnings=(*warnings, *(read.notes if read is not None else ())),
        note=observed.note,
        dry_run=dry_run,
    )
    result = replace(result, summary=summarise(result, history))
    if not dry_run:
        world.bulletin.post(_posted(result, last, now, world, observed))
    return result


def _remember(passed: list[PassedOver], world: World, now: datetime) -> None:
    """The ledger's last word on who was passed over, when the reason is another than before: in one
    write, and nothing in an idle tick. A block has said its own."""
    history = world.ledger.history()
    last = {entry.issue: entry for entry in passed if entry.reason != Why.BLOCK}
    news = []
    for entry in last.values():
        record = history.records.get(IssueId(entry.issue))
        if record is None or (record.passed is not None and record.passed.why == entry.reason):
            continue
        news.append(e.PassedOver(now, record.id, Why(entry.reason), entry.why))
    if news:
        world.ledger.append(*news)


def _unread(read: Read, history: History) -> list[PassedOver]:
    """Issues that we know nothing of but that they are there and cannot be read."""
    return [
        PassedOver(issue, issue, Why.TRACKER.value, why)
        for issue, why in read.unknown.items()
        if history.find(issue) is None
    ]


def _batches(decisions: Iterable[Decision]) -> Iterator[tuple[Decision, ...]]:
    """Decisions one by one, but for newcomers: those of a first poll may be thousands, and each
    write waits for the disk."""
    for is_enrol, group in groupby(decisions, lambda decision: isinstance(decision, Enrol)):
        if is_enrol:
            yield tuple(group)
        else:
            yield from ((decision,) for decision in group)


def _enrol(batch: tuple[Decision, ...], world: World, now: datetime, minutes: Minutes) -> None:
    """All newcomers of a tick, in one write."""
    world.ledger.append(*(fact for decision in batch for fact in facts(decision, now)))
    history = world.ledger.history()
    minutes.acted += [_acted(decision, describe(decision), "done", history) for decision in batch]


def _latest(decision: Decision, deadline: float) -> float:
    """When it is too late for a decision: writes to the tracker have a share of their own; saying
    why an issue waits takes no time, and an answer that came late is an answer."""
    if isinstance(decision, (PassOver, TakeIn)):
        return float("inf")
    return deadline if isinstance(decision, Deliver) else deadline * (1 - WRITES_KEEP)


def _put_off(decision: Decision, history: History, minutes: Minutes) -> None:
    """The issue goes first next time; it is told once, whatever was to be done about it."""
    issue = _issue(decision)
    if issue is None or issue in minutes.put_off:
        return
    minutes.put_off.add(issue)
    detail = f"no time left for its {_kind(decision)} in this tick; it goes first next time"
    minutes.passed.append(_passed(PassOver(issue, Why.DEADLINE, detail), history))


def _after(decision: Decision, history: History, now: datetime) -> History:
    """The history as it would be: so that an issue that nobody took in yet has its name."""
    return (
        history.copy().take_all(facts(decision, now)) if isinstance(decision, TakeIn) else history
    )


def _is_bare(decision: Decision) -> bool:
    """Nothing but the cursor moved, or nothing is old enough to go: no news for anybody."""
    if isinstance(decision, Tidy):
        return not decision.transcripts and not decision.folders
    return isinstance(decision, TakeIn) and not decision.sighted and not decision.missed


def _would(decision: Decision, history: History, minutes: Minutes) -> None:
    """What a dry run says of a decision."""
    if isinstance(decision, PassOver):
        _pass_over(decision, history, minutes)
    else:
        minutes.acted.append(_acted(decision, describe(decision), "would", history))


def _pass_over(decision: PassOver, history: History, minutes: Minutes) -> None:
    minutes.passed.append(_passed(decision, history))
    if decision.why is Why.BUG:
        minutes.codes.append(ExitCode.BUG)
        minutes.errors.append(f"{_name(decision, history)}: {decision.detail}")


def _act(decision: Decision, world: World, now: datetime, minutes: Minutes) -> None:
    """The item loop's body, with its one net: a bug met here is recorded, and the rest go on."""
    history = world.ledger.history()
    if isinstance(decision, PassOver):
        _pass_over(decision, history, minutes)
        return
    try:
        done = perform(decision, world, now)
    except (StateError, LedgerError):
        raise
    except SymphonyError as error:
        minutes.codes.append(error.exit_code)
        minutes.errors.append(f"{_name(decision, history)}: {error}")
        minutes.acted.append(_acted(decision, str(error), "failed", history))
    except Exception as error:  # noqa: BLE001 - the item loop's one net; it is written down
        _record_bug(decision, error, world, now, minutes)
    else:
        if done.passed is not None:
            minutes.passed.append(_passed(done.passed, history))
        elif not _is_bare(decision):
            minutes.acted.append(_acted(decision, done.detail, "done", history))


def _record_bug(
    decision: Decision, error: Exception, world: World, now: datetime, minutes: Minutes
) -> None:
    history = world.ledger.history()
    text = f"{type(error).__name__}: {error}"
    issue = _issue(decision)
    if issue is not None:
        trace = traceback.format_exc()
        world.ledger.append(e.Faulted(now, issue, _kind(decision), text, trace))
        minutes.passed.append(_passed(PassOver(issue, Why.BUG, text), history))
    minutes.codes.append(ExitCode.BUG)
    minutes.errors.append(f"{_name(decision, history)}: a bug of ours: {text}")


def _exit_code(minutes: Minutes) -> ExitCode:
    disk = [ExitCode.DISK for passed in minutes.passed if passed.reason == Why.DISK]
    return worst([*minutes.codes, *disk])


def _posted(
    result: TickResult, last: TickFile, now: datetime, world: World, observed: Observed
) -> TickFile:
    good = result.exit_code is ExitCode.DONE
    return TickFile(
        started_at=now,
        ended_at=world.clock(),
        exit_code=int(result.exit_code),
        summary=result.summary,
        requests=result.requests,
        good_at=now if good else last.good_at,
        facts_as_of=observed.snapshot.tracker.as_of,
        ask_at=observed.ask_at,
        first_poll=observed.snapshot.first_poll,
        problems=observed.problems,
        doubts=_doubts(observed, last),
        passed_over=result.passed_over,
        errors=result.errors,
        warnings=result.warnings,
    )


def _doubts(observed: Observed, last: TickFile) -> dict[str, str]:
    """Those of this tick's answer; nobody answered: those of the tick before."""
    if observed.snapshot.tracker.read is None:
        return last.doubts
    return {str(issue): said for issue, said in observed.doubts.items()}


def summarise(result: TickResult, history: History) -> str:
    """One line for logs."""
    records = history.records.values()
    running = sum(record.running is not None for record in records)
    queued = sum(record.place is not None and record.running is None for record in records)
    blocked = sum(record.block is not None for record in records)
    did = Counter(acted.kind for acted in result.decisions if acted.kind != "take_in")
    words = "".join(f", {count} {kind}" for kind, count in sorted(did.items()))
    reasons = Counter(passed.reason for passed in result.passed_over)
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    words += "; paused" if history.pause is not None else ""
    state = "ok" if result.exit_code is ExitCode.DONE else f"exit {int(result.exit_code)}"
    return (
        f"tick {state}: {running} running, {queued} in line, {blocked} blocked{words}"
        f"{f'; passed over: {why}' if why else ''}"
        f"{f'; {result.note}' if result.note else ''}; {result.requests} requests, "
        f"{result.duration_s:.2f} s"
    )


def stale(last: TickFile, now: datetime, interval: float) -> bool:
    """Whether the last good tick is older than three intervals."""
    return last.good_at is None or age(now, last.good_at) > 3 * interval


def _issue(decision: Decision) -> IssueId | None:
    return None if isinstance(decision, (TakeIn, Tidy)) else decision.issue


def _kind(decision: Decision) -> str:
    name = type(decision).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _name(decision: Decision, history: History) -> str:
    issue = _issue(decision)
    if issue is None:
        return "state" if isinstance(decision, Tidy) else "tracker"
    record = history.find(issue)
    return record.issue.identifier if record else issue


def _acted(decision: Decision, detail: str, outcome: str, history: History) -> Acted:
    issue = _issue(decision)
    record = history.find(issue) if issue is not None else None
    session = record.thread.id if record and record.thread else ""
    name = _name(decision, history)
    return Acted(_kind(decision), name, detail, outcome, issue or "", session)


def _passed(decision: PassOver, history: History) -> PassedOver:
    return PassedOver(decision.issue, _name(decision, history), decision.why.value, decision.detail)
