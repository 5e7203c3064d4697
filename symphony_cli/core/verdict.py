"""What everything that is known about a run adds up to. Pure: facts in, verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, GitFacts, Order, Verdict

LAST_PHASE = report.FINISHING
"""What finish calls itself in report and pid file."""


def compose(
    order: Order,
    brief: Brief,
    lines: Sequence[report.Line],
    now: datetime,
    *,
    git: GitFacts | None = None,
    workspace_bytes: int = 0,
    survivors: tuple[int, ...] = (),
    troubles: Sequence[str] = (),
    rebooted: bool = False,
) -> Verdict:
    """The verdict: what the run said of its end, or that it said nothing; figures from the report;
    what went wrong in the last act is told in the detail."""
    total = report.add_up(lines)
    closing = total.closing or _lost(lines, now, rebooted)
    threads = total.meter.threads
    thread = total.thread
    if thread is not None and thread.id in threads:
        thread = replace(thread, total=threads[thread.id].top)
    return Verdict(
        run=order.run,
        issue=order.issue.id,
        outcome=closing.outcome,
        reason=closing.reason,
        detail="; ".join(part for part in (closing.detail, *troubles) if part),
        answered=total.answered,
        turns=total.turns,
        cut_answers=total.cut_answers,
        thread=thread,
        usage={name: used.spent for name, used in threads.items()},
        totals={name: used.top for name, used in threads.items()},
        fresh_thread=total.fresh_thread,
        last_message=total.last_message,
        stalls=total.stalls,
        declines=total.declines,
        hold_until=closing.hold_until,
        limits=total.limits,
        workspace=brief.workspace,
        root=order.settings.workspace.root,
        branch=git.branch if git is not None and git.branch else brief.branch,
        base=brief.base,
        git=git,
        workspace_bytes=workspace_bytes,
        state=closing.state,
        told=total.told,
        killed={step: pids for step, pids in (total.killed or {}).items() if pids},
        survivors=survivors,
        started_at=lines[0].at if lines else order.ordered_at,
        ended_at=now,
    )


def _lost(lines: Sequence[report.Line], now: datetime, rebooted: bool) -> report.Closing:
    names = [line.name for line in lines if isinstance(line, report.Phase)]
    phases = [name for name in names if name != LAST_PHASE]
    where = f"in its phase {phases[-1]!r}" if phases else "before its first step"
    if rebooted:
        return report.Closing(
            now, Outcome.INTERRUPTED, "reboot", f"the machine was restarted {where}"
        )
    return report.Closing(
        now, Outcome.LOST, "no_verdict", f"it ended without a word {where}; see agent.log"
    )
