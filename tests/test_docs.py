"""The pages are executed: what they name exists, and what exists is named."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from symphony_cli import paths
from symphony_cli.adapters.workflow import load_workflow
from symphony_cli.cli import ORDER, app
from symphony_cli.core import events, report
from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.reasons import BlockReason, Cause
from symphony_cli.core.refresh import Mutation
from symphony_cli.core.run import Brief, Order, PidFile, RunLimits, StopNote, Verdict
from symphony_cli.core.shape import decode, encode
from symphony_cli.errors import ExitCode

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md"), TOP / "state" / "README.md"])
COMMANDS = ORDER
BY_SIGNAL = {130, 143}
RUN_FILES = {
    "order.json": Order,
    "brief.json": Brief,
    "pid.json": PidFile,
    "stop": StopNote,
    "grant": RunLimits,
    "mutated.json": Mutation,
    "exit.json": Verdict,
}


def page(name: str) -> str:
    return (TOP / name).read_text()


def fenced(text: str, info: str = "json") -> list[str]:
    """The blocks between fences that begin with exactly this word or words."""
    return re.findall(rf"^ *```{re.escape(info)}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def code(text: str) -> Iterator[str]:
    """Lines in fences, and code in the middle of a sentence."""
    blocks = re.findall(r"^ *```.*?\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    yield from (line for block in blocks for line in block.splitlines())
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", prose)


def spoken(line: str) -> Iterator[list[str]]:
    """The calls of `symphony` in a line of shell: the words after the program's name."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return
    for at, word in enumerate(words):
        if word == "symphony" or word.endswith("/bin/symphony"):
            rest = words[at + 1 :]
            stops = [n for n, w in enumerate(rest) if w in ("&&", "||", ";", "|", ">>", ">")]
            yield rest[: min(stops, default=len(rest))]


def options_of(*command: str) -> set[str]:
    """All options that `--help` shows."""
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    rows = re.findall(r"^ +(?:(-[a-z]), )?(--[a-z-]+)", shown.output, re.MULTILINE)
    return {name for row in rows for name in row if name}


def strange_words(call: list[str]) -> set[str]:
    """Words of a call that are no command and no option of it."""
    command = next((word for word in call if word in COMMANDS), None)
    known = options_of() | (options_of(command) if command else set())
    used = {word.partition("=")[0] for word in call if word.startswith("-")}
    named = set() if command or not call or used else {call[0]}
    return (used - known) | named


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_that_a_page_names_exists(path: Path) -> None:
    calls = [call for line in code(path.read_text()) for call in spoken(line)]
    assert {word for call in calls for word in strange_words(call)} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_readme(command: str) -> None:
    rows = re.findall(rf"^\| `symphony {command}\b.*$", page("README.md"), re.MULTILINE)
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(rows)))
    assert named == options_of(command) - {"--help"}


def test_every_command_is_in_the_readme() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output.partition("Commands:")[2]
    assert tuple(re.findall(r"^  ([a-z-]+)  ", shown, re.MULTILINE)) == COMMANDS


def test_the_page_of_blocks_is_the_table_that_the_plan_goes_by() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|[^|]+\|(.*)\|$", page("docs/blocks.md"), re.MULTILINE)
    causes = (Cause.UNBLOCK, Cause.LABEL, Cause.COMMENT, Cause.LIMIT)
    documented = {
        BlockReason(reason): {
            cause
            for cause, cell in zip(causes, cells.split("|"), strict=True)
            if cell.strip().startswith("yes")
        }
        for reason, cells in rows
    }
    assert documented == ENDED_BY


@pytest.mark.parametrize("name", ["README.md", "docs/exit-codes.md"])
def test_every_exit_code_is_documented(name: str) -> None:
    cells = re.findall(r"^\| ([\d, ]+) \|", page(name), re.MULTILINE)
    documented = {int(number) for cell in cells for number in cell.split(",")}
    assert documented == set(map(int, ExitCode)) | BY_SIGNAL


def test_exit_codes_have_their_names() -> None:
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \|", page("docs/exit-codes.md"), re.MULTILINE)
    assert {name: int(number) for number, name in rows} == {c.name: int(c) for c in ExitCode}


@pytest.mark.parametrize("kind", events.KINDS)
def test_every_event_has_its_section_with_a_real_line_and_all_members(kind: str) -> None:
    (section,) = re.findall(rf"^### {kind}\n(.*?)(?=^##)", page("docs/ledger.md"), re.M | re.S)
    (line,) = (json.loads(block) for block in fenced(section))
    event = events.from_json(line)
    unnamed = {f.name for f in fields(events.KINDS[kind])} - {"at"} - named_in(section)
    assert type(event) is events.KINDS[kind]
    assert (events.to_json(event), unnamed) == (line, set())


def named_in(text: str) -> set[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
    return set(re.findall(r"`([^`\n]+)`", prose))


def test_the_header_line_is_the_one_of_this_format() -> None:
    (section,) = re.findall(
        r"^## The header line\n(.*?)(?=^##)", page("docs/ledger.md"), re.M | re.S
    )
    (line,) = (json.loads(block) for block in fenced(section))
    assert (list(line), line["ledger"]) == (["ledger", "id", "workflow", "created"], events.FORMAT)


def test_every_kind_of_report_line_has_a_real_example() -> None:
    blocks = fenced(page("docs/run-folder.md"))
    (*lines,) = report.from_bytes("".join(blocks).encode())
    assert [report.to_text(line) + "\n" for line in lines] == blocks
    assert [json.loads(block)["kind"] for block in blocks] == list(report.KINDS)


@pytest.mark.parametrize("name", RUN_FILES)
def test_every_file_of_a_run_has_a_real_example(name: str) -> None:
    (block,) = fenced(page("docs/run-folder.md"), f"json {name}")
    example = json.loads(block)
    assert encode(decode(RUN_FILES[name], example)) == example


def places(kind: type) -> set[str]:
    """The names of the files that a class of `paths` knows."""
    made = kind(Path("1"))
    names = (name for name, member in vars(kind).items() if isinstance(member, property))
    return {found.name for name in names if isinstance(found := getattr(made, name), Path)}


def test_every_file_in_state_is_explained() -> None:
    first_cells = re.findall(r"^\| `([^`]+)` \|", page("state/README.md"), re.MULTILINE)
    assert places(paths.StatePaths) - set(first_cells) == set()


def test_every_file_of_a_run_is_explained() -> None:
    rows = re.findall(r"^\| (`.+?) \|", page("docs/run-folder.md"), re.MULTILINE)
    named = {name.removeprefix("../") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert places(paths.RunPaths) - named == set()


def test_ci_calls_the_test_command_of_the_readme() -> None:
    (command,) = (block.strip() for block in fenced(page("README.md"), "sh") if "pytest" in block)
    assert command in page(".ci/run").splitlines()
    assert (TOP / ".ci" / "run").stat().st_mode & 0o111 == 0o111


def test_the_justfile_has_the_commands_of_the_readme() -> None:
    commands = [block.strip() for block in fenced(page("README.md"), "sh") if "venv" in block]
    recipes = [line.strip() for line in page("Justfile").splitlines()]
    assert [command for command in commands if command not in recipes] == []


def test_every_dependency_says_what_it_is_for() -> None:
    project = tomllib.loads(page("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.split(r"[>=<\[]", name)[0] for name in wanted}
    rows = re.findall(r"^\| (`.+?) \|", page("docs/dependencies.md"), re.MULTILINE)
    assert {name for row in rows for name in named_in(row)} - {"codex"} == names


def test_every_room_is_on_the_floor_plan_with_its_invariant() -> None:
    text = page("docs/architecture.md")
    here = (p for p in (TOP / "symphony_cli").iterdir() if not p.name.startswith(("_", ".")))
    rooms = {f"{p.name}/" if p.is_dir() else p.name for p in here}
    heads = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert rooms - {name for head in heads for name in re.findall(r"`([^`]+)`", head)} == set()
    assert text.count("\n**Invariant:** ") == len(heads)


def test_every_module_that_a_page_names_exists() -> None:
    named = {name for path in PAGES for name in named_in(path.read_text())}
    modules = {n for n in named if re.fullmatch(r"(tests/)?[a-z_/]+\.py|adapters/[a-z]+/", n)}
    roots = (TOP, TOP / "symphony_cli")
    lost = {name for name in modules if not any((root / name).exists() for root in roots)}
    assert lost == set()


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```$|`[^`\n]+`", "", path.read_text(), flags=re.M | re.S)
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in t]
    for target in targets:
        name, _, anchor = target.partition("#")
        leads_to = (path.parent / name).resolve() if name else path
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), target


ELSEWHERE = re.compile(
    r"(?<![\w.~$}])/(?:work/(?:main|shared)|root)/|\b(?:pypi|pythonhosted|npmjs|crates|golang)\.(?:org|com|io)\b"
)
"""Folders of one machine, and hosts of registries."""


@pytest.mark.real
def test_no_file_names_a_folder_of_one_machine_or_a_registry() -> None:
    listed = ["git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    files = [TOP / name for name in done.stdout.decode().split("\0") if name]
    texts = (
        (p, p.read_text(errors="replace")) for p in files if p.is_file() and p != Path(__file__)
    )
    assert [(str(p), m[0]) for p, text in texts if (m := ELSEWHERE.search(text))] == []


@pytest.mark.real
def test_the_first_own_use_of_the_readme_works(tmp_path: Path) -> None:
    workflow, issue = fenced(page("README.md"), "markdown")
    (tmp_path / "issues").mkdir()
    (tmp_path / "WORKFLOW.md").write_text(re.sub("^   ", "", workflow, flags=re.M))
    (tmp_path / "issues/say-hello.md").write_text(re.sub("^   ", "", issue, flags=re.M))
    loaded = load_workflow(tmp_path / "WORKFLOW.md", {})
    call = [sys.executable, "-P", "-m", "symphony_cli", "--workflow", str(tmp_path)]
    done = subprocess.run([*call, "tick", "--dry-run", "--json"], capture_output=True, check=False)
    would = [(d["kind"], d["issue_identifier"]) for d in json.loads(done.stdout)["decisions"]]
    assert (done.returncode, loaded.warnings, workflow.count("\n")) == (0, (), 12)
    assert would[-2:] == [("enrol", "say-hello"), ("dispatch", "say-hello")]
