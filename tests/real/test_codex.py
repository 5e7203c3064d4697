"""Whole stories with the real Codex; only the model is scripted."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import processes, runfolder
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.report import Asked
from symphony_cli.core.usage import Usage
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real import model as models
from tests.real.conftest import Open, Studio
from tests.real.house import House
from tests.real.model import Entry, call, command, message, tokens, total, update

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

COMMIT = "git add -A && git -c user.name=Agent -c user.email=agent@example.org commit -qm"
ANSWERS = [tokens(1000 + 100 * n, 100 * n, 10 + n) for n in range(8)]


def outcomes(house: House, name: str) -> list[tuple[Outcome, str]]:
    return [(verdict.outcome, verdict.reason) for verdict in house.verdicts(name)]


def threads(house: House, name: str) -> list[str]:
    return [verdict.thread.id if verdict.thread else "" for verdict in house.verdicts(name)]


def asked(house: House, name: str) -> list[list[str]]:
    """How each run of an issue opened its thread and started its turns."""
    wanted = {"thread/start", "thread/resume", "turn/start"}
    sent = [house.transcript(run, "out") for run in house.runs(name)]
    return [[m["method"] for m in run if m.get("method") in wanted] for run in sent]


def test_an_issue_goes_from_todo_to_done_by_its_agents_own_hand(studio: Open) -> None:
    outside = "(touch ../../project/leak; git -C ../../project commit -qm no --allow-empty)"
    place = studio(
        [
            update(state="In Progress", **ANSWERS[0]),
            command(f"echo hi > hi.txt; {outside}; {COMMIT} 'Say hi'", **ANSWERS[1]),
            update(state="Done", comment="It says hi now.", **ANSWERS[2]),
            message("Done: it says hi.", **ANSWERS[3]),
        ]
    )
    house = place.house
    house.write_issue("HI-1", "Say hi.")
    house.until(lambda: house.finished("HI-1"), "HI-1 is done")
    record = house.record("HI-1")
    assert record.last is not None and record.last.git is not None
    told = (record.last.outcome, record.last.message, record.runs, record.turns, record.usage)
    assert told == (Outcome.HANDED_OVER, "Done: it says hi.", 1, 1, total(*ANSWERS[:4]))
    subjects = house.git(house.checkout.parent / "workspaces/HI-1", "log", "--format=%an %s")
    assert subjects.splitlines() == ["Agent Say hi", "Ada A project"]
    assert (record.last.git.commits, record.last.git.branch) == (1, "symphony/HI-1")
    assert "state: Done" in house.issue("HI-1") and "It says hi now." in house.issue("HI-1")
    assert house.git(house.checkout, "status", "--short") == "", "the sandbox let it out"
    assert house.git(house.checkout, "log", "--format=%s") == "A project"


def kill_supervisor(place: Studio, run: RunPaths) -> None:
    """Kill -9 the process that the run is, and nothing else."""
    sign = runfolder.pid_file(run)
    assert sign is not None and processes.signal_if_same(sign.process, signal.SIGKILL)


def parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def kill_codex_too(place: Studio, run: RunPaths) -> None:
    """Kill -9 Codex first, while the supervisor is held still and cannot tell of it."""
    sign = runfolder.pid_file(run)
    assert sign is not None and processes.signal_if_same(sign.process, signal.SIGSTOP)
    (server,) = [pid for pid in place.house.alive() if parent(pid) == sign.process.pid]
    known = processes.identify(server)
    assert known is not None and processes.signal_if_same(known, signal.SIGKILL)
    assert processes.signal_if_same(sign.process, signal.SIGKILL)


OPEN_COMMAND = command("echo going; sleep 300", **ANSWERS[2])
HANGING_STREAM = message("one two three", hang=300, **ANSWERS[2])


@pytest.mark.parametrize(
    ("cut", "kill", "output", "lost"),
    [
        pytest.param(OPEN_COMMAND, kill_supervisor, "aborted by user", (), id="open command"),
        pytest.param(OPEN_COMMAND, kill_codex_too, "aborted", (2,), id="open command, both die"),
        pytest.param(HANGING_STREAM, kill_supervisor, "", (2,), id="hanging stream"),
    ],
)
def test_after_a_kill_the_same_thread_goes_on_and_no_token_is_counted_twice(
    studio: Open,
    cut: Entry,
    kill: Callable[[Studio, RunPaths], None],
    output: str,
    lost: tuple[int, ...],
) -> None:
    place = studio(
        [
            update(state="In Progress", **ANSWERS[0]),
            command("echo one > one.txt", **ANSWERS[1]),
            cut,
            command(f"{COMMIT} 'Say one'", **ANSWERS[3]),
            update(state="Done", **ANSWERS[4]),
            message("Done.", **ANSWERS[5]),
        ]
    )
    house = place.house
    house.write_issue("ONE-1")
    house.tick()
    until(lambda: is_cut(place), what="the third answer of the model")
    kill(place, house.runs("ONE-1")[0])
    house.until(lambda: house.finished("ONE-1"), "ONE-1 is done after the kill")
    before, after = place.model.requests()[2:4]
    assert_goes_on(before, after, output)
    assert asked(house, "ONE-1") == [
        ["thread/start", "turn/start"],
        ["thread/resume", "turn/start"],
    ]
    assert len(set(threads(house, "ONE-1"))) == 1
    record = house.record("ONE-1")
    assert (record.runs, record.failures, record.fresh_threads) == (2, 1, 0)
    counted = [answer for number, answer in enumerate(ANSWERS[:6]) if number not in lost]
    assert record.usage == total(*counted)
    until(lambda: not house.alive(), what="the end of all processes")


def test_what_a_kill_hid_of_the_first_answer_is_counted_by_the_next_run(studio: Open) -> None:
    place = studio([OPEN_COMMAND, update(state="Done", **ANSWERS[3]), message("!", **ANSWERS[4])])
    house = place.house
    house.write_issue("ONE-1")
    house.tick()
    until(lambda: is_cut(place, asked=1), what="the first command")
    kill_supervisor(place, house.runs("ONE-1")[0])
    house.until(lambda: house.finished("ONE-1"), "ONE-1 is done after the kill")
    spent = [verdict.spent for verdict in house.verdicts("ONE-1")]
    assert spent == [Usage(), total(*ANSWERS[2:5])]
    assert house.record("ONE-1").usage == total(*ANSWERS[2:5])


def is_cut(place: Studio, asked: int = 3) -> bool:
    """The model was asked so often, and what it started can be seen."""
    if len(place.model.requests()) < asked:
        return False
    said = place.house.transcript(place.house.runs("ONE-1")[0], "in")
    items = [m["params"]["item"] for m in said if m.get("method") == "item/started"]
    last = items[-1] if items else {"type": ""}
    return last["type"] == "agentMessage" or "sleep 300" in last.get("command", "")


def assert_goes_on(before: dict[str, Any], after: dict[str, Any], output: str) -> None:
    """The later request begins with the earlier one, item by item and byte for byte."""
    kept = len(before["input"])
    assert models.as_sent(after["input"][:kept]) == models.as_sent(before["input"])
    same = ("model", "tools", "instructions", "prompt_cache_key")
    assert [after.get(name) for name in same] == [before.get(name) for name in same]
    news = after["input"][kept:]
    outputs = [item["output"] for item in news if item["type"] == "function_call_output"]
    assert [text.splitlines()[-1] for text in outputs] == ([output] if output else [])
    assert "Issue ONE-1" in news[-1]["content"][0]["text"]


def test_a_usage_limit_holds_everybody_and_is_nobodys_failure(studio: Open) -> None:
    reset = int(time.time()) + 12
    place = studio(
        [
            usage_limit(reset),
            *[update(state="Done"), message("First.")],
            *[update(state="Done"), message("Second.")],
        ],
        agent={"max_concurrent_agents": 1},
    )
    house = place.house
    house.write_issue("A-1")
    house.write_issue("A-2")
    held = house.until(lambda: "provider" in house.history().holds, "the limit is known")
    passed = {one["issue"]: one["reason"] for one in house.tick()["passed_over"]}
    assert (held, passed) == (True, {"A-1": "provider", "A-2": "provider"})
    assert len(place.model.requests()) == 1
    house.until(lambda: house.finished("A-1", "A-2"), "both are done after the reset")
    started = [house.verdicts(name)[-1].started_at for name in ("A-1", "A-2")]
    assert min(at.timestamp() for at in started if at) >= reset
    assert outcomes(house, "A-1")[0] == (Outcome.PROVIDER, "usage_limit")
    assert [house.record(name).failures for name in ("A-1", "A-2")] == [0, 0]
    assert (len(set(threads(house, "A-1"))), len(house.runs("A-2"))) == (1, 1)


def usage_limit(reset: int) -> Entry:
    """What the provider answers when a plan is used up."""
    error = {"type": "usage_limit_reached", "message": "The usage limit has been reached"}
    windows = {"used-percent": "100", "window-minutes": "300", "reset-at": str(reset)}
    return {
        "http": 429,
        "body": {"error": {**error, "plan_type": "pro", "resets_at": reset}},
        "headers": {f"x-codex-primary-{name}": value for name, value in windows.items()},
    }


PLAIN = command("touch made.txt", **ANSWERS[0])
ESCALATED = call(
    "exec_command",
    {
        "cmd": "touch made.txt",
        "sandbox_permissions": "require_escalated",
        "justification": "It must lie here.",
    },
    **ANSWERS[0],
)
ASKING = [
    pytest.param("untrusted", PLAIN, "", id="untrusted"),
    pytest.param("on-request", ESCALATED, " (It must lie here.)", id="on-request"),
]


@pytest.mark.parametrize(("policy", "wish", "reason"), ASKING)
def test_a_declined_approval_lets_the_turn_go_on(
    studio: Open, policy: str, wish: Entry, reason: str
) -> None:
    place = studio(
        [wish, update(state="Done", **ANSWERS[1]), message("Without it.", **ANSWERS[2])],
        codex={"approval_policy": policy, "approval_answer": "decline"},
    )
    house = place.house
    house.write_issue("ASK-1")
    house.until(lambda: house.finished("ASK-1"), "ASK-1 is done")
    record, (run,) = house.record("ASK-1"), house.runs("ASK-1")
    assert (record.declines, record.runs, record.usage) == (1, 1, total(*ANSWERS[:3]))
    (told,) = house.lines(run, Asked)
    assert (told.question, told.answer) == ("approval", "decline") and told.text.endswith(
        f"touch made.txt'{reason}"
    )
    workspace = house.checkout.parent / "workspaces/ASK-1"
    assert sorted(path.name for path in workspace.glob("*.txt")) == []


@pytest.mark.parametrize(("policy", "wish", "reason"), ASKING)
def test_an_approval_that_is_left_to_people_blocks_the_issue_with_the_question(
    studio: Open, policy: str, wish: Entry, reason: str
) -> None:
    place = studio([wish], codex={"approval_policy": policy, "approval_answer": "block"})
    house = place.house
    house.write_issue("ASK-1")
    house.until(lambda: "symphony-stuck" in house.issue("ASK-1"), "the label is set")
    house.until(lambda: not house.history().outbox, "the comment is delivered")
    record = house.record("ASK-1")
    assert record.block is not None and record.block.reason is BlockReason.APPROVAL
    assert f"touch made.txt'{reason}" in house.issue("ASK-1").partition("## Comments")[2]
    assert [one["reason"] for one in house.tick()["passed_over"]] == ["block"]
    # Codex may have asked its model once more before the interrupt came; that answer was cut.
    assert (record.runs, record.failures) == (1, 0)
    assert len(place.model.requests()) in (1, 2)
    assert outcomes(house, "ASK-1") == [(Outcome.ASKED, "approval")]


REFUSALS = [
    pytest.param(404, "model_not_found", "model", id="no such model"),
    pytest.param(401, "invalid_api_key", "unauthorized", id="bad login"),
]


@pytest.mark.parametrize(("status", "code", "reason"), REFUSALS)
def test_a_provider_that_refuses_us_is_the_machines_trouble_until_somebody_mends_it(
    studio: Open, status: int, code: str, reason: str
) -> None:
    error = {"error": {"message": "No.", "type": "invalid_request_error", "code": code}}
    place = studio(
        [{"http": status, "body": error, "repeat": -1}],
        agent={"max_concurrent_agents": 1, "max_retry_backoff_ms": 1500},
    )
    house = place.house
    house.write_issue("A-1")
    house.write_issue("A-2")
    why = house.until(lambda: held_by_environment(house), "all dispatch is held")
    assert why.startswith("3 failures in a row (The provider does not")
    found = {*outcomes(house, "A-1"), *outcomes(house, "A-2")}
    assert found == {(Outcome.ENVIRONMENT, reason)}
    place.mend([update(state="Done"), message("One."), update(state="Done"), message("Two.")])
    house.until(lambda: house.finished("A-1", "A-2"), "both are done once it is mended")
    assert [house.record(name).failures for name in ("A-1", "A-2")] == [0, 0]
    assert house.history().holds == {}


def held_by_environment(house: House) -> str | None:
    passed = house.tick().get("passed_over", [])
    return next((one["why"] for one in passed if one["reason"] == "environment"), None)


def test_an_agent_that_never_moves_its_issue_rolls_over_on_the_same_thread(studio: Open) -> None:
    words = [message(f"Still at it ({n}).", **ANSWERS[n]) for n in range(4)]
    last = [update(state="Done", **ANSWERS[4]), message("At last.", **ANSWERS[5])]
    place = studio([*words, *last], agent={"max_turns": 2})
    house = place.house
    house.write_issue("SLOW-1")
    house.until(lambda: house.finished("SLOW-1"), "SLOW-1 is done")
    rolled = (Outcome.ROLLED_OVER, "max_turns")
    assert outcomes(house, "SLOW-1") == [rolled, rolled, (Outcome.HANDED_OVER, "Done")]
    assert asked(house, "SLOW-1") == [
        ["thread/start", "turn/start", "turn/start"],
        ["thread/resume", "turn/start", "turn/start"],
        ["thread/resume", "turn/start"],
    ]
    record = house.record("SLOW-1")
    assert len(set(threads(house, "SLOW-1"))) == 1
    assert (record.turns, record.failures, record.usage) == (5, 0, total(*ANSWERS[:6]))
