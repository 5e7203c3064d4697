"""Ask the tracker whether a run shall go on: `python -m symphony_cli.errands.refresh RUN_DIR`.

The supervisor starts this between turns. One line of JSON on stdout says what to do, whatever the
tracker answered; the exit code is 0 unless the command line is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from symphony_cli import clock, processes, runfolder, wiring
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules, refusal
from symphony_cli.core.refresh import Mutation, Question, settled_at
from symphony_cli.core.secrets import redact
from symphony_cli.core.snapshot import Read
from symphony_cli.errands import mutations
from symphony_cli.errands.call import Call, called
from symphony_cli.errands.sharing import Meeting, shared
from symphony_cli.errors import ExitCode, KeyRejected, SymphonyError, UsageError
from symphony_cli.ids import IssueId, digest
from symphony_cli.paths import StatePaths
from symphony_cli.ports import Tracker

DEADLINE = 30.0
"""Seconds after which nothing is tried any more: the last request may take a while, and the
supervisor, which asks anew later, ends an errand after a minute."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run shall do, and why.

    `go_on`: the next turn may start. `handed_over`: the issue left the active states (`reason` is
    the new one); no further turn. `stop`: at once (`reason` is a `Why`). `unknown`: nobody could
    tell (`reason` is `tracker`, `unreadable` or `missing`); ask again later, conclude nothing. With
    the reason `key` nobody will ever tell this run: it has the key that it was started with.
    """

    standing: Literal["go_on", "stop", "handed_over", "unknown"]
    reason: str = ""
    detail: str = ""
    state: str = ""


def judge(issue: Issue, rules: Rules) -> Standing:
    """What a run of `issue` shall do. A blocker that opened meanwhile stops nobody at work."""
    refused = refusal(issue, rules)
    if refused is not None and refused.at_once:
        return Standing("stop", str(refused.why), refused.detail, issue.state)
    if refused is not None and not rules.is_active(issue.state):
        return Standing("handed_over", issue.state, refused.detail, issue.state)
    return Standing("go_on", state=issue.state)


def standing(tracker: Tracker, issue: IssueId, rules: Rules) -> Standing:
    """Read the issue from a tracker without limits and judge it. One that is missing is asked for
    once more, because an editor that saves by renaming takes a file away for an instant."""
    try:
        answer = tracker.read([issue], texts=False)
        if issue in answer.missing:
            answer = tracker.read([issue], texts=False)
    except SymphonyError as error:
        return _untold(error)
    return _of(issue, answer.issues, answer.unknown, rules)


def _untold(error: SymphonyError) -> Standing:
    """The tracker did not answer. A key that is not accepted will not be when it is asked again."""
    reason = "key" if isinstance(error, KeyRejected) else "tracker"
    return Standing("unknown", reason, str(error))


def _of(
    issue: IssueId, issues: Sequence[Issue], unknown: Mapping[IssueId, str], rules: Rules
) -> Standing:
    """What an answer means for one issue. Whether one that is missing is gone for good is for the
    tick to find out."""
    for found in issues:
        if found.id == issue:
            return judge(found, rules)
    if issue in unknown:
        return Standing("unknown", "unreadable", unknown[issue])
    return Standing("unknown", "missing", f"the tracker has no issue {issue} just now")


def shared_standing(
    question: Question,
    rules: Rules,
    meeting: Meeting,
    until: float,
    mutation: Mutation | None = None,
) -> Standing:
    """Judge the issue by an answer that all runs share; no request is begun after `until`.

    After the agent's own last change a row that says "go on" is doubted until the change must be
    visible everywhere, and asked for again then: a further turn on an issue that was handed over
    costs money, waiting five seconds does not. Rows that end the run are believed at once.
    """
    settled = settled_at(mutation, question.boot, clock.monotonic())
    try:
        answer = shared(question, meeting, until)
        found = _of(question.issue, answer.issues, answer.unknown, rules)
        if found.standing != "go_on" or answer.sent >= settled:
            return found
        clock.sleep(max(0.0, settled - clock.monotonic()))
        answer = shared(replace(question, asked=settled), meeting, until)
    except SymphonyError as error:
        return _untold(error)
    return _of(question.issue, answer.issues, answer.unknown, rules)


def find_out(call: Call) -> Standing:
    """How the run's issue stands. A tracker that has an allowance is asked once for all runs; one
    without is read at once, since nothing would be saved."""
    until = clock.monotonic() + DEADLINE
    try:
        order = runfolder.order(call.paths)
        tracker = wiring.open_tracker(order, call.secrets)
        if tracker.gauge() is None:
            return standing(tracker, order.issue.id, order.settings.rules)
    except SymphonyError as error:
        return _untold(error)
    ref, state = order.settings.tracker, StatePaths(Path(order.state_dir))

    def read(ids: tuple[IssueId, ...]) -> Read:
        left = max(0.0, until - clock.monotonic())
        return wiring.open_tracker(order, call.secrets, left).read(ids, texts=False)

    source = digest("\x1f".join((ref.kind, ref.scope, ref.project, *call.secrets)), 16)
    meeting = Meeting(
        file=state.refresh,
        take=partial(wiring.take_refresh_lock, state),
        living=partial(wiring.living_issues, order),
        read=read,
        secrets=call.secrets,
    )
    question = Question(order.issue.id, source, processes.boot_id(), call.asked)
    mutation = mutations.last(call.paths)
    return shared_standing(question, order.settings.rules, meeting, until, mutation)


def main(arguments: Sequence[str]) -> int:
    """Print the standing of the run in the folder that `arguments` names."""
    try:
        call = called("refresh", arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    answer = find_out(call)
    print(redact(json.dumps(asdict(answer), ensure_ascii=False), call.secrets))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
