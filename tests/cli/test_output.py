"""What a tick and a status say: to nobody, a log, a program, a person (rows O2, O3, O12)."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import Any

import pytest

from symphony_cli.core.times import stamp
from tests.cli.house import SYMPHONY, House, Told, held, planted

pytestmark = pytest.mark.real

TICK = {
    "exit_code",
    "summary",
    "requests",
    "duration_s",
    "decisions",
    "passed_over",
    "errors",
}
STATUS = {
    "generated_at",
    "counts",
    "running",
    "queued",
    "retrying",
    "blocked",
    "waiting",
    "codex_totals",
    "rate_limits",
    "tracker",
    "tick",
    "slots",
    "disk",
    "paused",
}
ROW = {
    "issue_id",
    "issue_identifier",
    "issue_url",
    "title",
    "state",
    "tokens",
    "budget",
    "dispatch_count",
    "retry_count",
    "rework_count",
    "stall_events",
    "declined_elicitations",
    "thread_id",
    "workspace_path",
}
BY_KIND = {
    "running": {
        "run",
        "attempt",
        "phase",
        "pid",
        "turn_count",
        "started_at",
        "last_event",
        "last_event_at",
        "last_message",
    },
    "queued": {"since", "position", "why"},
    "retrying": {"attempt", "due_at", "error"},
    "blocked": {"reason", "detail", "blocked_at", "clear_by"},
    "waiting": {"why"},
}
TOKENS = {"input_tokens", "cached_input_tokens", "output_tokens", "total_tokens", "spend"}


def members(value: Any, wanted: set[str]) -> set[str]:
    """Which of the wanted members are missing."""
    return wanted - set(value)


@dataclass(frozen=True)
class Crowd:
    """What commands say of a house in which there is an issue in each place."""

    status: Any
    tick: Any
    screens: dict[str, str]
    """By command, on a terminal of 80 columns."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """One issue runs, one waits for a slot, one retries, one is blocked, one waits for another."""
    house = House(tmp_path_factory.mktemp("crowd")).begin("agent: {max_concurrent_agents: 2}")
    house.script(
        A_1=[{"say": "I look around."}, {"wait": 60}],
        B_1=[{"say": "I ask."}, {"ask": {"kind": "user_input", "question": "Which?"}}],
        F_1=[{"say": "I fail."}, {"fail": {"message": "no luck"}}],
    )
    house.issue("B-1", priority="1")
    house.issue("F-1", priority="1")
    house.run("tick")
    house.verdict("B-1")
    house.verdict("F-1")
    house.configure("agent: {max_concurrent_agents: 1}")
    house.issue("A-1", priority="1", title="Look around in the whole house and tell what is there")
    house.issue("C-1", title="Wait for a slot")
    house.issue("D-1", blocked_by="[A-1]")
    # From here on the wait of F-1 runs, about ten seconds: look at it before anything else.
    tick = house.run("tick", "--json").json
    screens = {"status": seen(house, "status")}
    shown = house.status()
    commands = ("tick", "status B-1", "tick --dry-run")
    screens |= {command: seen(house, *command.split()) for command in commands}
    yield Crowd(shown, tick, screens)
    house.end()


def test_an_idle_tick_says_nothing_to_a_log_and_something_to_a_program(house: House) -> None:
    house.issue("A-1", state="In Review")
    quiet = [house.run("tick"), house.run("tick", "--log-json")]
    told = house.run("tick", "--json")

    assert quiet == [Told(0, "", "")] * 2
    assert re.fullmatch(
        r"tick ok: 0 running, 0 in line, 0 blocked; 0 requests, \d\.\d\d s", told.json["summary"]
    )
    assert (told.json["decisions"], told.json["passed_over"], told.err) == ([], [], "")


def test_an_idle_tick_leaves_every_file_but_its_own_as_it_was(house: House) -> None:
    house.issue("A-1")
    house.work("A-1")
    before = {path: path.read_bytes() for path in house.state.rglob("*") if path.is_file()}
    house.run("tick")
    after = {path: path.read_bytes() for path in house.state.rglob("*") if path.is_file()}
    paths = before.keys() | after.keys()
    assert {path.name for path in paths if before.get(path) != after.get(path)} <= {
        "tick.json",
        "lock",
    }


def test_a_tick_that_acted_says_a_line_for_the_whole_and_one_per_issue(house: House) -> None:
    house.issue("A-1")
    house.issue("A-2", blocked_by="[A-1]")
    told = house.run("tick")

    first, *rest = told.lines
    assert first.startswith(
        "tick ok: 1 running, 0 in line, 0 blocked, 1 dispatch, 1 enrol; passed over: 1 blocker; "
    )
    assert [re.sub("at=[^ ]+ ", "", line) for line in rest] == [
        'event=enrol issue_id=A-1 issue_identifier=A-1 session_id="" outcome=done detail=""',
        'event=dispatch issue_id=A-1 issue_identifier=A-1 session_id="" outcome=done '
        'detail="run 1, attempt 1"',
        'event=passed_over issue_id=A-2 issue_identifier=A-2 session_id="" outcome=blocker '
        'detail="A-1 must close first (it is Todo)"',
    ]


def test_log_lines_name_issue_and_session(house: House) -> None:
    house.issue("A-1")
    house.run("tick")
    session = house.verdict("A-1")["thread"]["id"]
    told = house.run("tick", "--log-json")

    events = [json.loads(line) for line in told.lines]
    names = ("event", "issue_id", "issue_identifier", "session_id", "outcome")
    assert [tuple(event[name] for name in names) for event in events] == [
        ("settle", "A-1", "A-1", session, "done"),
        ("finish", "A-1", "A-1", session, "done"),
        ("tick", "", "", "", "0"),
    ]
    assert {frozenset(event) for event in events} == {frozenset({*names, "at", "detail"})}


def test_log_lines_do_not_leave_out_what_went_wrong(house: House) -> None:
    house.issues.rmdir()
    told = house.run("tick", "--log-json")
    events = [json.loads(line) for line in told.lines]
    assert [(event["event"], event["outcome"]) for event in events] == [
        ("error", "failed"),
        ("tick", "13"),
    ]
    assert events[0]["detail"].startswith(f"The issue folder {house.issues} is not there")


def test_a_torn_ledger_is_mended_and_told_once(house: House) -> None:
    house.issue("A-1")
    house.run("tick")
    house.verdict("A-1")
    with house.ledger.open("a") as stream:
        stream.write('{"e": "sigh')
    told, after = house.run("tick"), house.run("tick")

    sentence = (
        f"the last line of {house.ledger} was torn (11 bytes, from a crash or a full disk); it was "
        "moved to ledger.torn and the ledger is whole again"
    )
    assert (told.code, f'detail="{sentence}"' in told.lines[1]) == (0, True), told.lines
    assert (house.state / "ledger.torn").read_text() == '{"e": "sigh\n'
    assert [event["bytes"] for event in house.events("repaired")] == [11]
    assert after == Told(0, "", "")


def test_json_has_what_programs_count_on(crowd: Crowd) -> None:
    rows = {kind: crowd.status[kind] for kind in BY_KIND}
    assert members(crowd.tick, TICK) == set()
    assert set(crowd.tick["passed_over"][0]) >= {"issue_identifier", "reason", "why"}
    assert members(crowd.status, STATUS) == set()
    assert {kind: [row["issue_identifier"] for row in found] for kind, found in rows.items()} == {
        "running": ["A-1"],
        "queued": ["C-1"],
        "retrying": ["F-1"],
        "blocked": ["B-1"],
        "waiting": ["D-1"],
    }
    for kind, (row,) in rows.items():
        assert members(row, ROW | BY_KIND[kind]) == set(), kind
        assert members(row["tokens"], TOKENS) == set()
        assert members(row["budget"], {"limit", "granted"}) == set()


def test_a_tick_says_of_each_issue_why_it_does_not_run(crowd: Crowd) -> None:
    reasons = {p["issue_identifier"]: p["reason"] for p in crowd.tick["passed_over"]}
    assert reasons == {"B-1": "block", "C-1": "slots", "D-1": "blocker", "F-1": "backoff"}


def test_json_of_a_decision_has_what_programs_count_on(house: House) -> None:
    house.issue("A-1")
    decisions = house.run("tick", "--json").json["decisions"]
    assert [d["kind"] for d in decisions] == ["take_in", "enrol", "dispatch"]
    assert members(decisions[2], {"kind", "issue_identifier", "detail", "outcome"}) == set()
    assert (decisions[2]["issue_identifier"], decisions[2]["outcome"]) == ("A-1", "done")


def seen(house: House, *arguments: str) -> str:
    """What a command shows on a terminal of 80 columns."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - it becomes another program
        os.chdir(house.project)
        os.execve(SYMPHONY[0], [*SYMPHONY, *arguments], {**house.environ, "TERM": "xterm"})
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    data, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline and select.select([terminal], [], [], 30)[0]:
        try:
            data += os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0
    return data.decode().replace("\r\n", "\n")


def test_a_person_sees_an_idle_tick(house: House) -> None:
    said = seen(house, "tick")
    assert re.fullmatch(r"tick ok: 0 running, 0 in line, 0 blocked; 0 requests, \d\.\d\d s\n", said)


def test_what_a_person_sees_fits_the_screen(crowd: Crowd) -> None:
    lines = [line for text in crowd.screens.values() for line in text.splitlines()]
    assert [line for line in lines if len(line) > 80 and max(map(len, line.split())) < 60] == []
    titles = ["Running", "Queued", "Retrying", "Blocked: waits for a person", "Waiting"]
    status = crowd.screens["status"]
    assert [line for line in status.splitlines() if line in titles] == titles
    assert "`symphony unblock B-1` lets it go on; so does a comment on the issue" in status
    assert "C-1 passed over, slots: the only slot is taken" in " ".join(
        crowd.screens["tick --dry-run"].split()
    )


def test_before_the_first_tick_status_says_what_to_type(house: House) -> None:
    told = house.run("status")
    assert told.lines[0] == "No tick has run yet: type `symphony tick`, or let a timer do it."
    assert not house.state.exists()


def test_status_tells_the_age_of_the_last_tick_in_seconds_or_minutes(house: House) -> None:
    house.run("tick")
    path = house.state / "tick.json"
    last, sentences = json.loads(path.read_text()), []

    def ended(seconds: float) -> None:
        at = stamp(datetime.now(UTC) - timedelta(seconds=seconds))
        path.write_text(json.dumps({**last, "ended_at": at}))

    for seconds in (12, 600, 3600):
        ended(seconds)
        sentences.append(house.status()["tick"]["sentence"])
    house.configure("polling: {interval_ms: 1000}")
    ended(12)
    sentences.append(house.status()["tick"]["sentence"])

    assert [re.sub(r"1\d s", "12 s", sentence) for sentence in sentences] == [
        "The last tick was 12 s ago and went well.",
        "The last tick was 10 min ago and went well.",
        "The last tick was 60 min ago: is the timer running?",
        "The last tick was 12 s ago: is the timer running?",
    ]


def test_a_bug_that_ends_a_tick_is_what_status_shows(house: House) -> None:
    house.run("tick")
    code = "import symphony_cli.commands.tick as story\nstory.plan = lambda *_: 1 / 0\n"
    told = house.run("tick", environ=planted(house, code))
    shown = house.status()["tick"]

    assert (told.code, shown["exit_code"], shown["sentence"]) == (
        70,
        70,
        "The last tick ended with exit code 70: a bug of ours: ZeroDivisionError: division by zero",
    )


def test_status_names_who_holds_the_lock(house: House) -> None:
    house.run("tick")
    with held(house.state / "lock"):
        shown = house.status()
    assert re.fullmatch(r"`.* tick` \(pid \d+\)", shown["tick"]["lock_held_by"])
    assert house.status()["tick"]["lock_held_by"] == ""
