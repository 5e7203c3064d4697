"""Section `agent`: how much is worked at once, how often, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from symphony_cli.adapters.config.section import Names, Number, Section, Whole, key
from symphony_cli.core.issue import norm


def _named(values: Mapping[str, object]) -> Mapping[str, object]:
    for name in values:
        if not norm(name):
            raise ValueError("has a blank state name")
    return values


def _written(values: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in values.items():
        if not text.strip():
            raise ValueError(f"has a blank prompt for {name}: write one or remove the state")
    return values


StateCounts = Annotated[dict[str, Annotated[Whole, Field(gt=0)]], AfterValidator(_named)]
StatePrompts = Annotated[dict[str, str], AfterValidator(_named), AfterValidator(_written)]


class AgentSection(Section):
    """Slots, caps and budgets."""

    max_concurrent_agents: Whole = key(10, "So many runs at once.", gt=0)
    max_concurrent_agents_by_state: StateCounts = key(
        {}, "The same for issues in one state; others only share the total."
    )
    queue_order: Literal["fifo", "priority"] = key(
        "fifo", "Who goes first: who waited longest, or the most urgent."
    )
    max_turns: Whole = key(40, "Turns of one run; then the next run goes on.", gt=0)
    max_retry_backoff_ms: Whole = key(
        300_000, "The wait after failures doubles from 10 s up to this.", "ms", gt=0
    )
    max_dispatch_attempts: Whole | None = key(
        None, "Runs without progress before the issue is blocked.", shown="no limit", gt=0
    )
    max_rework_cycles: Whole | None = key(
        None,
        "So many entries into a rework state before the issue is blocked.",
        shown="no limit",
        ge=0,
    )
    rework_states: Names = key(("Rework",), "States that count as rework.")
    max_tokens_per_issue: Whole | None = key(
        None,
        "What an issue and its sub-agents may spend in its life: uncached input and output.",
        "tokens",
        shown="no limit",
        gt=0,
    )
    max_tokens_per_day: Whole | None = key(
        None,
        "What all issues may spend in 24 hours before nothing new is started.",
        "tokens",
        shown="no limit",
        gt=0,
    )
    cached_token_weight: Number = key(
        0.0, "How much a cached input token counts towards a budget.", "share", ge=0, le=1
    )
    budget_warning: Number = key(
        0.8, "At this share of its budget an issue is warned.", "share", gt=0, le=1
    )
    prompt_template_by_state: StatePrompts = key(
        {}, "Prompts for issues in some states, instead of the body of WORKFLOW.md.", "Jinja2"
    )
    fresh_thread_states: Names = key(
        (),
        "States in which each stay of an issue has a thread of its own, such as a review that must"
        " not know how the work was made.",
    )
    stop_continue_labels: Names = key(
        (),
        "An issue with one of these is not worked; `symphony-budget-exceeded` and"
        " `symphony-stuck` always belong to them.",
    )
    handoff_grace_ms: Whole = key(
        600_000, "How long a turn may go on after its issue left the active states.", "ms", ge=0
    )
    max_tracker_wait_ms: Whole = key(
        1_800_000,
        "How long a run waits between turns for a tracker that cannot be reached.",
        "ms",
        ge=0,
    )
