"""`symphony status ISSUE`: why one issue runs or does not, and what it has been through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.commands.happenings import Happened, happened, questioned
from symphony_cli.commands.status import row
from symphony_cli.core.cures import clear_by
from symphony_cli.core.events import Event
from symphony_cli.core.gate import paused
from symphony_cli.core.history import History
from symphony_cli.core.lanes import thread_for
from symphony_cli.core.policy import Policy, refusal
from symphony_cli.core.reasons import WHAT_CHANGES, Why
from symphony_cli.core.record import GONE, Record, Running
from symphony_cli.core.report import Asked
from symphony_cli.core.run import GitFacts
from symphony_cli.core.tickfile import TickFile
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueResult:
    """One issue, whole."""

    kind: str
    """running, queued, retrying, blocked, waiting, released or finished."""
    why: tuple[str, ...]
    reason: str
    """Why it does not run, as one of the reasons to pass over; empty when it runs or is over."""
    change: str
    """What would let it go on."""
    issue: dict[str, object]
    key: str
    aliases: tuple[str, ...]
    first_seen_at: datetime
    runs: int
    attempts: int
    """Runs since the last progress."""
    blocks: int
    """How often it was blocked."""
    turns: int
    cut_answers: int
    """Answers that were cut off; what they cost may be missing from the tokens."""
    fresh_threads: int
    """How often a thread could not go on, and a new one took over."""
    last_outcome: str
    last_detail: str
    last_message: str
    git: GitFacts | None
    branch: str
    resume: str
    """The command with which a person goes on with the agent's thread by hand."""
    recent: tuple[Happened, ...]
    questions: tuple[Happened, ...] = ()
    """What its agents asked last, and what they were answered."""
    exit_code: ExitCode = ExitCode.DONE


def explain(
    world: World, name: str, recent: Sequence[Event], questions: Sequence[Asked] = ()
) -> IssueResult:
    """Explain one issue.

    Raises:
        UsageError: nobody ever saw an issue of that name; the text says what would have to be true.
    """
    record = world.ledger.history().named(name)
    if record is None:
        unread = [p for p in world.bulletin.last().passed_over if p.issue == name]
        if unread:
            raise UsageError(f"{name} cannot be read: {unread[0].why}. Correct it there.")
        raise UsageError(unseen(name, world.policy))
    last = record.last
    stands = standing(
        record, world.policy, world.bulletin.last(), world.clock(), world.ledger.history()
    )
    return IssueResult(
        kind=stands.kind,
        why=stands.why,
        reason=stands.reason,
        change=stands.change,
        issue=row(record, world.policy),
        key=record.key,
        aliases=record.aliases,
        first_seen_at=record.first_at,
        runs=record.runs,
        attempts=record.attempts_since_progress,
        blocks=record.blocks,
        turns=record.turns,
        cut_answers=record.cut_answers,
        fresh_threads=record.fresh_threads,
        last_outcome=last.outcome.value if last else "",
        last_detail=(last.detail or last.reason) if last else "",
        last_message=last.message if last else "",
        git=last.git if last else None,
        branch=record.branch,
        resume=_resume(record, world.policy),
        recent=tuple(happened(event) for event in recent),
        questions=tuple(questioned(line) for line in questions),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What an issue is for us, and why."""

    kind: str
    why: tuple[str, ...]
    reason: str = ""
    change: str = ""


def standing(
    record: Record, policy: Policy, last: TickFile, now: datetime, history: History
) -> Standing:
    """Where an issue stands, by what the ledger knows and the last tick said."""
    if record.running is not None:
        return _at_work(record, record.running)
    if record.finished_at is not None:
        return Standing("finished", (f"it reached {record.issue.state}",))
    if record.block is not None:
        block = record.block
        cure = clear_by(block.reason, record.issue.identifier)
        why = f"{block.reason.value}: {block.detail}"
        return Standing("blocked", (why,), Why.BLOCK.value, cure)
    return _idle(record, policy, last, now, history)


def _at_work(record: Record, running: Running) -> Standing:
    stop = f"told to stop: {running.stop}" if running.stop else ""
    since = f"run {record.runs} since {running.since:%Y-%m-%d %H:%M:%S} UTC"
    return Standing("running", tuple(text for text in (since, stop, _limits(running)) if text))


def _idle(
    record: Record, policy: Policy, last: TickFile, now: datetime, history: History
) -> Standing:
    """Neither running nor blocked nor over: in line, or kept from it."""
    if record.released == GONE:
        return Standing(
            "released", ("gone: two complete reads did not have it",), "gone", "its coming back"
        )
    refused = refusal(record.issue, policy.rules)
    passed = next((p for p in last.passed_over if p.issue == record.id), None)
    if refused is not None:
        told = passed is not None and passed.reason == refused.why
        detail = passed.why if passed is not None and told else refused.detail
        return _for(refused.why, detail, "released" if refused.leaves else "waiting")
    if record.retry is not None and not record.retry.wait.over(now):
        left = record.retry.wait.left(now)
        return _for(
            Why.BACKOFF, f"next attempt in {left:.0f} s, after: {record.retry.error}", "retrying"
        )
    if history.pause is not None:
        return _for(Why.PAUSED, paused(history.pause), "queued")
    if passed is None:
        return Standing("queued", ("the next tick decides",), "", "the next tick")
    return _for(Why(passed.reason), passed.why, "queued")


def _for(why: Why, detail: str, kind: str) -> Standing:
    return Standing(kind, (f"{why.value}: {detail}",), why.value, WHAT_CHANGES[why])


def _limits(running: Running) -> str:
    if running.limits is None:
        return ""
    changed = " (changed meanwhile)" if running.granted else ""
    return f"it may use {running.limits.words()}{changed}"


def unseen(name: str, policy: Policy) -> str:
    """What would have to be true for an issue that was never seen."""
    rules = policy.rules
    wants = [f"its state must be one of: {', '.join(rules.active_states)}"]
    if rules.required_labels:
        wants.append(f"it must carry: {', '.join(rules.required_labels)}")
    if rules.assignee:
        wants.append(f"it must be assigned to {rules.assignee}")
    return (
        f"No tick has ever seen an issue {name!r}. For Symphony to take one up it must be in the "
        f"tracker that WORKFLOW.md names; {'; '.join(wants)}. Then the next tick takes it in."
    )


def _resume(record: Record, policy: Policy) -> str:
    """The thread that the next run would go on with."""
    thread = thread_for(record, policy)
    if thread is None:
        return ""
    home = f"CODEX_HOME={thread.home} " if thread.home else ""
    return f"{home}codex resume {thread.id}"
