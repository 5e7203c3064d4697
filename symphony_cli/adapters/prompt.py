"""Prompts: Jinja2, sandboxed and strict, with what Liquid bodies need.

A template comes from the operator, its values come from strangers: an issue's text is only ever a
value and is never parsed. Jinja2 is imported with this module, so import it only where a template
is checked or rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from textwrap import indent
from types import TracebackType

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from symphony_cli.adapters import liquid
from symphony_cli.core.issue import Blocker, Comment, Issue, norm
from symphony_cli.core.reasons import Outcome, RetryKind
from symphony_cli.core.run import PreviousAttempt, PromptSettings
from symphony_cli.core.shape import Json
from symphony_cli.core.times import stamp
from symphony_cli.errors import ConfigError, PromptError, PromptTooLong

LONGEST = 1_048_576
"""Characters; Codex refuses longer prompts (`input_too_large`, measured with 0.163 and 0.169)."""

MOST_COMMENTS = 200_000
"""Characters of all comments together that a template gets; the newest count."""

_LONGEST_QUOTED = 120

DEFAULT = """\
You work on one issue of an issue tracker, alone and without a person at hand. The repository is in
the current folder. Do what the issue asks, run the tests, and commit your work in small steps.

Issue {{ issue.identifier }}: {{ issue.title }}

{% if issue.description %}{{ issue.description }}{% else %}No description is given.{% endif %}"""
"""The prompt of a WORKFLOW.md that has none."""

_CONTINUATION = """\
The last turn ended and the issue is still in an active state, so go on. This is turn {turn} of
{max_turns}. Everything you did is still in the workspace and above in this conversation: do not
start again and do not repeat the task. Do what is left, or bring the issue into its next state when
nothing is. Stop early only when something that you cannot get yourself is missing, and say what."""

_FAULTS = (
    TemplateError,
    SyntaxError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
"""What an expression in a template can raise; the sandbox turns everything unsafe into one."""

_FOREIGN_TAGS: dict[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Extends: "extends",
    nodes.Import: "import",
    nodes.FromImport: "import",
}


def _shown(value: object) -> object:
    """How a value looks in a prompt: as in Liquid, nothing for none, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=_shown,
        extensions=["jinja2.ext.loopcontrols"],
        keep_trailing_newline=True,
    )


def check_template(text: str, file: str, first_line: int) -> None:
    """Whether a template can be parsed. `first_line` is the line of `file` that it begins in.

    Unknown variables and filters are left to `render`: they are the trouble of one run.

    Raises:
        ConfigError: it cannot; names file and line, and what to write instead of Liquid.
    """
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        fault = _sentence(text, error.lineno, error.message or "")
        raise ConfigError(f"{file}, line {first_line + error.lineno - 1}: {fault}") from error
    for node in tree.find_all(tuple(_FOREIGN_TAGS)):
        tag = _FOREIGN_TAGS[type(node)]
        raise ConfigError(
            f"{file}, line {first_line + node.lineno - 1}: {{% {tag} %}} cannot be used:"
            f" {liquid.tag_advice(tag)}."
        )


def render(
    settings: PromptSettings,
    issue: Issue,
    attempt: int | None,
    retry_kind: RetryKind | None,
    previous: PreviousAttempt | None,
    comments: Sequence[Comment] = (),
) -> str:
    """The prompt for one run; the template is chosen by the issue's state.

    `attempt`, `retry_kind` and `previous` are None on the first run; `comments` are the new ones.
    After a question they are in the prompt though the template has no place for them: one of them
    may be the answer.

    Raises:
        PromptError: an unknown variable or filter; names the line.
        PromptTooLong: the issue has so much text that Codex would refuse the prompt.
    """
    text, where, first_line = _template(settings, issue.state)
    values = {
        "issue": fields(issue),
        "attempt": attempt,
        "retry_kind": None if retry_kind is None else retry_kind.value,
        "previous_attempt": None if previous is None else _previous(previous),
        "comments": [*_told(comments)],
        "nil": None,
    }
    try:
        prompt = _environment().from_string(text).render(values)
        if comments and previous is not None and previous.outcome == Outcome.ASKED:
            prompt = prompt if _tells_comments(text) else _answered(prompt, _told(comments))
    except _FAULTS as error:
        line = _line_of(error)
        fault = _sentence(text, line, str(error))
        raise PromptError(f"{where}, line {line + first_line - 1}: {fault}") from error
    if len(prompt) > LONGEST:
        raise PromptTooLong(
            f"The prompt for {issue.identifier} has {len(prompt):,} characters and Codex takes"
            f" {LONGEST:,}: shorten the issue or the template."
        )
    return prompt


def continuation() -> str:
    """What a thread is told in further turns; `{turn}` and `{max_turns}` are left to be filled."""
    return _CONTINUATION


def lexed(text: str) -> Iterator[tuple[int, str, str]]:
    """A template as Jinja2 takes it apart: line, kind (`data` is static text) and text; joined
    again, the texts render the same."""
    return _environment().lex(text)


def _template(settings: PromptSettings, state: str) -> tuple[str, str, int]:
    """Text, the name of where it stands, and the number of its first line there."""
    if norm(state) in settings.by_state:
        place = f"WORKFLOW.md, agent.prompt_template_by_state, {state}"
        return settings.by_state[norm(state)], place, 1
    if settings.template.strip():
        return settings.template, "WORKFLOW.md", settings.line
    return DEFAULT, "The built-in prompt", 1


def fields(issue: Issue) -> dict[str, Json]:
    """An issue as templates see it; dates are ISO 8601, labels in lower case.

    `branch_name` and `assignee_id` are the names that other Symphonies use.
    """
    return {
        "id": issue.id,
        "identifier": issue.identifier,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "url": issue.url,
        "priority": issue.priority,
        "labels": [norm(label) for label in issue.labels],
        "assignee": issue.assignee,
        "assignee_id": issue.assignee,
        "blocked_by": [_blocker(blocker) for blocker in issue.blocked_by],
        "branch": issue.branch,
        "branch_name": issue.branch,
        "pr": issue.pr,
        "project": issue.project,
        "archived": issue.archived,
        "created_at": _date(issue.created_at),
        "updated_at": _date(issue.updated_at),
        "comments": [*_told(issue.comments)],
    }


def _blocker(blocker: Blocker) -> dict[str, Json]:
    return {
        "id": blocker.id,
        "identifier": blocker.identifier,
        "state": blocker.state,
        "open": blocker.open,
    }


def _tells_comments(text: str) -> bool:
    """Whether a template says anything of comments."""
    tree = _environment().parse(text)
    named = any(node.name == "comments" for node in tree.find_all(nodes.Name))
    return named or any(node.attr == "comments" for node in tree.find_all(nodes.Getattr))


def _answered(prompt: str, comments: Sequence[dict[str, Json]]) -> str:
    """The prompt, and below it what was said since a question, each line as a quote."""
    said = "\n".join(
        f"\n{comment['author'] or 'Somebody'}:\n{indent(str(comment['body']), '> ', bool)}"
        for comment in comments
    )
    return f"{prompt.rstrip()}\n\nSince your question, this was written on the issue:\n{said}\n"


def _told(comments: Sequence[Comment]) -> list[dict[str, Json]]:
    """The newest comments, oldest first, as many as fit; before them, how many did not."""
    told: list[dict[str, Json]] = []
    room = MOST_COMMENTS
    for comment in reversed(comments):
        if told and len(comment.body) > room:
            break
        body = comment.body[:room]
        room -= len(body)
        told.insert(0, _comment(replace(comment, body=body)))
    left = len(comments) - len(told)
    if left:
        said = f"[older comments that are left out here: {left}; the tracker has them]"
        # Not flagged as a program's, for templates that leave those out must not leave this out.
        told.insert(0, _comment(Comment(said, "symphony", comments[0].created_at)))
    return told


def _comment(comment: Comment) -> dict[str, Json]:
    return {
        "author": comment.author,
        "body": comment.body,
        "created_at": _date(comment.created_at),
        "bot": comment.bot,
    }


def _previous(previous: PreviousAttempt) -> dict[str, Json]:
    return {
        "outcome": previous.outcome,
        "reason": previous.reason,
        "last_agent_message": previous.last_agent_message,
        "dirty_files": list(previous.dirty_files),
        "commits_ahead": previous.commits_ahead,
        "diffstat": previous.diffstat,
        "turns_used": previous.turns_used,
        "token_total": previous.token_total,
    }


def _date(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _line_of(error: BaseException) -> int:
    """The template's line: of the syntax, or of the last frame that Jinja2 calls `<template>`."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    line, trace = 1, error.__traceback__
    while trace is not None:
        line = _template_line(trace) or line
        trace = trace.tb_next
    return line


def _template_line(trace: TracebackType) -> int | None:
    ours = trace.tb_frame.f_code.co_filename in ("<template>", "<unknown>")
    return trace.tb_lineno if ours else None


def _sentence(text: str, line: int, message: str) -> str:
    """Jinja2's message, the line it is about, and what to write instead if we know it."""
    lines = text.split("\n")
    quoted = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    said = message.split(" Jinja was looking for")[0].rstrip(".")
    told = liquid.advice(said, quoted) or "correct the template"
    return f"{said} in `{quoted[:_LONGEST_QUOTED]}`: {told}."
