"""Limits that are edited reach a run that is at work, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Grant
from symphony_cli.core.events import Event
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import RunLimits
from symphony_cli.core.snapshot import Sighting
from symphony_cli.core.usage import Usage
from tests.builders import NOW, alive, dispatched, ended, enrol_all, over, rid, verdict
from tests.core.planning import ABC, POLICY, decided

FIRST = RunLimits(max_turns=40, tokens=900)
PAST = (*enrol_all("ABC-1"), dispatched(limits=FIRST))
BUDGET = replace(POLICY, max_tokens_per_issue=900)
RAISED = RunLimits(max_turns=40, tokens=2000)
GRANTED = e.Granted(NOW, ABC, rid(), RAISED)


def granted(
    *events: Event, policy: Policy = BUDGET, seen: Sighting | None = None, **world: object
) -> list[Grant]:
    found = decided(*events, policy=policy, runs={ABC: seen or alive()}, **world)
    return [one for one in found if isinstance(one, Grant)]


def test_limits_that_did_not_change_are_not_granted() -> None:
    assert granted(*PAST) == []


@pytest.mark.parametrize(
    ("edit", "limits"),
    [
        ({"max_tokens_per_issue": 2000}, RAISED),
        ({"max_tokens_per_issue": 10}, RunLimits(40, 10)),
        ({"max_tokens_per_issue": None}, RunLimits(40, None)),
        ({"max_turns": 3}, RunLimits(3, 900)),
        ({"cached_token_weight": 0.5}, RunLimits(40, 900, 0.5)),
    ],
)
def test_each_edited_limit_is_granted(edit: dict[str, object], limits: RunLimits) -> None:
    policy = replace(BUDGET, **edit)  # type: ignore[arg-type]
    assert granted(*PAST, policy=policy) == [Grant(ABC, rid(), limits)]


def test_a_grant_is_given_once_and_again_when_its_file_is_not_there() -> None:
    policy = replace(BUDGET, max_tokens_per_issue=2000)
    there = replace(alive(), granted=RAISED)
    assert granted(*PAST, GRANTED, policy=policy, seen=there) == []
    missing = granted(*PAST, GRANTED, policy=policy)
    assert missing == [Grant(ABC, rid(), RAISED, again=True)]


def test_what_earlier_runs_spent_is_not_granted_to_this_one() -> None:
    spent = ended(run="run_1", spent=Usage(input=300, total=300))
    past = (*PAST, spent, dispatched(run="run_2", limits=RunLimits(40, 600)))
    policy = replace(BUDGET, max_tokens_per_issue=1000)
    assert granted(*past, policy=policy, seen=alive("run_2")) == [
        Grant(ABC, rid("run_2"), RunLimits(40, 700))
    ]


def test_nothing_is_granted_to_a_run_that_ends_is_over_or_by_a_file_that_cannot_be_read() -> None:
    policy = replace(BUDGET, max_tokens_per_issue=2000)
    stopping = (*PAST, e.StopAsked(NOW, ABC, rid(), "operator"))
    finishing = (*PAST, e.Recovered(NOW, ABC, rid()))
    assert granted(*stopping, policy=policy) == []
    assert granted(*finishing, policy=policy) == []
    assert granted(*PAST, policy=policy, seen=over(verdict())) == []
    assert granted(*PAST, policy=policy, policy_error="line 3: no map") == []


def test_a_run_from_before_limits_were_written_down_is_given_todays() -> None:
    assert granted(*enrol_all("ABC-1"), dispatched(limits=None)) == [Grant(ABC, rid(), FIRST)]
