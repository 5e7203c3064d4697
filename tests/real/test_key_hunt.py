"""The tracker's key, hunted by an agent without a sandbox while everything runs as one user.

What the operator's own file holds an agent may read; everything else must not show the key: not the
environment, the command line or the descriptors of any process, and no file (promise 9).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.demo.material import scripted_command
from tests.errands.world import until
from tests.fakes.linear.truth import Truth
from tests.real import model as models
from tests.real.hunting import Hunt, hunt
from tests.real.model import Entry, call, command, message

pytestmark = [pytest.mark.real, pytest.mark.slow]

VIEWER = {"query": "query Me { viewer { id } }"}
SEVERAL = 3
"""Calls of a tool in a turn."""


@pytest.fixture
def scripted() -> Iterator[Hunt]:
    """A hunt whose agents are our own."""

    def codex(place: Path) -> dict[str, str]:
        script = place / "script.json"
        return {"command": scripted_command(sys.executable, script), "home": str(place)}

    with hunt(codex) as made:
        yield made


def steps(made: Hunt, issue: Truth, *first: dict[str, Any]) -> dict[str, Any]:
    """Our own agent: two turns with tools, and between them a look at the tracker."""
    ask = {"tool": {"name": "linear_graphql", "arguments": VIEWER}}
    done = {"tool": {"name": "linear_graphql", "arguments": made.done(issue)}}
    turns = [[*first, *[ask] * SEVERAL, {"say": "On."}], [ask, done, {"say": "Done."}]]
    return {"match": f"Issue {issue['identifier']}:", "turns": turns}


def go(made: Hunt, *issues: Truth) -> None:
    """Tick until all are done and nobody is left but the hunter."""
    house, names = made.house, [issue["identifier"] for issue in issues]
    house.who.own(house.root.parent)
    house.until(lambda: house.finished(*names), "all are done")
    until(lambda: not house.alive(), what="the end of all processes")
    house.tick()


def assert_looked_everywhere(made: Hunt) -> None:
    """The hunter was there, could do what anybody can, and could not open the supervisor."""
    told = made.over()
    looked = {name for name, times in told["read"].items() if times}
    assert looked >= {"environ", "cmdline", "fd", "pipe", "file"}
    assert (told["uid"], told["rights"], told["of_supervisor"]) == (made.house.who.uid, 0, [])


def test_an_unbound_agent_of_the_same_user_never_finds_the_key(scripted: Hunt) -> None:
    made, person = scripted, scripted.linear.person
    first, second = person.create("Hunt"), person.create("Work")
    agents = [steps(made, first, {"run": made.sets_out}), steps(made, second)]
    (made.agents / "script.json").write_text(json.dumps({"issues": agents}))
    go(made, first, second)
    assert_looked_everywhere(made)
    assert made.found() == []


def test_a_key_in_the_timers_environment_is_in_that_of_its_ticks_and_nowhere_else(
    scripted: Hunt,
) -> None:
    """What starts a tick with the key in its environment is the operator's; what we start is not.
    A tick hides itself soon, so that whether it is seen at all is luck."""
    made, issue = scripted, scripted.linear.person.create("Hunt")
    made.env_file.unlink()
    made.house.extra["LINEAR_API_KEY"] = made.linear.key
    agents = [steps(made, issue, {"run": made.sets_out})]
    (made.agents / "script.json").write_text(json.dumps({"issues": agents}))
    go(made, issue)
    assert_looked_everywhere(made)
    assert [find for find in made.found() if not is_of_the_timer(find)] == []


def is_of_the_timer(find: dict[str, str]) -> bool:
    """The environment of a tick of the timer; one that a run starts prints no JSON."""
    return find["where"] == "environ" and find["command"].endswith(" tick --json ")


@pytest.fixture
def with_codex(codex: str, stand_ins: Path) -> Iterator[tuple[Hunt, Path]]:
    """A hunt whose agents are the real Codex; the folder where their model may live."""
    told: list[Path] = []

    def config(place: Path) -> dict[str, str]:
        told.append(place)
        return {"command": f"{codex} app-server", "home": str(place / "codex")}

    with hunt(config, codex) as made:
        yield made, told[0]


def entries(made: Hunt, issue: Truth, *first: str) -> list[Entry]:
    """The same as `steps`, by the model of the real Codex."""
    only = {"match": f"Issue {issue['identifier']}:"}
    ask = call("linear_graphql", VIEWER, **only)
    told = [*(command(text, **only) for text in first), *[ask] * SEVERAL, message("On.", **only)]
    done = call("linear_graphql", made.done(issue), **only)
    return [*told, ask, done, message("Done.", **only)]


@pytest.mark.codex
def test_the_real_codex_without_a_sandbox_never_finds_the_key(
    with_codex: tuple[Hunt, Path],
) -> None:
    made, place = with_codex
    first, second = (made.linear.person.create(name) for name in ("Hunt", "Work"))
    told = [*entries(made, first, made.sets_out), *entries(made, second)]
    model = models.start(made.house.root.parent / "model", told)
    try:
        models.stand_in("codex_home").make(place / "codex", model.url)
        go(made, first, second)
    finally:
        model.end()
    assert_looked_everywhere(made)
    assert made.found() == []
