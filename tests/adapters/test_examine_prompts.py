"""Templates are rendered for invented issues; the one we ship keeps its static text together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.adapters.examine_prompts import prompts
from symphony_cli.adapters.prompt import DEFAULT, render
from symphony_cli.adapters.prompt_layout import marked, pieces
from symphony_cli.adapters.workflow import load_workflow
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.prompt_order import ENOUGH, Order
from symphony_cli.core.run import PromptSettings
from symphony_cli.ids import IssueId

TOP = Path(__file__).parents[2]
ISSUE = Issue(IssueId("1"), "A-1", "One", "Todo", labels=("ui", "api"))


def order_of(template: str, line: int = 1) -> Order:
    (found,) = prompts(PromptSettings(template, line=line), Rules())
    assert found.order is not None, found
    return found.order


def test_the_workflow_we_ship_shares_nine_tenths_of_its_static_text(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_bytes((TOP / "WORKFLOW.md").read_bytes())
    settings = load_workflow(path, {"HOME": str(tmp_path)}).settings
    (found,) = prompts(settings.prompt, settings.rules)
    lines = path.read_text().splitlines()
    assert found.order is not None
    assert found.order.share >= ENOUGH
    assert lines[found.order.line - 1] == "{{ issue.identifier }}: {{ issue.title }}"


def test_a_value_before_the_rules_is_named_by_its_line_in_the_file() -> None:
    found = order_of("Hello.\n\nIssue {{ issue.identifier }}:\nMany rules that never change.\n", 9)
    assert (found.line, found.shared, found.held) == (11, 14, 14)
    assert found.share < ENOUGH


def test_an_attempt_before_the_rules_is_found_though_all_issues_are_told_alike() -> None:
    found = order_of("{% if attempt %}Attempt {{ attempt }}.\n{% endif %}Rules, rules, rules.\n")
    assert (found.line, found.shared) == (1, 0)


@pytest.mark.parametrize(
    "name", ["issue.state", "issue.labels", "issue.created_at", "issue.branch", "issue.blocked_by",
             "issue.pr", "issue.description", "issue.url", "comments", "previous_attempt"]
)  # fmt: skip
def test_whatever_may_differ_differs(name: str) -> None:
    assert order_of(f"One\n{{{{ {name} }}}}\nThree\n").line == 2


def test_the_template_of_a_state_is_looked_at_with_issues_in_that_state() -> None:
    settings = PromptSettings("Do it.", by_state={"rework": "{{ issue.title }}, again."})
    body, rework = prompts(settings, Rules(active_states=("todo", "rework")))
    assert (body.where, body.order) == ("WORKFLOW.md", Order(0, 6, 6, 6))
    assert rework.where == "agent.prompt_template_by_state, rework"
    assert rework.order == Order(1, 0, 0, 8)


def test_a_body_that_no_state_uses_is_not_looked_at() -> None:
    settings = PromptSettings("{{ nonsense }}", by_state={"todo": "Do it."})
    (found,) = prompts(settings, Rules(active_states=("todo",)))
    assert found.where == "agent.prompt_template_by_state, todo"


def test_without_a_body_the_built_in_prompt_is_looked_at() -> None:
    (found,) = prompts(PromptSettings(" \n"), Rules())
    assert (found.where, found.order) == ("The built-in prompt", order_of(DEFAULT))


def test_a_template_that_does_not_render_is_told_as_a_run_would() -> None:
    (found,) = prompts(PromptSettings("One\n{{ issue.nonsense }}\n", line=5), Rules())
    assert found.order is None
    assert found.error.startswith("WORKFLOW.md, line 6: ")
    assert "{{ issue.nonsense }}" in found.error


TAGS = [
    "Text.", "\n", "  ", "é ☃", "{{ issue.title }}", "{{- issue.title -}}", "{# no #}",
    "{% if issue.url %}never{% else %}always{% endif %}", "{%- if attempt %} n {%- endif -%}",
    "{% for label in issue.labels %}[{{ label }}]{% endfor %}", "{% raw %}{{ x }}{% endraw %}",
    "{% set x %}a{% endset %}", "{{ issue.labels | join('/') | upper }}",
]  # fmt: skip


@given(st.lists(st.sampled_from(TAGS), max_size=8).map("".join))
def test_marks_change_nothing_but_themselves_and_static_pieces_stand_in_their_lines(
    template: str,
) -> None:
    def rendered(text: str) -> str:
        return render(PromptSettings(text or " "), ISSUE, None, None, None) if text.strip() else ""

    text, _ = marked(template)
    found = pieces(rendered(text) if template.strip() else "", 1)
    lines = template.split("\n")
    assert "".join(piece.text for piece in found) == rendered(template)
    assert [p for p in found if p.static and p.text.split("\n")[0] not in lines[p.line - 1]] == []
