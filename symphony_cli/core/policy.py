"""The numbers and names an operator may choose, as decisions need them.

`adapters.workflow` makes these values from WORKFLOW.md; units are seconds, tokens and counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.reasons import BlockReason, Why

STOP_LABELS = ("symphony-budget-exceeded", "symphony-stuck")
"""Always stop labels, whatever WORKFLOW.md says; we set them ourselves on a block."""

BUDGET_LABEL, STUCK_LABEL = STOP_LABELS


def label_of(reason: BlockReason) -> str:
    """The label that tells people of a block; empty for one by a person, which has none."""
    if reason is BlockReason.OPERATOR:
        return ""
    return BUDGET_LABEL if reason is BlockReason.BUDGET else STUCK_LABEL


@dataclass(frozen=True, slots=True)
class Rules:
    """Which issues are ours to work. States and labels are in normal form (`issue.norm`)."""

    active_states: tuple[str, ...] = ("todo", "in progress")
    terminal_states: tuple[str, ...] = ("closed", "cancelled", "canceled", "duplicate", "done")
    blocked_states: tuple[str, ...] = ("todo",)
    required_labels: tuple[str, ...] = ()
    stop_labels: tuple[str, ...] = STOP_LABELS
    assignee: str | None = None
    project: str | None = None
    """As in WORKFLOW.md; None for a tracker without projects."""

    def is_active(self, state: str) -> bool:
        """Whether work is wanted in this state."""
        return norm(state) in self.active_states and norm(state) not in self.terminal_states

    def is_terminal(self, state: str) -> bool:
        """Whether an issue in this state is over."""
        return norm(state) in self.terminal_states


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an issue may not be worked: the reason, and the fact that decided it."""

    why: Why
    detail: str
    at_once: bool = False
    """A running agent is stopped in the middle of its turn, not at its end."""
    leaves: bool = True
    """It loses its place in the queue; otherwise it keeps it and waits."""
    stranger: bool = False
    """It was never meant for us: not worth remembering if we never worked it."""


CANCELLED_STATES = frozenset({"cancelled", "canceled", "duplicate"})


def refusal(issue: Issue, rules: Rules) -> Refusal | None:
    """Why `issue` is not ours to work now, or None when it is.

    One function for every path to a run and for every look between turns, so that they agree.
    """
    labels = {norm(label) for label in issue.labels}
    if issue.archived:
        return Refusal(Why.NOT_ELIGIBLE, "it is archived or in the bin", at_once=True)
    if rules.project is not None and issue.project != rules.project:
        detail = f"it is not in the project {rules.project}"
        return Refusal(Why.PROJECT, detail, at_once=True, stranger=True)
    held = sorted(labels.intersection(rules.stop_labels))
    if not rules.is_active(issue.state):
        cancelled = norm(issue.state) in CANCELLED_STATES
        detail = f"its state is {issue.state or 'empty'}"
        if held:  # whoever put it there does not want the last turn to come to its end
            detail += f" and it carries the stop label {held[0]}"
        at_once = cancelled or bool(held)
        return Refusal(Why.NOT_ELIGIBLE, detail, at_once=at_once, stranger=True)
    for label in rules.required_labels:
        if label not in labels:
            detail = f"it lacks the required label {label!r}"
            return Refusal(Why.LABEL, detail, at_once=True, stranger=True)
    names = {norm(name) for name in (issue.assignee or "", *issue.assignee_aliases)}
    if rules.assignee is not None and norm(rules.assignee) not in names:
        detail = f"it is not assigned to {rules.assignee}"
        return Refusal(Why.ASSIGNEE, detail, at_once=True, stranger=True)
    if held:
        detail = f"it carries the stop label {held[0]}; take it off to let it run"
        return Refusal(Why.LABEL, detail, at_once=True, leaves=False)
    return _blocker(issue, rules)


def _blocker(issue: Issue, rules: Rules) -> Refusal | None:
    if norm(issue.state) not in rules.blocked_states:
        return None
    for blocker in issue.blocked_by:
        if blocker.open is not False:
            state = blocker.state or "not known"
            detail = f"{blocker.identifier} must close first (it is {state})"
            return Refusal(Why.BLOCKER, detail, leaves=False)
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the plan goes by. Waits are in seconds; None means no limit."""

    rules: Rules = field(default_factory=Rules)
    interval: float = 30.0
    slots: int = 10
    slots_by_state: dict[str, int] = field(default_factory=dict)
    queue_order: str = "fifo"
    backoff_base: float = 10.0
    backoff_cap: float = 300.0
    max_tokens_per_issue: int | None = None
    max_tokens_per_day: int | None = None
    budget_warning: float = 0.8
    max_dispatch_attempts: int | None = None
    max_rework_cycles: int | None = None
    rework_states: tuple[str, ...] = ("rework",)
    """In normal form."""
    cached_token_weight: float = 0.0
    max_turns: int = 40
    fresh_thread_states: tuple[str, ...] = ()
    handoff_grace: float = 600.0
    min_free_bytes: int = 0
    min_free_inodes: int = 0
    keep_workspaces: int = 5
    """So many workspaces of issues that are over stay, the newest."""
    max_workspaces_bytes: int | None = None
    """Above this, workspaces of issues that are over go, the oldest first."""
    keep_run_days: int = 90
    """How long the run folders of issues that are over stay."""
    provider_hold: float = 900.0
    provider_hold_cap: float = 21600.0

    @property
    def stale_after(self) -> float:
        """How old facts may be when something is dispatched on them: three intervals."""
        return 3 * self.interval
