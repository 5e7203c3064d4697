"""Which issues are ours to work: one table, one function, for every path to a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import STOP_LABELS, Policy, Refusal, Rules, refusal
from symphony_cli.core.reasons import Why
from tests.builders import blocker, issue
from tests.values import any_of

OURS = Rules(required_labels=("agent",), assignee="Robin")
CARED_FOR: dict[str, Any] = {"labels": ("agent",), "assignee": "robin"}


def not_active(state: str, at_once: bool = False) -> Refusal:
    return Refusal(Why.NOT_ELIGIBLE, f"its state is {state}", at_once=at_once, stranger=True)


def stopped_by(label: str) -> Refusal:
    detail = f"it carries the stop label {label}; take it off to let it run"
    return Refusal(Why.LABEL, detail, at_once=True, leaves=False)


LACKS_LABEL = Refusal(Why.LABEL, "it lacks the required label 'agent'", at_once=True, stranger=True)
NOT_OURS = Refusal(Why.ASSIGNEE, "it is not assigned to Robin", at_once=True, stranger=True)
IN_BIN = Refusal(Why.NOT_ELIGIBLE, "it is archived or in the bin", at_once=True)


def waits_for(name: str, state: str) -> Refusal:
    return Refusal(Why.BLOCKER, f"{name} must close first (it is {state})", leaves=False)


TABLE: list[tuple[str, Issue, Rules, Refusal | None]] = [
    ("an active state", issue(), Rules(), None),
    ("names compare trimmed and without case", issue(state="  in   PROGRESS "), Rules(), None),
    ("a state nobody named", issue(state="Backlog"), Rules(), not_active("Backlog")),
    ("no state at all", issue(state=""), Rules(), not_active("empty")),
    ("a terminal state", issue(state="Done"), Rules(), not_active("Done")),
    ("cancelled stops at once", issue(state="Cancelled"), Rules(), not_active("Cancelled", True)),
    ("duplicate stops at once", issue(state="Duplicate"), Rules(), not_active("Duplicate", True)),
    (
        "a stop label stops at once whoever is handing over",
        issue(state="Human Review", labels=("hands off",)),
        Rules(stop_labels=("hands off",)),
        not_active("Human Review and it carries the stop label hands off", True),
    ),
    (
        "terminal wins over active",
        issue(),
        Rules(active_states=("todo",), terminal_states=("todo",)),
        not_active("Todo"),
    ),
    ("archived", issue(archived=True), Rules(), IN_BIN),
    ("archived wins over its state", issue(state="Done", archived=True), Rules(), IN_BIN),
    ("everything as wanted", issue(**CARED_FOR), OURS, None),
    ("label in another case", issue(labels=("AGENT ",), assignee="Robin"), OURS, None),
    ("no required label", issue(assignee="Robin"), OURS, LACKS_LABEL),
    (
        "one of two required labels",
        issue(labels=("agent",)),
        Rules(required_labels=("agent", "safe")),
        Refusal(Why.LABEL, "it lacks the required label 'safe'", at_once=True, stranger=True),
    ),
    ("somebody else's", issue(labels=("agent",), assignee="kim"), OURS, NOT_OURS),
    ("nobody's", issue(labels=("agent",)), OURS, NOT_OURS),
    (
        "known by another of his names",
        issue(labels=("agent",), assignee="user_7", assignee_aliases=("r@example.org", "ROBIN")),
        OURS,
        None,
    ),
    ("stop label of ours", issue(labels=("Symphony-Stuck",)), Rules(), stopped_by(STOP_LABELS[1])),
    (
        "stop label of WORKFLOW.md",
        issue(labels=("hands off",)),
        Rules(stop_labels=("hands off",)),
        stopped_by("hands off"),
    ),
    (
        "two stop labels: the same one is named each time",
        issue(labels=STOP_LABELS[::-1]),
        Rules(),
        stopped_by("symphony-budget-exceeded"),
    ),
    (
        "a stop label keeps the place of an issue that waits for a blocker",
        issue(labels=("symphony-stuck",), blocked_by=(blocker(),)),
        Rules(),
        stopped_by("symphony-stuck"),
    ),
    ("open blocker", issue(blocked_by=(blocker(),)), Rules(), waits_for("ABC-9", "Todo")),
    (
        "a blocker nobody could read counts as open",
        issue(blocked_by=(blocker(state="", open=None),)),
        Rules(),
        waits_for("ABC-9", "not known"),
    ),
    ("closed blocker", issue(blocked_by=(blocker(state="Done", open=False),)), Rules(), None),
    (
        "one of two blockers closed",
        issue(blocked_by=(blocker("ABC-8", "Done", False), blocker("ABC-9", "Doing"))),
        Rules(),
        waits_for("ABC-9", "Doing"),
    ),
    (
        "a blocker does not matter once work has begun",
        issue(state="In Progress", blocked_by=(blocker(),)),
        Rules(),
        None,
    ),
]


@pytest.mark.parametrize(
    ("told", "rules", "refused"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_issue_and_rules_give_one_refusal(
    told: Issue, rules: Rules, refused: Refusal | None
) -> None:
    assert refusal(told, rules) == refused


@given(any_of(Issue), any_of(Rules))
def test_any_issue_under_any_rules_has_an_answer(told: Issue, rules: Rules) -> None:
    refused = refusal(told, rules)
    if refused is None:
        assert rules.is_active(told.state) and not rules.is_terminal(told.state)
    else:
        assert refused.detail and refusal(told, rules) == refused


@given(any_of(Issue), any_of(Rules))
def test_long_texts_and_dates_decide_nothing(told: Issue, rules: Rules) -> None:
    assert refusal(told.facts(), rules) == refusal(told, rules)


@given(st.text())
def test_a_name_in_normal_form_stays_as_it_is(name: str) -> None:
    assert norm(norm(name)) == norm(name)


def test_facts_are_stale_after_three_intervals() -> None:
    assert Policy(interval=20.0).stale_after == 60.0
