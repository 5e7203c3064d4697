"""The first act of a run: is the issue still ours, is its workspace fit, what is the prompt.

    python -P -m symphony_cli.errands.prepare RUN_DIR --locks A,B [--secrets FD]

It ends by becoming the next act with the same pid, locks and children: the supervisor when
brief.json is complete, finish when there is nothing to supervise.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from signal import SIG_BLOCK, SIGTERM, pthread_sigmask, sigpending
from types import TracebackType

from symphony_cli import clock, processes, runfolder, wiring
from symphony_cli.core import report
from symphony_cli.core.answers import OFFERED
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import refusal
from symphony_cli.core.reasons import BlockReason, Outcome, Why
from symphony_cli.core.run import Brief, Order
from symphony_cli.core.secrets import redact
from symphony_cli.core.snapshot import Held
from symphony_cli.errands import act, mutations
from symphony_cli.errands.comments import last_shown, new_comments
from symphony_cli.errands.launcher import codex_argv
from symphony_cli.errors import (
    ConfigError,
    HookFailed,
    KeyRejected,
    MissingProgram,
    PromptError,
    PromptTooLong,
    StateError,
    SymphonyError,
    TrackerError,
    WorkspaceError,
)
from symphony_cli.paths import RunPaths

LIMIT = 900.0
"""Seconds that the whole act may take."""


@dataclass(frozen=True, slots=True)
class NextAct:
    """The module that this process becomes."""

    module: str


SUPERVISOR = NextAct("symphony_cli.supervisor")
FINISH = NextAct("symphony_cli.errands.finish")


class End(Exception):
    """The run ends here, for this reason; finish takes over."""

    def __init__(self, outcome: Outcome, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.reason, self.detail = outcome, reason, detail


@dataclass(frozen=True, slots=True)
class Desk:
    """What the steps work with: the order, the folder, whom to tell, and the signs of life."""

    order: Order
    paths: RunPaths
    secrets: Sequence[str]
    environment: Mapping[str, str]
    tell: Callable[[report.Line], None]
    phase: Callable[[str], None]
    on_group: Callable[[int], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the act and become the next one; does not return."""
    mine = act.take_over(arguments)
    processes.become_subreaper()
    order = wiring.rooted(runfolder.order(mine.paths))
    heart = act.Heart(mine.paths, order.run, "prepare")
    heart.start()
    reporter = runfolder.Reporter(mine.paths, clock.now, mine.secrets)
    environment = agent_environment(os.environ, order.settings, order.run, order.thread)
    desk = Desk(
        order, mine.paths, mine.secrets, environment, reporter.tell, heart.phase, heart.group
    )
    then = FINISH
    with contextlib.ExitStack() as at_last:
        at_last.push(partial(_own_up, desk))
        then = _run_until_knocked(desk)
    heart.stop()
    processes.reap()
    processes.become(then.module, mine.paths.folder, mine.locks, mine.secrets)


def _own_up(
    desk: Desk, kind: object, error: BaseException | None, trace: TracebackType | None
) -> bool:
    """A bug of ours ends the run like any other trouble of the machine: told, and finished."""
    if error is None:
        return False
    act.tell_bug(desk.secrets, type(error), error, trace)
    close(desk, End(Outcome.ENVIRONMENT, "bug", f"Symphony met a bug, see agent.log: {error!r}"))
    return True


def _run_until_knocked(desk: Desk) -> NextAct:
    """What comes next. TERM is blocked afterwards: the next act shall hear it, not this one."""
    try:
        act.listen(act.knock)
        then = run(desk)
        pthread_sigmask(SIG_BLOCK, {SIGTERM})
    except act.Knocked:
        pthread_sigmask(SIG_BLOCK, {SIGTERM})
        return close(desk, told_to_end(desk))
    return close(desk, told_to_end(desk)) if SIGTERM in sigpending() else then


def run(desk: Desk) -> NextAct:
    """All steps, under the act's time limit; why a run ends here is told to the report."""
    try:
        with act.within(LIMIT, "Preparing the run"):
            write_brief(desk)
    except End as end:
        return close(desk, end)
    except SymphonyError as error:
        return close(desk, as_end(error))
    return SUPERVISOR


def close(desk: Desk, end: End) -> NextAct:
    """Say how the run ends. The first to say so counts."""
    desk.tell(report.Closing(clock.now(), end.outcome, end.reason, end.detail))
    return FINISH


def told_to_end(desk: Desk) -> End:
    """What a knock means: the stop file says; without one, somebody or the machine ends us."""
    return _stopped(desk) or End(
        Outcome.INTERRUPTED, "signal", "The run was sent SIGTERM and nobody said why."
    )


def _stopped(desk: Desk) -> End | None:
    note = runfolder.stop_note(desk.paths)
    return None if note is None else End(Outcome.STOPPED, note.reason, note.detail)


def as_end(error: SymphonyError) -> End:
    """What a failure before the first answer of the model means: the machine's, or the tracker's;
    the issue's only when nothing else can be blamed, since the machine's hold all work."""
    if isinstance(error, TrackerError):
        reason = "key" if isinstance(error, KeyRejected) else "tracker"
        return End(Outcome.TRACKER, reason, str(error))
    if isinstance(error, PromptTooLong):
        return End(Outcome.FAILED, "prompt", str(error))
    reasons = {
        HookFailed: "hook",
        WorkspaceError: "workspace",
        PromptError: "prompt",
        MissingProgram: "program",
        ConfigError: "configuration",
        StateError: "state",
    }
    reason = next((name for kind, name in reasons.items() if isinstance(error, kind)), "prepare")
    return End(Outcome.ENVIRONMENT, reason, str(error))


def write_brief(desk: Desk) -> None:
    """Find out everything that the supervisor needs to know.

    Raises:
        End: the run ends here.
        SymphonyError: a step failed.
    """
    _enter(desk, "issue")
    issue = fresh_issue(desk)
    order = replace(desk.order, issue=issue)
    _enter(desk, "workspace")
    brief, notes = wiring.make_workspace(
        order, desk.environment, desk.paths, desk.on_group, desk.secrets
    )
    # finish must know from here on that there is a workspace.
    runfolder.save(brief, desk.paths.brief, desk.secrets)
    wiring.fetch_mirror(order, desk.paths.folder, desk.environment)
    _refuse_merged(desk, order, brief)
    _enter(desk, "before_run")
    wiring.run_hook(
        "before_run",
        order,
        brief.workspace,
        desk.environment,
        desk.paths.log,
        desk.on_group,
        desk.secrets,
    )
    _enter(desk, "prompt")
    news = new_comments(issue, last_shown(desk.paths, order.thread))
    prompt, continuation = wiring.prompt(order, news)
    everything = new_comments(issue, None)
    fresh = "" if news == everything else wiring.prompt(order, everything)[0]
    _enter(desk, "launch")
    brief = replace(
        brief,
        argv=_argv(order, desk.environment),
        prompt=with_notes(prompt, notes),
        fresh_prompt=with_notes(fresh, notes) if fresh else "",
        continuation=continuation,
        tools=OFFERED.get(order.settings.tracker.kind, ()),
        state=issue.state,
    )
    runfolder.save(brief, desk.paths.brief, desk.secrets)
    _enter(desk, "supervisor")


def _refuse_merged(desk: Desk, order: Order, brief: Brief) -> None:
    """End the run when the issue's work is merged already: nothing is left to be worked on."""
    if order.merged.tip in ("", order.merged.accepted):
        return
    merged, note = wiring.find_merged(order, brief, desk.environment, desk.on_group)
    if note:
        print(redact(note, desk.secrets), file=sys.stderr, flush=True)
    if merged:
        raise End(Outcome.NOT_ELIGIBLE, BlockReason.MERGED.value, merged)


def with_notes(prompt: str, notes: Sequence[str]) -> str:
    """The prompt and, at its end, what an agent should know about the state of its workspace."""
    if not notes:
        return prompt
    lines = "".join(f"\n- {note}" for note in notes)
    return f"{prompt.rstrip()}\n\nSymphony found this in the workspace before you began:{lines}\n"


def _enter(desk: Desk, phase: str) -> None:
    """A new phase begins, unless somebody wants the run to end."""
    stopped = _stopped(desk)
    if stopped is not None:
        raise stopped
    desk.phase(phase)
    desk.tell(report.Phase(clock.now(), phase))


def fresh_issue(desk: Desk) -> Issue:
    """The issue as the tracker has it now, when it may still be worked.

    Raises:
        End: it may not, or the tracker cannot tell.
        TrackerError: the tracker cannot be reached.
    """
    order, wanted = desk.order, desk.order.issue.id
    clock.sleep(mutations.unsettled(desk.paths))
    read = wiring.open_tracker(order, desk.secrets).read([wanted], held=[Held(order.issue)])
    if wanted in read.unknown:
        raise End(Outcome.TRACKER, "tracker", read.unknown[wanted])
    issue = next((issue for issue in read.issues if issue.id == wanted), None)
    if issue is None:
        name = order.issue.identifier
        gone = f"The tracker does not have {name} any more."
        raise End(Outcome.NOT_ELIGIBLE, Why.NOT_ELIGIBLE.value, gone)
    hints = replace(issue.facts(), entries=issue.entries)
    dates = [comment.created_at for comment in issue.comments if comment.created_at is not None]
    desk.tell(report.IssueRead(clock.now(), hints, max(dates, default=None)))
    refused = refusal(issue, order.settings.rules)
    if refused is not None:
        raise End(Outcome.NOT_ELIGIBLE, refused.why.value, refused.detail)
    _check_rework(order, issue)
    if _lane(order, issue) != _lane(order, order.issue):
        # The order has the thread of the state that the tick saw: a review must not go on with it.
        moved = f"It went from {order.issue.state} to {issue.state}, which has another thread."
        raise End(Outcome.NOT_ELIGIBLE, Why.NOT_ELIGIBLE.value, moved)
    return issue


def _check_rework(order: Order, issue: Issue) -> None:
    """The tracker's history may know of more rework than polls saw, and a run is dear."""
    cap = order.rework
    if cap is None:
        return
    times = sum(entry.times for entry in issue.entries if entry.state in cap.states)
    if times > cap.allowed:
        detail = f"The tracker's history has it in rework {times} times; {cap.allowed} are allowed."
        raise End(Outcome.NOT_ELIGIBLE, BlockReason.REWORK.value, detail)


def _lane(order: Order, issue: Issue) -> str:
    return order.settings.prompt.part(issue.state)[1]


def _argv(order: Order, environment: Mapping[str, str]) -> tuple[str, ...]:
    try:
        return codex_argv(order.settings.codex.command, environment.get("PATH", os.defpath))
    except MissingProgram as error:
        raise End(Outcome.ENVIRONMENT, "codex", str(error)) from error


if __name__ == "__main__":
    main()
