"""What happened to an issue's thread, read from the run folders and from the model's log."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from symphony_cli import processes, runfolder
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Identity
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real import model as models
from tests.real.house import House
from tests.real.model import command, message, tokens
from tests.real.studio import Studio

NAME = "ONE-1"
ANSWERS = [tokens(1000 + 100 * n, 100 * n, 10 + n) for n in range(8)]
COMMIT = "git add -A && git -c user.name=Agent -c user.email=agent@example.org commit -qm"
OPEN_COMMAND = command("echo going; sleep 300", **ANSWERS[2])
HANGING_STREAM = message("one two three", hang=300, **ANSWERS[2])


def outcomes(house: House, name: str) -> list[tuple[Outcome, str]]:
    return [(verdict.outcome, verdict.reason) for verdict in house.verdicts(name)]


def threads(house: House, name: str) -> list[str]:
    return [verdict.thread.id if verdict.thread else "" for verdict in house.verdicts(name)]


def asked(house: House, name: str) -> list[list[str]]:
    """How each run of an issue opened its thread and started its turns."""
    wanted = {"thread/start", "thread/resume", "turn/start"}
    sent = [house.transcript(run, "out") for run in house.runs(name)]
    return [[m["method"] for m in run if m.get("method") in wanted] for run in sent]


def is_cut(place: Studio, asked: int = 3) -> bool:
    """The model was asked so often, and what it started can be seen."""
    if len(place.model.requests()) < asked:
        return False
    said = place.house.transcript(place.house.runs(NAME)[0], "in")
    items = [m["params"]["item"] for m in said if m.get("method") == "item/started"]
    last = items[-1] if items else {"type": ""}
    return last["type"] == "agentMessage" or "sleep 300" in last.get("command", "")


def assert_continues(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """The later input begins with the earlier one, item by item and byte for byte; what is new."""
    kept = len(before["input"])
    assert models.as_sent(after["input"][:kept]) == models.as_sent(before["input"])
    assert after["prompt_cache_key"] == before["prompt_cache_key"]
    news: list[dict[str, Any]] = after["input"][kept:]
    return news


def assert_begins_with(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """So does all that stands before the input in what a provider can keep; what is new."""
    same = ("model", "tools", "instructions")
    assert [after.get(name) for name in same] == [before.get(name) for name in same]
    return assert_continues(before, after)


def assert_goes_on(before: dict[str, Any], after: dict[str, Any], output: str) -> None:
    """It begins with the earlier one, then has the end of what was cut, and the prompt."""
    news = assert_begins_with(before, after)
    outputs = [item["output"] for item in news if item["type"] == "function_call_output"]
    assert [text.splitlines()[-1] for text in outputs] == ([output] if output else [])
    assert f"Issue {NAME}" in text_of(news[-1])


def text_of(item: dict[str, Any]) -> str:
    """What a message of a request says."""
    return "".join(part["text"] for part in item["content"])


# Ways to end a run.


def process_of(run: RunPaths) -> Identity:
    """The process that the run is."""
    sign = runfolder.pid_file(run)
    assert sign is not None, f"{run.folder} has no pid.json"
    return sign.process


def codex_of(place: Studio, run: RunPaths) -> Identity:
    """Its Codex."""
    mother = process_of(run).pid
    (server,) = [pid for pid in place.house.alive() if parent(pid) == mother]
    known = processes.identify(server)
    assert known is not None, f"Codex of {run.folder} has gone"
    return known


def parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def kill_supervisor(place: Studio, run: RunPaths) -> None:
    """Kill -9 the process that the run is, and nothing else."""
    assert processes.signal_if_same(process_of(run), signal.SIGKILL)


def kill_codex(place: Studio, run: RunPaths) -> None:
    """Kill -9 Codex, and nothing else."""
    assert processes.signal_if_same(codex_of(place, run), signal.SIGKILL)


def kill_codex_too(place: Studio, run: RunPaths) -> None:
    """Kill -9 Codex first, while the supervisor is held still and cannot tell of it."""
    mine = process_of(run)
    assert processes.signal_if_same(mine, signal.SIGSTOP)
    kill_codex(place, run)
    assert processes.signal_if_same(mine, signal.SIGKILL)


def terminate(place: Studio, run: RunPaths) -> None:
    """SIGTERM without a word, as a machine that shuts down sends it to everybody."""
    codex, mine = codex_of(place, run), process_of(run)
    assert processes.signal_if_same(codex, signal.SIGTERM)
    assert processes.signal_if_same(mine, signal.SIGTERM)


def restart_machine(place: Studio, run: RunPaths) -> None:
    """Everything is gone at once, and what is left behind names another boot."""
    kill_codex_too(place, run)
    until(lambda: nobody_is_left(place.house), what="the end of all processes")
    own, other = process_of(run).boot, "00000000-0000-0000-0000-000000000000"
    run.pid.write_text(run.pid.read_text().replace(own, other))


def nobody_is_left(house: House) -> bool:
    """Kill -9 what is alive of the runs here; whether nothing was."""
    pids = house.alive()
    for known in map(processes.identify, pids):
        if known is not None:
            processes.signal_if_same(known, signal.SIGKILL)
    return not pids


def stop_by_hand(place: Studio, run: RunPaths) -> None:
    """An operator ends the run, and lets the issue go on when the run has ended."""
    house = place.house
    assert house.symphony("stop", NAME).returncode == 0
    house.until(lambda: house.record(NAME).running is None, "the run is over")
    assert house.symphony("unblock", NAME).returncode == 0


def wait_for_its_end(place: Studio, run: RunPaths) -> None:
    """Nothing is done: the run ends by itself."""
