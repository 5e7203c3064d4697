"""The few words for why something is as it is; one list each, used in every file and on screen."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """Why an issue was passed over in a tick."""

    SLOTS = "slots"
    STATE_CAP = "state_cap"
    BLOCKER = "blocker"
    LABEL = "label"
    ASSIGNEE = "assignee"
    PROJECT = "project"
    BLOCK = "block"
    BACKOFF = "backoff"
    PROVIDER = "provider"
    ENVIRONMENT = "environment"
    TRACKER = "tracker"
    DISK = "disk"
    DAY_BUDGET = "day_budget"
    PAUSED = "paused"
    DEADLINE = "deadline"
    LOCK = "lock"
    POLICY = "policy"
    NOT_ELIGIBLE = "not_eligible"
    BUG = "bug"


WHAT_CHANGES: dict[Why, str] = {
    Why.SLOTS: "a run that ends, or a higher `agent.max_concurrent_agents`",
    Why.STATE_CAP: "a run in this state that ends, or a higher"
    " `agent.max_concurrent_agents_by_state`",
    Why.BLOCKER: "closing, cancelling or deleting what blocks it",
    Why.LABEL: "its labels in the tracker",
    Why.ASSIGNEE: "its assignee in the tracker, or `tracker.assignee`",
    Why.PROJECT: "moving it into the project",
    Why.BLOCK: "what its block names",
    Why.BACKOFF: "time, or `symphony retry ISSUE`",
    Why.PROVIDER: "time: a probe goes when the wait is over, and its first answer lets all go on",
    Why.ENVIRONMENT: "mending what the error names: a probe goes after the wait and lets all go on",
    Why.TRACKER: "the next read of the tracker that succeeds",
    Why.DISK: "free room for workspaces (`symphony gc`), or a lower floor in WORKFLOW.md",
    Why.DAY_BUDGET: "time, or a higher `agent.max_tokens_per_day`",
    Why.PAUSED: "`symphony resume`",
    Why.DEADLINE: "the next tick, in which it goes first",
    Why.LOCK: "the end of the process that holds its lock",
    Why.POLICY: "mending WORKFLOW.md",
    Why.NOT_ELIGIBLE: "its state in the tracker",
    Why.BUG: "a Symphony without this bug: please report it",
}
"""What would let an issue go on that was passed over for a reason."""


class BlockReason(StrEnum):
    """Why an issue waits for a person."""

    BUDGET = "budget"
    ATTEMPTS = "attempts"
    REWORK = "rework"
    INPUT = "input"
    APPROVAL = "approval"
    ELICITATION = "elicitation"
    MERGED = "merged"
    AGENT = "agent"
    OPERATOR = "operator"
    INVALID = "invalid"


class Cause(StrEnum):
    """What cleared a block."""

    UNBLOCK = "unblock"
    """`symphony unblock`."""
    LABEL = "label"
    """A person took our label off in the tracker."""
    COMMENT = "comment"
    """A person wrote something after our question."""
    LIMIT = "limit"
    """WORKFLOW.md allows more than was used up."""


class Outcome(StrEnum):
    """How a run ended, by what it means for its issue."""

    HANDED_OVER = "handed_over"
    """The issue left the active states; the agent is done with it for now."""
    ROLLED_OVER = "rolled_over"
    """`agent.max_turns` is used up (or the prompt changes); the next run goes on."""
    NOT_ELIGIBLE = "not_eligible"
    """Prepare found that the issue must not be worked; nothing was started."""
    STOPPED = "stopped"
    """A stop file said so; `reason` is what it said."""
    INTERRUPTED = "interrupted"
    """The machine or a person ended the process; nobody's fault."""
    LOST = "lost"
    """The run died without a word; finish, started by a tick, wrote this verdict."""
    FAILED = "failed"
    """A turn failed, or Codex did."""
    STALLED = "stalled"
    """Silent too often."""
    TIMED_OUT = "timed_out"
    """`codex.run_limit_ms` or `codex.turn_limit_ms` was reached."""
    OVER_BUDGET = "over_budget"
    """The token budget was reached in the middle of a turn."""
    ASKED = "asked"
    """The agent asked something that policy leaves to a person; `reason` is a BlockReason."""
    TRACKER = "tracker"
    """The tracker could not be reached between turns for too long."""
    ENVIRONMENT = "environment"
    """Failed before the first answer of the model: clone, hook, launch, login, configuration."""
    PROVIDER = "provider"
    """The model's provider: usage limit, overload, network."""


NEVER_SWEPT = "finish_died"
"""Of a run whose last act never came to its end: nobody knows whether anything of it is alive."""


FAULT_OF_ISSUE = frozenset({Outcome.LOST, Outcome.FAILED, Outcome.STALLED, Outcome.TIMED_OUT})
"""Outcomes that count as a failure of the issue's attempt and lead to a retry with backoff."""


FRUITLESS = frozenset({Outcome.NOT_ELIGIBLE, Outcome.TRACKER})
"""Outcomes of runs that came to nothing because the tracker said otherwise, or nothing."""


class RetryKind(StrEnum):
    """Why a run that is not the first one starts; the prompt may ask for it."""

    CONTINUATION = "continuation"
    RETRY = "retry"
    RESUMED = "resumed"
    """After a block was cleared or a run was interrupted or stopped."""
