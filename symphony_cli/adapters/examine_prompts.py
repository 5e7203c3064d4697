"""Templates, rendered for two invented issues and two attempts that differ in all they can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from symphony_cli.adapters import prompt
from symphony_cli.adapters.prompt_layout import marked, pieces
from symphony_cli.core.examined import Prompt
from symphony_cli.core.issue import Blocker, Comment, Issue, norm
from symphony_cli.core.policy import Rules
from symphony_cli.core.prompt_order import order
from symphony_cli.core.reasons import RetryKind
from symphony_cli.core.run import PreviousAttempt, PromptSettings
from symphony_cli.errors import PromptError
from symphony_cli.ids import IssueId

_FULL = Issue(
    IssueId("1b5c"),
    "ONE-1",
    "First title",
    "",
    url="https://example.org/ONE-1",
    description="Some words.",
    labels=("backend",),
    priority=1,
    assignee="ada",
    blocked_by=(Blocker("NINE-9", "Done", open=False),),
    branch="one/first",
    pr="https://example.org/pull/1",
    project="first",
    created_at=datetime(2026, 1, 5, tzinfo=UTC),
    updated_at=datetime(2026, 1, 6, tzinfo=UTC),
    comments=(Comment("A remark.", "Ada", datetime(2026, 1, 6, tzinfo=UTC)),),
)
_BARE = Issue(IssueId("2f00"), "TWO-2", "Another", "")
_BEFORE = PreviousAttempt("failed", "stalled", "I tried.", ("a.py",), 2, "a.py | 2 +-", 3, 4000)


def prompts(settings: PromptSettings, rules: Rules) -> tuple[Prompt, ...]:
    """Each template of WORKFLOW.md, or the built-in one, with the order of what it renders to."""
    return tuple(_prompts(settings, rules))


def _prompts(settings: PromptSettings, rules: Rules) -> Iterator[Prompt]:
    states = [state for state in rules.active_states if norm(state) not in settings.by_state]
    text, where = settings.template, "WORKFLOW.md"
    if not text.strip():
        text, where = prompt.DEFAULT, "The built-in prompt"
    if states:
        yield _prompt(where, PromptSettings(text, line=settings.line), (states[0], states[-1]))
    for state, own in settings.by_state.items():
        where = f"agent.prompt_template_by_state, {state}"
        yield _prompt(where, PromptSettings(own), (state, state))


def _prompt(where: str, settings: PromptSettings, states: tuple[str, str]) -> Prompt:
    text, static = marked(settings.template)
    try:
        _rendered(settings, states)  # so that an error quotes the template as it is
        renderings = _rendered(replace(settings, template=text), states)
    except PromptError as error:
        return Prompt(where, error=str(error))
    told = [pieces(rendering, settings.line) for rendering in renderings]
    return Prompt(where, order(told, static))


def _rendered(settings: PromptSettings, states: tuple[str, str]) -> list[str]:
    one, other = replace(_FULL, state=states[0]), replace(_BARE, state=states[1])
    again = RetryKind.RETRY
    return [
        prompt.render(settings, one, None, None, None),
        prompt.render(settings, other, None, None, None),
        prompt.render(settings, one, 2, again, _BEFORE, one.comments),
    ]
