"""`symphony status ISSUE`: why one issue runs or does not, and what it has been through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.commands.happenings import Happened, happened, questioned
from symphony_cli.commands.standing import standing
from symphony_cli.commands.status import row, sign_of
from symphony_cli.core.events import Event
from symphony_cli.core.lanes import thread_for
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import Record
from symphony_cli.core.report import Asked
from symphony_cli.core.retention import whereabouts
from symphony_cli.core.run import GitFacts, PidFile
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
    workspace_note: str
    """What became of the workspace, when it is gone, goes, or should go."""
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
    last, pid = record.last, _sign(record, world)
    stands = standing(
        record,
        world.policy,
        world.bulletin.last().by_issue(),
        world.clock(),
        world.ledger.history(),
    )
    return IssueResult(
        kind=stands.kind,
        why=stands.why,
        reason=stands.reason,
        change=stands.change,
        issue=_row(record, pid, world.policy),
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
        last_message=(pid.last_message if pid else "") or (last.message if last else ""),
        git=last.git if last else None,
        branch=record.branch,
        workspace_note=whereabouts(record),
        resume=_resume(record, world.policy),
        recent=tuple(happened(event) for event in recent),
        questions=tuple(questioned(line) for line in questions),
    )


def _sign(record: Record, world: World) -> PidFile | None:
    """What a run that goes on tells of itself."""
    if record.running is None:
        return None
    return sign_of(world.agents.sight(record.key, record.running.run), record.running)


def _row(record: Record, pid: PidFile | None, policy: Policy) -> dict[str, object]:
    if pid is None:
        return row(record, policy)
    shared = row(record, policy, pid.spent)
    return {**shared, "thread_id": pid.thread or shared["thread_id"]}


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
