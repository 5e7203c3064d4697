"""What a run is told of the one before: what git has, what the model said and what it cost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import runfolder
from symphony_cli.core.run import PreviousAttempt
from symphony_cli.demo.material import scripted_command
from tests.errands.world import until
from tests.real import threads as t
from tests.real.conftest import Furnish, Open
from tests.real.house import House
from tests.real.model import command, message, total, update
from tests.real.threads import ANSWERS, COMMIT, NAME, OPEN_COMMAND

pytestmark = [pytest.mark.real, pytest.mark.slow]

FIELDS = tuple(PreviousAttempt.__dataclass_fields__)
TELLING = "Issue {{ issue.identifier }}.{% if previous_attempt %}" + "".join(
    f"\n{name}=<{{{{ previous_attempt.{name} }}}}>" for name in FIELDS
)
TELLING += "{% endif %}\n"


def told(text: str) -> dict[str, str]:
    """The fields that a prompt of `TELLING` names."""
    found = {}
    for name in FIELDS:
        _, _, rest = text.partition(f"\n{name}=<")
        found[name] = rest.partition(">")[0]
    return found


def in_git(house: House) -> dict[str, str]:
    """The same as a person would find it in the workspace, by other commands."""
    place = house.root / "workspaces" / NAME
    ahead = house.git(place, "rev-list", "--count", "origin/main..HEAD")
    status = house.git(place, "status", "--porcelain=v1", "-uall").splitlines()
    dirty = sorted(line.split(maxsplit=1)[1] for line in status)
    return {"commits_ahead": ahead, "dirty_files": ", ".join(dirty)}


@pytest.mark.codex
@pytest.mark.shared
def test_after_a_kill_the_next_run_is_told_of_the_one_before(studio: Open) -> None:
    place = studio(
        [
            command(f"echo one > one.txt; {COMMIT} one", **ANSWERS[0]),
            message("One is done.", **ANSWERS[1]),
            command("echo two > two.txt; echo more >> one.txt", **ANSWERS[2]),
            OPEN_COMMAND,
            *[update(state="Done", **ANSWERS[4]), message("Done.", **ANSWERS[5])],
        ],
        prompt=TELLING,
    )
    house = place.house
    house.write_issue(NAME)
    house.tick()
    until(lambda: t.is_cut(place, asked=4), what="the open command")
    found = in_git(house)
    t.kill_supervisor(place, house.runs(NAME)[0])
    house.until(lambda: house.finished(NAME), "it is done after the kill")
    (last,) = [
        text
        for text in map(t.text_of, said_by_us(place.model.requests()[4]))
        if "outcome=<" in text
    ]
    first = house.verdicts(NAME)[0]
    diffstat = told(last)["diffstat"]
    assert told(last) == {
        "outcome": "lost",
        "reason": "no_verdict",
        "last_agent_message": "One is done.",
        **found,
        "diffstat": diffstat,
        "turns_used": "1",
        "token_total": str(total(*ANSWERS[:3]).total),
    }
    assert found == {"commits_ahead": "1", "dirty_files": "one.txt, two.txt"}
    assert first.spent == total(*ANSWERS[:3]) and "one.txt" in diffstat


def second_prompt(house: House) -> str | None:
    """The prompt of the second run, once it is made."""
    brief = runfolder.brief(house.runs(NAME)[1]) if house.runs(NAME)[1:] else None
    return brief.prompt or None if brief is not None else None


def said_by_us(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in request["input"] if item.get("role") == "user"]


COST = {"usage": {"input": 600, "cached_input": 0, "output": 10}}
WORK = [
    {"write": {"path": "one.txt", "content": "one\n"}, **COST},
    {"commit": "one"},
    {"write": {"path": "two.txt", "content": "two\n"}},
    {"write": {"path": "one.txt", "content": "one\nmore\n"}},
    {"say": "Half is done.", **COST},
]
AT_ONCE = {"agent": {"max_retry_backoff_ms": 1}}
QUICK_STALL = {**AT_ONCE, "codex": {"stall_timeout_ms": 1500, "max_stall_recoveries": 0}}

WAYS = [
    pytest.param([], {"agent": {"max_turns": 1}}, ("rolled_over", "max_turns", "1"), id="rollover"),
    pytest.param([{"silence": 300}], QUICK_STALL, ("stalled", "silence", "0"), id="stall"),
    pytest.param(
        [{"fail": {"message": "No.", "info": "other"}}],
        AT_ONCE,
        ("failed", "turn", "0"),
        id="failed turn",
    ),
]


@pytest.mark.parametrize(("end", "sections", "ended"), WAYS)
def test_however_a_run_ends_the_next_one_is_told_of_it(
    house: Furnish,
    tmp_path: Path,
    end: list[Any],
    sections: dict[str, Any],
    ended: tuple[str, str, str],
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"default": {"turns": [[*WORK, *end]]}}))
    codex = {"command": scripted_command(sys.executable, script), "home": str(tmp_path)}
    made = house(TELLING, **{**sections, "codex": {**codex, **sections.get("codex", {})}})
    made.write_issue(NAME)
    text = made.until(lambda: second_prompt(made), "the second run")
    first = made.verdicts(NAME)[0]
    outcome, reason, turns = ended
    assert told(text) == {
        "outcome": outcome,
        "reason": reason,
        "last_agent_message": "Half is done.",
        **in_git(made),
        "diffstat": told(text)["diffstat"],
        "turns_used": turns,
        "token_total": str(first.spent.total),
    }
    assert told(text)["dirty_files"] == "one.txt, two.txt" and first.spent.total == 1220
