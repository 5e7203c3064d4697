from dataclasses import replace
from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.prompt import (
    LONGEST,
    MOST_COMMENTS,
    check_template,
    continuation,
    render,
)
from symphony_cli.core.issue import Blocker, Comment, Issue
from symphony_cli.core.reasons import RetryKind
from symphony_cli.core.run import PreviousAttempt, PromptSettings
from symphony_cli.errors import ConfigError, PromptError, PromptTooLong
from symphony_cli.ids import IssueId

ISSUE = Issue(
    IssueId("id-1"),
    "MT-1",
    "Make it so",
    "In Progress",
    url="https://tracker.example/MT-1",
    priority=2,
    labels=("Bug", " UI "),
    blocked_by=(Blocker("MT-0", "Todo", True),),
    branch="mt-1",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    description="The text.",
)


def rendered(template: str, issue: Issue = ISSUE, attempt: int | None = None) -> str:
    return render(PromptSettings(template, line=5), issue, attempt, None, None)


def test_issue_and_attempt_appear_in_the_prompt() -> None:
    template = "{{ issue.identifier }} {{ issue.title }} #{{ attempt }}"
    assert rendered(template, attempt=3) == "MT-1 Make it so #3"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("issue.created_at", "2026-01-02T03:04:05.000Z"),
        ("issue.updated_at", ""),
        ("issue.labels", "bug, ui"),
        ("issue.labels | join('/')", "bug/ui"),
        ("issue.priority", "2"),
        ("issue.assignee", ""),
        ("issue.url", "https://tracker.example/MT-1"),
        ("issue.branch_name", "mt-1"),
        ("issue.blocked_by[0].identifier", "MT-0"),
        ("issue.blocked_by[0].open", "true"),
        ("issue['title']", "Make it so"),
        ("attempt", ""),
        ("retry_kind", ""),
        ("previous_attempt", ""),
        ("missing | default('x')", "x"),
    ],
)
def test_every_kind_of_value_has_a_readable_form(expression: str, shown: str) -> None:
    assert rendered("{{ " + expression + " }}") == shown


LIQUID = """\
{% if attempt %}Attempt {{ attempt }}.{% endif %}{% if issue.description %}
{{ issue.description }}{% else %}none{% endif %}{% for b in issue.blocked_by %}
- {{ b.identifier }}: {{ b.state }}{% endfor %}{% if issue.assignee == nil %} free{% endif %}"""


def test_a_body_written_for_liquid_renders() -> None:
    assert rendered(LIQUID, attempt=2) == "Attempt 2.\nThe text.\n- MT-0: Todo free"
    assert rendered(LIQUID) == "\nThe text.\n- MT-0: Todo free"


def test_the_run_before_and_new_comments_can_be_told() -> None:
    settings = PromptSettings(
        "{{ retry_kind }}: {{ previous_attempt.outcome }}, {{ previous_attempt.dirty_files }},"
        " {{ previous_attempt.last_agent_message }}"
        "{% for c in comments %} {{ c.author }}: {{ c.body }}{% endfor %}"
    )
    previous = PreviousAttempt("lost", last_agent_message="half way", dirty_files=("a", "b"))
    prompt = render(settings, ISSUE, 2, RetryKind.RETRY, previous, [Comment("please", "Ada")])
    assert prompt == "retry: lost, a, b, half way Ada: please"


@pytest.mark.parametrize(
    ("template", "outcome", "prompt"),
    [
        (
            "Do it.",
            "asked",
            "Do it.\n\nSince your question, this was written on the issue:\n"
            "\nAda:\n> green\n> {{ x }}\n",
        ),
        ("Do it.", "failed", "Do it."),
        ("Do it: {{ comments | length }}.", "asked", "Do it: 1."),
        ("Do it: {{ issue.comments | length }}.", "asked", "Do it: 0."),
    ],
)
def test_an_answer_is_told_also_by_a_template_without_a_place_for_it(
    template: str, outcome: str, prompt: str
) -> None:
    previous, said = PreviousAttempt(outcome), [Comment("green\n{{ x }}", "Ada")]
    settings = PromptSettings(template)
    assert render(settings, ISSUE, 2, RetryKind.RESUMED, previous, said) == prompt


def test_the_text_of_an_issue_is_never_a_template() -> None:
    hostile = replace(ISSUE, description="{{ issue.title }}{% for %}{# x #}")
    assert rendered("{{ issue.description }}", hostile) == "{{ issue.title }}{% for %}{# x #}"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("a\n{{ nothing }}", "line 6: 'nothing' is undefined"),
        ("{{ issue.nothing }}", "line 5: 'dict object' has no attribute 'nothing'"),
        ("a\n\n{{ issue.title | shout }}", "line 7: No filter named 'shout'"),
        ("{{ issue.title | upcase }}", "No filter named 'upcase'"),
        ("{% if nothing %}x{% endif %}", "'nothing' is undefined"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ issue.title + 1 }}", "can only concatenate str"),
        ("{% break %}", "'break' outside loop"),
    ],
)
def test_what_only_a_run_can_find_is_the_trouble_of_that_run(template: str, told: str) -> None:
    check_template(template, "WORKFLOW.md", 5)
    with pytest.raises(PromptError) as caught:
        rendered(template)
    assert told in str(caught.value)
    assert str(caught.value).startswith("WORKFLOW.md, line ")


@pytest.mark.parametrize(
    "template",
    ["{{ ''.__class__.__mro__ }}", "{{ issue.labels.append('x') }}", "{{ range(10**9) | list }}"],
)
def test_the_sandbox_lets_nothing_out(template: str) -> None:
    with pytest.raises(PromptError):
        rendered(template)


@pytest.mark.parametrize(
    ("template", "write"),
    [
        ("{% unless a %}x{% endunless %}", "write {% if not … %} … {% endif %}"),
        ("{% if a %}{% elsif b %}{% endif %}", "write {% elif … %}"),
        ("{% case a %}{% when 1 %}{% endcase %}", "write {% if x == … %}"),
        ("{% assign a = 1 %}", "write {% set name = value %}"),
        ("{% capture a %}x{% endcapture %}", "write {% set name %} … {% endset %}"),
        ("{% comment %}x{% endcomment %}", "write {# … #}"),
        ("{% render 'x' %}", "there are no other files"),
        ("{% include 'x' %}", "there are no other files"),
        ("{{ a | default: 'x' }}", "write | default(…), with brackets instead of a colon"),
        ("{{ a | append: 'x' }}", "write a ~ b"),
        ("{% if a contains 'x' %}{% endif %}", "write {% if x in list %} for contains"),
        ("{% for i in (1..3) %}{% endfor %}", "write range(first, last + 1)"),
        ("{% for i in a limit:2 %}{% endfor %}", "write {% for x in list[start:end] %}"),
        ("{% for i in a reversed %}{% endfor %}", "write {% for x in list | reverse %}"),
        ("{% if a <> b %}{% endif %}", "write != for <>"),
    ],
)
def test_what_only_liquid_has_gets_a_sentence_that_says_what_to_write(
    template: str, write: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_template("first\n" + template, "/p/WORKFLOW.md", 10)
    assert str(caught.value).startswith("/p/WORKFLOW.md, line 11: ")
    assert write in str(caught.value)


@pytest.mark.parametrize(
    ("template", "write"),
    [
        ("{{ issue.title | downcase }}", "write | lower"),
        ("{{ issue.labels.size }}", "write | length"),
        ("{{ issue.labels.first }}", "write [0]"),
        ("{% if issue.title != blank %}{% endif %}", "write {% if x %}"),
        ("{% for x in issue.labels %}{{ forloop.index }}{% endfor %}", "write loop.index"),
    ],
)
def test_liquid_names_get_their_sentence_when_rendered(template: str, write: str) -> None:
    with pytest.raises(PromptError) as caught:
        rendered(template)
    assert write in str(caught.value)


@pytest.mark.parametrize("template", ["{% if a %}", "{{ a", "{% endif %}", "{{ a b }}"])
def test_broken_syntax_names_file_and_line_and_quotes_it(template: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_template("x\n" + template, "/p/WORKFLOW.md", 3)
    assert str(caught.value).startswith("/p/WORKFLOW.md, line 4: ")
    assert f"`{template}`" in str(caught.value)


@pytest.mark.parametrize(
    ("description", "body"), [("Words.", "Words."), ("", "No description is given.")]
)
def test_a_blank_body_gets_a_prompt_of_ours(description: str, body: str) -> None:
    prompt = rendered(" \n", replace(ISSUE, description=description))
    assert prompt.endswith(f"Issue MT-1: Make it so\n\n{body}")


@pytest.mark.parametrize(
    ("state", "prompt"), [(" human  REVIEW ", "review"), ("Todo", "body"), ("", "body")]
)
def test_the_state_chooses_the_template(state: str, prompt: str) -> None:
    settings = PromptSettings("body", {"human review": "review"})
    assert render(settings, replace(ISSUE, state=state), None, None, None) == prompt


def test_an_error_in_a_template_of_a_state_names_the_state() -> None:
    settings = PromptSettings("body", {"todo": "\n{{ nothing }}"}, line=9)
    with pytest.raises(PromptError, match=r"^WORKFLOW\.md, .*by_state, Todo, line 2: "):
        render(settings, replace(ISSUE, state="Todo"), None, None, None)


def test_a_prompt_that_codex_would_refuse_is_not_sent() -> None:
    fits = replace(ISSUE, description="x" * LONGEST)
    assert len(rendered("{{ issue.description }}", fits)) == LONGEST
    with pytest.raises(PromptTooLong, match="has 1,048,577 characters"):
        rendered("{{ issue.description }}!", fits)


def comments_of(*lengths: int) -> tuple[Comment, ...]:
    return tuple(Comment(str(n) * size, f"author {n}") for n, size in enumerate(lengths))


@pytest.mark.parametrize(
    ("lengths", "authors", "said"),
    [
        ((), [], ""),
        ((MOST_COMMENTS - 1, 1), ["author 0", "author 1"], ""),
        (
            (9, 5, MOST_COMMENTS - 4),
            ["symphony", "author 2"],
            "[older comments that are left out here: 2; ",
        ),
        (
            (1, MOST_COMMENTS + 7),
            ["symphony", "author 1"],
            "[older comments that are left out here: 1; ",
        ),
        (
            (1,) * 8 + (MOST_COMMENTS,),
            ["symphony", "author 8"],
            "[older comments that are left out here: 8; ",
        ),
    ],
)
@pytest.mark.parametrize("listed", ["comments", "issue.comments"])
def test_of_too_many_comments_the_newest_are_told_and_how_many_are_not(
    lengths: tuple[int, ...], authors: list[str], said: str, listed: str
) -> None:
    given = comments_of(*lengths)
    template = f"{{% for c in {listed} %}}{{{{ c.author }}}}:{{{{ c.body }}}}|{{% endfor %}}"
    issue = replace(ISSUE, comments=given)

    prompt = render(PromptSettings(template), issue, None, None, None, given)

    told = [one.partition(":") for one in prompt.split("|")[:-1]]
    assert [author for author, _, _ in told] == authors
    assert not said or told[0][2].startswith(said)
    assert sum(len(body) for author, _, body in told if author != "symphony") <= MOST_COMMENTS


def test_the_continuation_leaves_room_for_the_turn() -> None:
    filled = continuation().replace("{turn}", "2").replace("{max_turns}", "40")
    assert "This is turn 2 of\n40." in filled
    assert "{" not in filled
