"""Ask the tracker whether a run shall go on: `python -m symphony_cli.errands.refresh RUN_DIR`.

The supervisor starts this between turns. One line of JSON on stdout says what to do, whatever the
tracker answered; the exit code is 0 unless the command line is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from symphony_cli import runfolder, wiring
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules, refusal
from symphony_cli.core.secrets import redact
from symphony_cli.errands.call import called
from symphony_cli.errors import ExitCode, SymphonyError, UsageError
from symphony_cli.ids import IssueId
from symphony_cli.ports import Tracker


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run shall do, and why.

    `go_on`: the next turn may start. `handed_over`: the issue left the active states (`reason` is
    the new one); no further turn. `stop`: at once (`reason` is a `Why`). `unknown`: nobody could
    tell (`reason` is `tracker`, `unreadable` or `missing`); ask again later, conclude nothing.
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
    """Read the issue and judge it. One that is missing is asked for once more, because an editor
    that saves by renaming takes a file away for an instant; whether it is gone for good is for
    the tick to find out."""
    try:
        answer = tracker.read([issue])
        if issue in answer.missing:
            answer = tracker.read([issue])
    except SymphonyError as error:
        return Standing("unknown", "tracker", str(error))
    for found in answer.issues:
        if found.id == issue:
            return judge(found, rules)
    if issue in answer.unknown:
        return Standing("unknown", "unreadable", answer.unknown[issue])
    return Standing("unknown", "missing", f"the tracker has no issue {issue} just now")


def main(arguments: Sequence[str]) -> int:
    """Print the standing of the run in the folder that `arguments` names."""
    try:
        call = called("refresh", arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    try:
        order = runfolder.order(call.paths)
        answer = standing(wiring.open_tracker(order), order.issue.id, order.settings.rules)
    except SymphonyError as error:
        answer = Standing("unknown", "tracker", str(error))
    print(redact(json.dumps(asdict(answer), ensure_ascii=False), call.secrets))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
