"""The last act of a run: end what is left of it, keep its work, write the verdict, let go.

    python -P -m symphony_cli.errands.finish RUN_DIR --locks A,B [--secrets FD]

The act before it becomes this process, or a tick starts it for a run that died. It may itself be
killed at any moment and be started again: every step can be done twice, and the verdict is written
once. Nothing that goes wrong in a step keeps the verdict from being written; it is told in it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from symphony_cli import clock, processes, runfolder, wiring
from symphony_cli.core import report
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import MARKER, Brief, GitFacts, Identity, Order
from symphony_cli.core.verdict import LAST_PHASE, compose
from symphony_cli.errands import act
from symphony_cli.errands.sweep import remains, still_there, strangers, sweep
from symphony_cli.errors import StateError, SymphonyError
from symphony_cli.paths import RunPaths


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the steps may take, in seconds: all together, one round of signals, and what is
    kept for git, and of that for a look at how large the workspace is."""

    total: float
    patience: float
    for_git: float
    for_size: float


ORDINARY = Pace(total=110.0, patience=5.0, for_git=35.0, for_size=5.0)
"""With the verdict that makes the two minutes of the act."""

HURRIED = Pace(total=2.5, patience=0.4, for_git=1.0, for_size=0.0)
"""The machine goes down, and five seconds have to do for supervisor and finish together."""

BY_SIGNAL = (Outcome.INTERRUPTED, "signal")
"""How the acts before call an end by SIGTERM without a stop file."""

NO_TICK = "SYMPHONY_NO_TICK"
"""Set to 1, no tick is started at the end."""


@dataclass(slots=True)
class Findings:
    """What the steps found out so far."""

    signalled: dict[int, Identity] = field(default_factory=dict)
    survivors: tuple[int, ...] = ()
    is_swept: bool = False
    """The last sweep came to its end, so that it is known who survives."""
    git: GitFacts | None = None
    workspace_bytes: int = 0
    troubles: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the act; ends the process with 0, or with a traceback in agent.log after a bug."""
    mine = act.take_over(arguments)
    knocked = threading.Event()
    act.listen(lambda number, frame: knocked.set())
    order = wiring.rooted(runfolder.order(mine.paths))
    with contextlib.ExitStack() as at_last:
        at_last.callback(_go_on, mine, order, knocked)
        at_last.callback(act.let_go, mine.locks)
        if not told(mine.paths, order):
            settle(mine, order)


def _go_on(mine: act.Act, order: Order, knocked: threading.Event) -> None:
    if not goes_down(mine.paths, knocked=knocked.is_set()):
        start_tick(order, dict(os.environ), mine.secrets)


def goes_down(paths: RunPaths, *, knocked: bool) -> bool:
    """Whether the run was ended by a signal for which nobody left a reason, or finish was sent one.

    Then the machine goes down, and a tick would start the next Codex in its last seconds; the
    timer's does that after the start.
    """
    if runfolder.stop_note(paths) is not None:
        return False
    try:
        closing = report.add_up(runfolder.report_lines(paths)).closing
    except StateError:
        closing = None
    by_signal = closing is not None and (closing.outcome, closing.reason) == BY_SIGNAL
    return knocked or by_signal


def told(paths: RunPaths, order: Order) -> bool:
    """Whether the verdict of this run is there already; one that cannot be read is not."""
    try:
        known = runfolder.verdict(paths)
    except StateError:
        return False
    return known is not None and known.run == order.run


def settle(mine: act.Act, order: Order) -> None:
    """All steps, and at last the verdict, whatever became of the steps."""
    processes.become_subreaper()
    heart = act.Heart(mine.paths, order.run, LAST_PHASE)
    reporter = runfolder.Reporter(mine.paths, clock.now, mine.secrets)
    brief, findings = known_brief(mine.paths, order), Findings()

    def last_word() -> None:
        lines = runfolder.report_lines(mine.paths)
        found = compose(
            order,
            brief,
            lines,
            clock.now(),
            git=findings.git,
            workspace_bytes=findings.workspace_bytes,
            survivors=findings.survivors,
            troubles=findings.troubles,
            rebooted=heart.rebooted,
        )
        runfolder.save(found, mine.paths.verdict, mine.secrets)

    with contextlib.ExitStack() as at_last:
        at_last.callback(heart.stop)
        at_last.callback(last_word)
        heart.start()
        reporter.tell(report.Phase(clock.now(), LAST_PHASE))
        at_last.callback(_tell_swept, reporter, findings)
        places = [str(mine.paths.folder), brief.workspace]
        at_last.callback(_make_sure, findings, lambda: remains(heart.file, places))
        take_steps(mine, order, brief, heart, findings)


def _make_sure(findings: Findings, find: Callable[[], list[Identity]]) -> None:
    """A sweep that had no time to end is no proof that nobody is left."""
    if not findings.is_swept:
        findings.survivors = still_there(find)


def _tell_swept(reporter: runfolder.Reporter, findings: Findings) -> None:
    ended = tuple(sorted(findings.signalled.keys() - findings.survivors))
    if ended:
        reporter.tell(report.Ended(reporter.now(), "sweep", ended))


def known_brief(paths: RunPaths, order: Order) -> Brief:
    """What prepare found; before it came that far, the workspace of the issue's earlier runs.

    That one has no base: what was there when this run began, nobody looked at.
    """
    try:
        found = runfolder.brief(paths)
    except StateError:
        found = None
    if found is not None:
        return found
    place = wiring.standing_workspace(order)
    return Brief(workspace=place, branch=order.settings.workspace.branch if place else "")


def take_steps(
    mine: act.Act, order: Order, brief: Brief, heart: act.Heart, findings: Findings
) -> None:
    """Sweep; then, where there is a workspace: after_run, sweep what it left, look at the work."""
    environment = agent_environment(os.environ, order.settings, order.run, order.thread)
    lines = runfolder.report_lines(mine.paths)
    pace = pace_of(lines)
    places = [str(mine.paths.folder), brief.workspace]

    def clean() -> None:
        findings.is_swept = False
        newest = partial(processes.children, os.getpid())
        find = partial(remains, heart.file, places)
        swept = sweep(find, pace.patience, newest, findings.signalled)
        findings.survivors, findings.is_swept = swept.survivors, True

    def hook() -> None:
        wiring.run_hook(
            "after_run",
            order,
            brief.workspace,
            environment,
            mine.paths.log,
            heart.group,
            mine.secrets,
        )

    def git() -> None:
        findings.git = GitFacts(branch=brief.branch, kept_because="its git facts could not be read")
        findings.git = wiring.git_facts(order, brief)

    def measure() -> None:
        findings.workspace_bytes = wiring.disk_use(brief.workspace, pace.for_size)

    def look() -> None:
        pids = ", ".join(map(str, strangers(heart.file, brief.workspace)))
        if pids:
            findings.troubles.append(
                f"pid {pids} began after this run and works in its workspace: should it be the"
                " agent's, end it"
            )

    steps = [Step("the sweep", clean, reserve=pace.for_git)]
    if brief.workspace and Path(brief.workspace).is_dir():
        steps += [
            Step("after_run", hook, reserve=pace.for_git + pace.patience),
            Step("the sweep", clean, reserve=pace.for_git),
            Step("keeping the work", git, reserve=pace.for_size),
            Step("measuring the workspace", measure),
        ]
        if was_lost(lines):
            steps.append(Step("looking for strangers", look))
    walk(steps, clock.monotonic() + pace.total, findings.troubles)


def was_lost(lines: Sequence[report.Line]) -> bool:
    """The run died before it could say how it ends."""
    return report.add_up(lines).closing is None


def pace_of(lines: Sequence[report.Line]) -> Pace:
    """A run that was interrupted has little time left."""
    closing = report.add_up(lines).closing
    hurried = closing is not None and closing.outcome is Outcome.INTERRUPTED
    return HURRIED if hurried else ORDINARY


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that finish does; `reserve` are the seconds that it must leave for later steps."""

    name: str
    do: Callable[[], None]
    reserve: float = 0.0


def walk(steps: Sequence[Step], deadline: float, troubles: list[str]) -> None:
    """Take every step, though one before it failed or met a bug; bugs are raised at the end."""
    with contextlib.ExitStack() as rest:
        for step in reversed(steps):
            rest.callback(_take, step, deadline, troubles)


def _take(step: Step, deadline: float, troubles: list[str]) -> None:
    try:
        with act.within(deadline - step.reserve - clock.monotonic(), step.name):
            step.do()
    except SymphonyError as error:
        troubles.append(f"{step.name}: {error}")
    except BaseException as error:
        troubles.append(f"{step.name} met a bug, see agent.log: {error!r}")
        raise


def tick_command(workflow: str) -> list[str]:
    """The command line of one tick of this workflow."""
    return [sys.executable, "-P", "-m", "symphony_cli", "--workflow", workflow, "tick"]


def start_tick(order: Order, environ: Mapping[str, str], secrets: Sequence[str] = ()) -> None:
    """One tick that nobody waits for, so that the verdict need not wait for the timer.

    The tracker's key goes to it as it came to us, by pipe: its environment is read by agents.
    """
    if environ.get(NO_TICK) == "1":
        return
    workflow = order.settings.tracker.workflow
    mine = {name: value for name, value in environ.items() if name != MARKER}
    pipe = None
    if secrets:
        names = order.settings.tracker.secret_names
        pipe = processes.secret_pipe([f"{name}={secrets[0]}" for name in names])
        mine[processes.HANDED] = str(pipe)
    with contextlib.suppress(OSError):
        subprocess.Popen(
            tick_command(workflow),
            cwd=Path(workflow).parent,
            env=mine,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=() if pipe is None else (pipe,),
        )


if __name__ == "__main__":
    main()
