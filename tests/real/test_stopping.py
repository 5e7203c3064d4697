"""However a run is stopped, and whatever its agent does about it: nothing of it survives."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.paths import RunPaths
from tests.cli.house import AS_ANYBODY
from tests.errands.world import end, until
from tests.real.anybody import NOBODY, Anybody
from tests.real.conftest import Furnish, Open
from tests.real.house import House
from tests.real.hunting import OnesHouse
from tests.real.mess import Mess
from tests.real.model import command
from tests.real.stopping import (
    ENDINGS,
    NAME,
    SAYS,
    SPEND,
    WORKING,
    Act,
    codex_of,
    settle_in,
    stop,
    the_end,
    working,
)

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def mess(tmp_path: Path) -> Iterator[Mess]:
    """Something to leave behind; whatever is left of it is ended."""
    made = Mess(tmp_path / "mess")
    yield made
    if made.is_made:
        for pid in (made.pid("shared"), *made.alive()):
            end(pid)


@pytest.mark.parametrize("way", ENDINGS)
def test_nothing_that_an_agent_leaves_behind_survives_its_run(
    house: Furnish, tmp_path: Path, mess: Mess, way: str
) -> None:
    last = SPEND if way == "budget" else SAYS
    steps: list[Act] = [{"run": mess.lay()}, SAYS, last, WORKING]
    place = settle_in(house, tmp_path, *steps, agent={"max_tokens_per_issue": 50_000})
    run = working(place)
    codex = codex_of(run)
    stop(place, run, way)
    verdict = the_end(place)

    assert (verdict.outcome, verdict.reason) == ENDINGS[way]
    assert (mess.alive(), verdict.survivors, mess.spared()) == (set(), (), True)
    assert verdict.killed["eof"] == (codex,)
    assert mess.single <= set(verdict.killed["sweep"])


@pytest.mark.parametrize("way", ["operator", "signal"])
def test_an_agent_that_ignores_everything_is_killed_and_its_commands_are_swept(
    house: Furnish, tmp_path: Path, way: str
) -> None:
    deaf = "trap '' TERM HUP INT; echo $$ > deaf; while :; do sleep 1; done"
    steps: list[Act] = [
        {"ignore_interrupt": True},
        {"ignore_term": True},
        {"run": deaf, "background": True},
    ]
    place = settle_in(house, tmp_path, *steps, SAYS, WORKING)
    run = working(place)
    codex, left = codex_of(run), int((Path(place.brief(run).workspace) / "deaf").read_text())
    stop(place, run, way)
    verdict = the_end(place)

    assert (verdict.outcome, verdict.reason) == ENDINGS[way]
    assert verdict.killed["kill"] == (codex,)
    assert left in verdict.killed["sweep"]
    assert processes.identify(left) is None


HOLDER: Act = {"hold": "echo $$ > holder; exec sleep 300"}
WAIT_FOR_HOLDER: Act = {"run": "until [ -s holder ]; do sleep 0.02; done"}


def test_a_process_that_holds_the_pipes_of_codex_does_not_hold_up_the_end(
    house: Furnish, tmp_path: Path
) -> None:
    place = settle_in(house, tmp_path, HOLDER, WAIT_FOR_HOLDER, SAYS, WORKING)
    run = working(place)
    codex, holder = codex_of(run), int((Path(place.brief(run).workspace) / "holder").read_text())
    stop(place, run, "operator")
    verdict = the_end(place)
    assert verdict.killed == {"eof": (codex,), "sweep": (holder,)}


def test_codex_that_dies_is_missed_although_another_process_holds_its_pipes(
    house: Furnish, tmp_path: Path
) -> None:
    place = settle_in(house, tmp_path, HOLDER, WAIT_FOR_HOLDER, SAYS, WORKING)
    run = working(place)
    holder = int((Path(place.brief(run).workspace) / "holder").read_text())
    end(codex_of(run))
    verdict = the_end(place)
    assert (verdict.outcome, verdict.reason) == ("failed", "codex_exit")
    assert verdict.killed == {"sweep": (holder,)}


# What nothing can end.

OTHERWISE = "$< = $>; exec 'sleep', 300"
"""Perl: become the owner of the program for good, and wait."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A command that turns into a process of another user, which an ordinary user may not end."""
    perl = shutil.which("perl")
    if os.getuid() != 0 or perl is None:
        pytest.skip(
            "only root can make a program of another user's, and perl is what it is made of"
        )
    program = tmp_path / "other-user"
    shutil.copy(perl, program)
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    return f"echo $$ > other; exec {program} -e {shlex.quote(OTHERWISE)}"


def test_what_cannot_be_ended_blocks_its_issue_with_the_pid(
    house: Furnish, tmp_path: Path, elsewhere: str
) -> None:
    steps: list[Act] = [{"run": elsewhere, "background": True}, SAYS, WORKING]
    ordinary = Anybody(AS_ANYBODY, os.getuid())
    place = OnesHouse(settle_in(house, tmp_path, *steps).root, who=ordinary)
    run = working(place)
    pid = int((Path(place.brief(run).workspace) / "other").read_text())
    try:
        until(lambda: os.stat(f"/proc/{pid}").st_uid == NOBODY, what="another user's process")
        stop(place, run, "signal")
        (verdict,) = until(lambda: place.verdicts(NAME) or None, 40.0, "the verdict")
        place.until(lambda: place.record(NAME).block, "a block")
        again = [place.tick(), place.tick()]
    finally:
        end(pid)

    block = place.record(NAME).block
    assert (verdict.outcome, verdict.survivors) == ("interrupted", (pid,))
    assert block is not None
    assert (block.reason, block.detail) == (
        "agent",
        f"processes of its run could not be ended: pid {pid}; end them, then unblock",
    )
    assert (len(place.runs(NAME)), len(again)) == (1, 2)


# The real Codex.


def at_its_mess(studio: Open, mess: Mess) -> tuple[House, RunPaths]:
    """A run of the real Codex without a sandbox, in a command that goes on after its mess."""
    deaf = f"{mess.lay()}; trap '' TERM HUP INT; while :; do sleep 1; done"
    place = studio([command(deaf)], codex={"thread_sandbox": "danger-full-access"}).house
    place.write_issue(NAME)
    place.tick()
    until(lambda: mess.is_made, 40.0, "the mess")
    return place, place.runs(NAME)[0]


@pytest.mark.codex
@pytest.mark.shared
@pytest.mark.both_codexes
def test_nothing_that_the_real_codex_leaves_behind_survives_a_stop(
    studio: Open, mess: Mess
) -> None:
    place, run = at_its_mess(studio, mess)
    codex = codex_of(run)
    stop(place, run, "operator")
    verdict = the_end(place)

    assert (verdict.outcome, verdict.reason) == ENDINGS["operator"]
    assert (mess.alive(), verdict.survivors, mess.spared()) == (set(), (), True)
    assert verdict.killed["eof"] == (codex,)


@pytest.mark.codex
@pytest.mark.shared
def test_nothing_that_the_real_codex_leaves_behind_survives_its_own_death(
    studio: Open, mess: Mess
) -> None:
    place, run = at_its_mess(studio, mess)
    end(codex_of(run))
    verdict = the_end(place)

    assert (verdict.outcome, verdict.reason) == ("environment", "launch")
    assert (mess.alive(), verdict.survivors, mess.spared()) == (set(), (), True)
    assert mess.single <= set(verdict.killed["sweep"])
