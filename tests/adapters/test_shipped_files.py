import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import pytest

from symphony_cli.adapters.config_docs import configuration_markdown
from symphony_cli.adapters.envfile import environment
from symphony_cli.adapters.linear.agent_writes import WRITES
from symphony_cli.adapters.prompt import render
from symphony_cli.adapters.workflow import Workflow, load_workflow
from symphony_cli.core.budget import USUAL_LIMIT, Asker, Bucket, hold
from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.reasons import RetryKind
from symphony_cli.core.run import PreviousAttempt
from symphony_cli.ids import IssueId
from tests.fakes.linear import FakeLinear

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


def linear_page() -> str:
    return (TOP / "docs" / "linear.md").read_text()


def block(info: str) -> str:
    """The one block of the page about Linear between fences that begin with this word."""
    blocks = re.findall(rf"^```{info}\n(.*?)^```$", linear_page(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def test_the_example_of_the_linear_page_loads_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "WORKFLOW.md").write_text(block("markdown"))
    (tmp_path / "symphony.env").write_text(block("sh"))
    (tmp_path / "symphony.env").chmod(0o600)
    environ = environment({"HOME": "/home/ada"}, tmp_path, None)
    workflow = load_workflow(tmp_path / "WORKFLOW.md", environ)
    tracker = workflow.tracker
    assert (workflow.warnings, tracker.kind) == ((), "linear")
    assert (tracker.project_slug, workflow.secrets) == (
        "hello-0c0ffee00000",
        (environ["LINEAR_API_KEY"],),
    )


@pytest.mark.real
def test_the_example_of_the_linear_page_starts_an_issue(tmp_path: Path) -> None:
    with FakeLinear() as linear:
        linear.person.create("Say hello", state="Todo")
        text = block("markdown").replace("hello-0c0ffee00000", linear.project)
        text = text.replace("  kind: linear\n", f"  kind: linear\n  endpoint: {linear.endpoint}\n")
        (tmp_path / "WORKFLOW.md").write_text(text)
        environ = PATHS | {"HOME": str(tmp_path), "LINEAR_API_KEY": linear.key}
        call = [sys.executable, "-P", "-m", "symphony_cli", "--workflow", str(tmp_path), "tick"]
        done = subprocess.run(
            [*call, "--dry-run", "--json"], capture_output=True, check=False, env=environ
        )
    would = [decision["kind"] for decision in json.loads(done.stdout)["decisions"]]
    assert (done.returncode, would[-2:]) == (0, ["enrol", "dispatch"])


def test_the_linear_page_has_every_mutation_of_an_agent_in_its_row() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.*?) \| (.*?) \|$", linear_page(), re.MULTILINE)
    written = {
        name: own == "no"
        for names, own, _ in rows
        for name in re.findall(r"`(\w+)`", names)
        if name not in ("issue", "project")
    }
    assert written == {name: write.project_only for name, write in WRITES.items()}


def test_the_paces_of_the_linear_page_are_those_of_the_budget() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    rows = re.findall(r"^\| (\d+) % \| ([\d.]+) s \| at once \|$", linear_page(), re.MULTILINE)
    buckets = {
        share: Bucket(remaining=USUAL_LIMIT * int(share) / 100, burst=0.0, as_of=now)
        for share, _ in rows
    }
    paces = [(share, hold(bucket, now, Asker.TICK)[0]) for share, bucket in buckets.items()]
    assert len(rows) == 4
    assert paces == [(share, float(seconds)) for share, seconds in rows]
    assert all(hold(bucket, now, Asker.OURS) == (0.0, "") for bucket in buckets.values())


def said_by_us() -> str:
    """Our source, with texts that go over several lines in one piece."""
    sources = sorted((TOP / "symphony_cli" / "adapters").rglob("*.py"))
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text() for path in sources))


def test_every_sentence_that_the_linear_page_quotes_is_one_of_ours() -> None:
    section = linear_page().partition("## When it does not work")[2].partition("## How")[0]
    first_cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    bullets = re.findall(r"^\* (`.*?`)", section, re.MULTILINE)
    quoted = [text for cell in (*first_cells, *bullets) for text in re.findall(r"`(.+?)`", cell)]
    pieces = {
        piece.strip(" ,:=")
        for text in quoted
        for piece in re.split(r"…|'[A-Z]?[a-z]+'|\d+ s", text)
        if piece.strip(" ,:=")
    }
    assert len(pieces) > 15
    assert {piece for piece in pieces if piece not in said_by_us()} == set()


def test_every_file_about_linear_is_on_the_floor_plan() -> None:
    text = (TOP / "docs" / "architecture.md").read_text()
    room = text.partition("### `adapters/linear/`")[2].partition("\n### ")[0]
    cells = re.findall(r"^\| (`.+?) \|", room, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    files = [p.stem for p in (TOP / "symphony_cli/adapters/linear").glob("[a-z]*.py")]
    assert len(files) > 20
    assert [f for f in files if not any(fnmatch(f, name) for name in named)] == []
    assert [name for name in named if not any(fnmatch(f, name) for f in files)] == []
