import re
from dataclasses import replace
from pathlib import Path

from symphony_cli.adapters.config_docs import configuration_markdown
from symphony_cli.adapters.prompt import render
from symphony_cli.adapters.workflow import Workflow, load_workflow
from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.reasons import RetryKind
from symphony_cli.core.run import PreviousAttempt
from symphony_cli.ids import IssueId

TOP = Path(__file__).parents[2]
PATHS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/ada"}


def shipped(tmp_path: Path) -> Workflow:
    path = tmp_path / "WORKFLOW.md"
    path.write_bytes((TOP / "WORKFLOW.md").read_bytes())
    return load_workflow(path, PATHS)


def test_the_page_of_all_keys_is_up_to_date() -> None:
    """Make it anew: python -m symphony_cli.adapters.config_docs > docs/configuration.md"""
    assert (TOP / "docs" / "configuration.md").read_text() == configuration_markdown()


def test_every_key_says_what_it_means() -> None:
    rows = re.findall(r"^\| `(\S+)` \|(.*)\|$", configuration_markdown(), re.MULTILINE)
    unsaid = [key for key, cells in rows if not cells.rstrip().endswith(".")]
    assert len(rows) > 60
    assert unsaid == []


def test_the_workflow_we_ship_loads_without_a_warning(tmp_path: Path) -> None:
    workflow = shipped(tmp_path)
    assert (workflow.warnings, workflow.tracker.kind) == ((), "markdown")
    assert workflow.tracker.folder == tmp_path / "issues"


def test_two_issues_and_two_attempts_share_the_static_text_of_our_prompt(tmp_path: Path) -> None:
    settings = shipped(tmp_path).settings.prompt
    issue = Issue(IssueId("1"), "A-1", "One", "Todo", description="First.")
    other = replace(issue, identifier="B-2", title="Two", state="Rework", labels=("ui",))
    first = render(settings, issue, None, None, None)
    retry = render(
        settings, other, 2, RetryKind.RETRY, PreviousAttempt("lost"), [Comment("Hm", "Ada")]
    )
    shared = next(n for n, (a, b) in enumerate(zip(first, retry, strict=False)) if a != b)
    static = re.sub(r"{{.*?}}|{%.*?%}", "", settings.template)
    assert shared >= 0.9 * len(static)
