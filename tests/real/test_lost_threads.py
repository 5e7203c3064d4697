"""Where a thread cannot be resumed a new one takes over, told of the attempt before; and people
are told of it, too.

These are the only ways to lose a conversation: its file is gone, its home is gone, or it is too
long for its model and could not be made shorter. A thread that another process has open is not
lost: we wait for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.report import ThreadBegan
from tests.errands.world import until
from tests.real import model as models
from tests.real import threads as t
from tests.real.conftest import Open
from tests.real.house import PROMPT, House
from tests.real.model import Entry, command, message, update
from tests.real.studio import Studio
from tests.real.threads import ANSWERS, COMMIT, NAME, OPEN_COMMAND

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

TOLD = PROMPT + (
    "{% if previous_attempt %}The attempt before: {{ previous_attempt.outcome }}, "
    "{{ previous_attempt.turns_used }} turns.{% endif %}"
)
REST: list[Entry] = [
    command(f"{COMMIT} 'Say one'", **ANSWERS[3]),
    update(state="Done", **ANSWERS[4]),
    message("Done.", **ANSWERS[5]),
]
FIRST: list[Entry] = [command("echo one > one.txt", **ANSWERS[0]), OPEN_COMMAND]
TOO_LONG: Entry = {"failed": {"code": "context_length_exceeded", "message": "Too long."}}


def killed(place: Studio) -> House:
    """The house, once the first run was killed in the middle of its work."""
    house = place.house
    house.write_issue(NAME)
    house.tick()
    until(lambda: t.is_cut(place, asked=2), what="the open command")
    t.kill_codex_too(place, house.runs(NAME)[0])
    return house


def assert_begun_anew(place: Studio, why: str, said: str) -> None:
    """A new thread, told of the attempt before; counted, and told to people."""
    house = place.house
    house.until(lambda: house.finished(NAME), "it is done on a new thread")
    last = house.runs(NAME)[-1]
    assert t.asked(house, NAME)[-1][-2:] == ["thread/start", "turn/start"]
    assert len(set(t.threads(house, NAME))) == 2
    (began,) = house.lines(last, ThreadBegan)
    assert (began.resumed, why in began.fresh_because) == (False, True), began.fresh_because
    (first, *_) = place.model.requests()[-len(REST) :]
    assert said in t.text_of(first["input"][-1])
    assert [item["type"] for item in first["input"]] == ["message"] * len(first["input"])
    assert house.record(NAME).fresh_threads == 1
    status = house.symphony("status", NAME).stdout
    assert "1 new thread" in " ".join(status.split()), status


def test_a_thread_whose_file_is_gone_is_replaced(studio: Open) -> None:
    place = studio([*FIRST, *REST], prompt=TOLD)
    house = killed(place)
    (rollout,) = place.home.glob("sessions/**/rollout-*.jsonl")
    rollout.unlink()
    assert_begun_anew(place, "no rollout found", "The attempt before: lost, 0 turns.")
    assert house.record(NAME).failures == 1


def test_a_thread_whose_home_is_gone_is_replaced(studio: Open) -> None:
    place = studio([*FIRST, *REST], prompt=TOLD)
    killed(place)
    shutil.rmtree(place.home)
    other = models.stand_in("codex_home").make(place.home.parent / "other", place.model.url)
    place.edit(home=str(other))
    assert_begun_anew(place, f"{place.home}, is gone", "The attempt before: lost, 0 turns.")


def test_a_thread_that_is_too_long_twice_is_replaced(studio: Open) -> None:
    summary = message("I said one.", **ANSWERS[1])
    place = studio([FIRST[0], TOO_LONG, summary, TOO_LONG, *REST], prompt=TOLD)
    house = place.house
    house.write_issue(NAME)
    assert_begun_anew(place, "", "The attempt before: failed, 0 turns.")
    assert t.outcomes(house, NAME) == [(Outcome.FAILED, "context"), (Outcome.HANDED_OVER, "Done")]


@pytest.mark.both_codexes
def test_a_thread_that_another_process_has_open_is_waited_for(studio: Open, codex: str) -> None:
    place = studio([*FIRST, *REST], prompt=TOLD)
    house = killed(place)
    (rollout,) = place.home.glob("sessions/**/rollout-*.jsonl")
    with holding(codex, place.home, rollout.stem[-36:]):
        refused = house.until(lambda: refusals(house), "the thread is refused")
    house.until(lambda: house.finished(NAME), "it is done once the thread is free")
    assert all("already has an active writer" in why for why in refused)
    t.assert_begins_with(*place.model.requests()[1:3])
    opened = t.asked(house, NAME)[-1]
    assert len(opened) > 2 and {*opened[:-1]} == {"thread/resume"}
    record = house.record(NAME)
    assert (record.runs, record.failures, record.fresh_threads) == (2, 1, 0)


def refusals(house: House) -> list[str] | None:
    """What Codex refused of the second run, if it has refused anything."""
    runs = house.runs(NAME)
    if len(runs) < 2 or not runs[1].transcript.exists():
        return None
    told = house.transcript(runs[1], "in")
    return [line["error"]["message"] for line in told if "error" in line] or None


@contextmanager
def holding(codex: str, home: Path, thread: str) -> Iterator[None]:
    """A person's own Codex that has a thread open."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}
    process = subprocess.Popen(
        [codex, "app-server"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None and process.stdout is not None
    hello = {"clientInfo": {"name": "person", "version": "1"}}
    asked = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "initialized"},
        {"id": 2, "method": "thread/resume", "params": {"threadId": thread}},
    ]
    try:
        process.stdin.write(b"".join(json.dumps(one).encode() + b"\n" for one in asked))
        process.stdin.flush()
        answers = map(json.loads, process.stdout)
        opened = next(line for line in answers if line.get("id") == 2)
        assert opened["result"]["thread"]["id"] == thread
        yield
    finally:
        process.kill()
        process.communicate(timeout=60)
