"""`symphony doctor`: what it makes of a set-up, and that nothing keeps it from the next check."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.commands.doctor import CHECKS, DoctorResult, doctor
from symphony_cli.core import diagnosis, examined
from symphony_cli.core.findings import WEIGHT, Finding, Level
from symphony_cli.core.prompt_order import Order
from symphony_cli.render.doctor import MARKS, Page, as_text
from tests.commands.ailments import AILMENTS
from tests.fakes.examiner import KEY, FakeExaminer

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()


def troubles(result: DoctorResult) -> list[tuple[str, Level]]:
    return [(one.name, one.level) for one in result.findings if one.level is not Level.OK]


def test_of_a_set_up_in_which_all_is_well_each_check_says_so() -> None:
    result = doctor(FakeExaminer())
    named = [one.name for one in result.findings]
    assert (result.exit_code, troubles(result), result.left_out) == (0, [], ())
    assert named == [check.name for check in CHECKS if check.name != "cron"]


@pytest.mark.parametrize(("check", "level", "other", "words"), AILMENTS)
def test_each_thing_that_is_wrong_is_found_once_with_what_to_do(
    check: str, level: Level, other: dict[str, Any], words: str
) -> None:
    result = doctor(replace(FakeExaminer(), **other))
    (found,) = [one for one in result.findings if (one.name, one.level) == (check, level)]
    assert (result.exit_code, words in found.found) == (WEIGHT[level], True), result
    assert found.remedy.endswith((".", "`"))


@pytest.mark.parametrize(
    "other",
    [
        {"cron": examined.Bare("/usr/bin", (("git", "/usr/bin/git", "/usr/bin/git"),))},
        {"logged_in": None, "starts": examined.Codex("x", examined.Program("/x"), False)},
        {"starts": examined.Codex("x | y", examined.Program("/bin/bash"), False, shell=True)},
        {"starts": examined.Codex("codex", examined.Program("/c", "codex-cli 1.2.3"))},
        {"logged_in": examined.Login("/h", True, keyring=True)},
        {"logged_in": examined.Login("/h", True, provider="p", provider_key="")},
        {"logged_in": examined.Login("/h", True, False, False, False, "p", "K", True)},
        {"walls": examined.Sandbox("external-sandbox")},
        {"walls": examined.Sandbox("read-only")},
        {"held_key": examined.TrackerKey(False), "told": None},
        {"origin": None, "ledger": examined.Memory(False)},
        {"written": (examined.Folder("/s", False),)},
        {"templates": (examined.Prompt("W", Order(0, 30, 30, 30)),)},
        {"env": examined.EnvFile("/p/symphony.env")},
        {"places": examined.Reach(examined.TrackerKey(False), passed_on=("GH_TOKEN",))},
    ],
)
def test_what_is_unusual_is_not_called_wrong(other: dict[str, Any]) -> None:
    result = doctor(replace(FakeExaminer(), **other))
    assert (result.exit_code, troubles(result)) == (0, [])


def test_without_a_workflow_the_checks_that_go_by_it_are_left_out_and_named() -> None:
    bad = examined.Workflow("", "There is none.")
    result = doctor(FakeExaminer(rules=None, file=bad))
    assert troubles(result) == [("workflow", Level.ACT)]
    assert result.exit_code == 2
    assert result.left_out == tuple(check.name for check in CHECKS if check.goes_by_workflow)


@dataclass
class Blind(FakeExaminer):
    """Eyes that fail where nobody expects it."""

    def git(self) -> examined.Program:
        raise RuntimeError(f"what is {KEY}?")


def test_a_bug_in_one_check_is_a_finding_without_the_key_and_the_others_go_on() -> None:
    result = doctor(Blind())
    assert troubles(result) == [("git", Level.ACT)]
    assert "RuntimeError: what is [secret]?" in " ".join(as_text(result).split())
    assert result.findings[-1].name == "secrets"


def test_findings_are_told_as_they_come_each_after_its_check_began() -> None:
    told: list[str] = []
    doctor(
        FakeExaminer(),
        on_start=lambda name: told.append(f"? {name}"),
        on_finding=lambda finding: told.append(f"! {finding.name}"),
    )
    assert told[:4] == ["? platform", "! platform", "? workflow", "! workflow"]
    assert told[-1] == "! secrets"


def test_a_page_lines_marks_up_and_paints_them_on_a_terminal_only() -> None:
    finding = Finding(Level.ACT, "It \x1b[31mhurts " + "very " * 12 + "much.", "Rest.", "arm")
    plain = Page().finding(finding)
    assert plain.splitlines() == [
        "ACT   arm         It [31mhurts very very very very very very very very very very",
        "                  very very much.",
        "                  → Rest.",
    ]
    assert Page(colour=True).finding(finding) == "\x1b[1;31m" + plain.replace(
        "ACT   ", "ACT   \x1b[0m", 1
    )


def test_the_end_counts_findings_and_says_what_a_bundle_holds() -> None:
    result = doctor(FakeExaminer(told=None), as_cron=True)
    result = replace(result, bundle="/b.tar.gz", contents=("doctor.json (9 bytes)",))
    assert Page().summary(result).splitlines()[1:5] == [
        f"{len(result.findings)} findings in cron's environment: {len(result.findings)} ok, 0 warn,"
        " 0 ACT.",
        "",
        "/b.tar.gz holds:",
        "  doctor.json (9 bytes)",
    ]


def rows() -> dict[str, list[str]]:
    """The table of the page: level cells (warning, act) by check."""
    section = PAGE.partition("## The checks")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([a-z-]+)` \|[^|]*\|([^|]*)\|([^|]*)\|$", section, re.MULTILINE)
    return {name: [warning.strip(), acted.strip()] for name, warning, acted in found}


def test_the_page_has_each_check_in_its_order_with_the_levels_that_it_can_find() -> None:
    possible = {(check, level) for check, level, *_ in AILMENTS}
    documented = {
        (name, level)
        for name, cells in rows().items()
        for level, cell in zip((Level.WARNING, Level.ACT), cells, strict=True)
        if cell != "–"
    }
    assert list(rows()) == [check.name for check in CHECKS]
    assert documented == possible


def test_the_page_has_marks_levels_exit_codes_and_versions_of_the_code() -> None:
    marks = re.findall(r"^\| `(\w+)` \| (\w+) \|.*\| (\d) \|$", PAGE, re.MULTILINE)
    assert marks == [(MARKS[level], level.value, str(WEIGHT[level])) for level in Level]
    git, codex = (
        ".".join(map(str, version)) for version in (diagnosis.OLDEST_GIT, diagnosis.OLDEST_CODEX)
    )
    assert f"git on PATH, {git} or newer" in PAGE
    assert f"older than {codex}," in PAGE


def test_commands_and_settings_in_the_cells_of_the_page_are_those_of_the_findings() -> None:
    said = " ".join(
        f"{one.found} {one.remedy}"
        for _, _, other, _ in AILMENTS
        for one in doctor(replace(FakeExaminer(), **other)).findings
    )
    quoted = {
        text
        for cells in rows().values()
        for cell in cells
        for text in re.findall(r"`([^`]+)`", cell)
    }
    missing = {text for text in quoted if text not in said and text != ".gitignore"}
    assert missing == set()
