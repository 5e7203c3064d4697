"""Silence, with the real Codex: what is left alone, what is interrupted, and what comes after."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import clock, processes
from symphony_cli.adapters.markdown_write import write_lock
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.report import Stalled
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real import model as models
from tests.real.conftest import Open, Studio
from tests.real.house import House
from tests.real.model import Entry, command, message, update

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

NAME = "QUIET-1"
PATIENT = {"stall_timeout_ms": 3000, "command_timeout_ms": 60_000}
IMPATIENT = {"stall_timeout_ms": 2000, "command_timeout_ms": 4000}
LONGER_THAN_STALL = 4
"""Seconds that something quiet takes in these stories."""

END = [update(state="Done"), message("Done.")]
INTERRUPTED = ["turn/start", "turn/interrupt", "thread/backgroundTerminals/clean", "turn/start"]


def to_the_end(place: Studio) -> House:
    """The issue's whole story."""
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.finished(NAME), f"{NAME} is done")
    return house


def only_run(house: House) -> RunPaths:
    (run,) = house.runs(NAME)
    return run


def stalls(house: House) -> list[Stalled]:
    return house.lines(only_run(house), Stalled)


def asked(house: House) -> list[str]:
    """What we asked of Codex once the thread was open, until the run ended by itself."""
    sent = [one.get("method", "") for one in house.transcript(only_run(house), "out")]
    turns = [method for method in sent if method.partition("/")[0] in ("turn", "thread")][1:]
    return turns[: len(turns) - turns[::-1].index("turn/start")]


def items(house: House, kind: str) -> list[dict[str, Any]]:
    """The items of a kind that Codex told the beginning of."""
    said = house.transcript(only_run(house), "in")
    begun = [one["params"]["item"] for one in said if one.get("method") == "item/started"]
    return [item for item in begun if item["type"] == kind]


def goes_on(place: Studio, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """The later request begins with the earlier one and ends with our word on the silence."""
    kept = len(before["input"])
    assert models.as_sent(after["input"][:kept]) == models.as_sent(before["input"])
    assert after["prompt_cache_key"] == before["prompt_cache_key"]
    said = after["input"][-1]["content"][0]["text"]
    return str(said).startswith("Symphony interrupted your last turn because nothing was heard")


def processes_with(words: str) -> list[int]:
    """Processes whose command line ends with these words."""
    wanted, found = words.replace(" ", "\0").encode() + b"\0", []
    for pid in processes.all_pids():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes() == wanted:
                found.append(pid)
    return found


# What is left alone.


def code(source: str) -> Entry:
    """A newer model's one tool: it runs JavaScript, which has the other tools."""
    return {"custom": {"name": "exec", "input": source}}


def namespaced(namespace: str, name: str, **arguments: Any) -> Entry:
    return {"call": {"namespace": namespace, "name": name, "arguments": arguments}}


def use_newer_model(place: Studio) -> None:
    """From this model on Codex has sleeps and sub-agents, and wraps the other tools into `exec`."""
    config = place.home / "config.toml"
    text = config.read_text()
    config.write_text(text.replace('model = "gpt-5.5"', 'model = "gpt-6.1-sol"', 1))


NEWER_END = [code('await tools.issue_update({state: "Done"}); text("moved");'), message("Done.")]


def test_a_command_that_prints_nothing_is_left_alone_until_its_own_limit(studio: Open) -> None:
    quiet = command(f"sleep {LONGER_THAN_STALL}; echo over > over.txt")
    house = to_the_end(studio([quiet, *END], codex=PATIENT))
    workspace = house.checkout.parent / "workspaces" / NAME
    assert (stalls(house), (workspace / "over.txt").read_text()) == ([], "over\n")


@pytest.mark.both_codexes
def test_a_sleep_of_the_agent_is_left_alone(studio: Open) -> None:
    nap = namespaced("clock", "sleep", duration_ms=LONGER_THAN_STALL * 1000)
    place = studio([nap, *NEWER_END], codex=PATIENT)
    use_newer_model(place)
    house = to_the_end(place)
    naps = [item["durationMs"] for item in items(house, "sleep")]
    assert (stalls(house), naps) == ([], [LONGER_THAN_STALL * 1000])


SPAWN = namespaced(
    "collaboration", "spawn_agent", task_name="kid", message="KIDS WORK", fork_turns="none"
)
WAIT = namespaced("collaboration", "wait_agent", timeout_ms=60_000)
OF_KID = {"match": "NEW_TASK"}
OF_PARENT = {"not_match": "NEW_TASK"}


@pytest.mark.both_codexes
def test_a_sub_agent_may_run_a_quiet_command_while_its_parent_waits(studio: Open) -> None:
    work = f'const r = await tools.exec_command({{cmd: "sleep {LONGER_THAN_STALL}"}}); text("ok");'
    kids = [code(work) | OF_KID, message("The kid is done.") | OF_KID]
    parents = [entry | OF_PARENT for entry in (SPAWN, WAIT)]
    place = studio([*kids, *parents, *NEWER_END], codex=PATIENT)
    use_newer_model(place)
    house = to_the_end(place)
    waits = [item["tool"] for item in items(house, "collabAgentToolCall")]
    assert (stalls(house), waits, len(items(house, "commandExecution"))) == ([], ["wait"], 1)


def test_a_slow_tool_of_somebody_else_is_left_alone(studio: Open, stand_ins: Path) -> None:
    server = f'[mcp_servers.lab]\ncommand = "python3"\nargs = ["{stand_ins}/mcp_server.py"]\n'
    slow = namespaced("mcp__lab", "slow", s=LONGER_THAN_STALL)
    house = to_the_end(studio([slow, *END], extra=server, codex=PATIENT))
    tools = [item["tool"] for item in items(house, "mcpToolCall")]
    assert (stalls(house), tools) == ([], ["slow"])


def test_a_slow_tracker_is_our_doing_and_never_a_stall(studio: Open) -> None:
    place = studio(END, codex=PATIENT)
    house = place.house
    house.write_issue(NAME)
    with write_lock(house.state.markdown_lock):
        house.tick()
        until(lambda: has_waited(house), what="a tool call that takes its time")
    house.until(lambda: house.finished(NAME), f"{NAME} is done")
    assert stalls(house) == []


def has_waited(house: House) -> bool:
    """A tool of ours was asked for long ago."""
    at = when(house, "item/tool/call")
    return bool(at) and clock.now() - at[0] > timedelta(seconds=LONGER_THAN_STALL)


def when(house: House, method: str) -> list[datetime]:
    """When Codex told this, or asked for it."""
    (run,) = house.runs(NAME)
    kept = run.transcript.read_bytes().splitlines() if run.transcript.exists() else []
    said = [one for one in map(json.loads, kept) if isinstance(one["line"], dict)]
    told = [one for one in said if one["dir"] == "in" and one["line"].get("method") == method]
    return [datetime.fromisoformat(one["at"]) for one in told]


# What is interrupted.


@pytest.mark.both_codexes
def test_a_command_beyond_its_limit_is_ended_and_the_thread_goes_on(studio: Open) -> None:
    place = studio([command("sleep 3571"), *END], codex=IMPATIENT)
    house = to_the_end(place)
    first, second = place.model.requests()[:2]
    assert goes_on(place, first, second)
    assert asked(house) == INTERRUPTED
    until(lambda: not processes_with("sleep 3571"), what="the end of the command")


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param({"hang_headers": 3600}, id="no headers"),
        pytest.param(message("one two", hang=3600), id="hanging stream"),
    ],
)
def test_a_model_that_says_nothing_is_asked_again_on_the_same_thread(
    studio: Open, silent: Entry
) -> None:
    place = studio([command("echo hi"), silent, *END], codex=IMPATIENT)
    house = to_the_end(place)
    second, third = place.model.requests()[1:3]
    assert goes_on(place, second, third)
    assert (asked(house), len(stalls(house))) == (INTERRUPTED, 1)
    assert house.record(NAME).failures == 0


def test_a_sub_agent_whose_model_hangs_is_interrupted_with_its_parent(studio: Open) -> None:
    parents = [entry | OF_PARENT for entry in (SPAWN, WAIT)]
    place = studio([{"hang_headers": 3600} | OF_KID, *parents, *NEWER_END], codex=PATIENT)
    use_newer_model(place)
    house = to_the_end(place)
    sent = house.transcript(only_run(house), "out")
    cut = {one["params"]["threadId"] for one in sent if one.get("method") == "turn/interrupt"}
    assert (len(stalls(house)), len(cut)) == (1, 2)


def test_a_run_that_falls_silent_too_often_ends_as_stalled(studio: Open) -> None:
    endless = {"hang_headers": 3600, "repeat": -1}
    place = studio([endless], codex=IMPATIENT | {"max_stall_recoveries": 1})
    house = place.house
    house.write_issue(NAME)
    house.tick()
    (verdict,) = until(lambda: house.verdicts(NAME) or None, seconds=120, what="its first end")
    assert (verdict.outcome, verdict.reason) == (Outcome.STALLED, "silence")
    assert (verdict.stalls, len(place.model.requests())) == (2, 2)


def test_attempts_to_reach_a_model_that_is_gone_are_no_signs_of_life(studio: Open) -> None:
    place = studio([], codex=IMPATIENT | {"max_stall_recoveries": 0})
    place.model.end()
    house = place.house
    house.write_issue(NAME)
    house.tick()
    (verdict,) = until(lambda: house.verdicts(NAME) or None, seconds=120, what="the run's end")
    assert (verdict.outcome, verdict.stalls) == (Outcome.PROVIDER, 1)
    (stall,) = stalls(house)
    began = stall.at - timedelta(seconds=stall.silent)
    assert any(began < at < stall.at for at in when(house, "error"))
