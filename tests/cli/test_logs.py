"""`symphony logs` as people type it: after a run, during one, and over to the next."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.cli.house import DONE, SYMPHONY, House, fingerprint, held, until

pytestmark = pytest.mark.real

WORK = [
    {"say": "I look first."},
    {"run": "echo out; echo err >&2; exit 3"},
    *DONE,
]


class Heard:
    """What a command that goes on says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, list[str]()
        self._thread = Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n")[10:])

    def until(self, text: str, seconds: float = 60.0) -> None:
        def said() -> bool:
            return any(text in line for line in list(self.lines))

        until(said, f"{text!r} in {self.lines}", seconds)

    def end(self, number: signal.Signals | None = None, seconds: float = 60.0) -> int:
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._thread.join(seconds)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture
def followers() -> Iterator[list[Heard]]:
    """Commands that are killed when a test leaves them behind."""
    made: list[Heard] = []
    yield made
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.end()


def follow(house: House, followers: list[Heard], *words: str) -> Heard:
    followers.append(Heard(house.start("logs", *words)))
    return followers[-1]


def test_a_run_that_is_over_is_shown_whole_while_a_tick_holds_the_lock(house: House) -> None:
    house.script(A_1=WORK)
    house.issue("A-1")
    house.work("A-1")
    before = fingerprint(house.state)
    with held(house.state / "lock"):
        told = house.run("logs", "a-1")
    shown = [line[10:] for line in told.lines]
    wanted = [
        *("A-1  About A-1", "run 1, the only one", "Turn 1 began", "I look first."),
        *("  out", "  err", '> issue_update state="Done"', "It is done."),
    ]
    assert (told.code, told.err) == (0, "")
    assert [line for line in shown if line in wanted] == wanted
    assert any(line.startswith("  exit 3") for line in shown)
    assert "\x1b" not in told.out
    assert fingerprint(house.state) == before
    assert shown[-2].startswith("Run 1 ended after ")


def test_raw_and_json_are_for_programs(house: House) -> None:
    house.script(A_1=WORK)
    house.issue("A-1")
    house.work("A-1")
    raw, listed = house.run("logs", "A-1", "--raw"), house.run("logs", "A-1", "--json")
    assert raw.out == (house.folder("A-1") / "transcript.jsonl").read_text()
    methods = [json.loads(line)["line"].get("method") for line in raw.lines]
    assert ("turn/start" in methods, "item/agentMessage/delta" in methods) == (True, True)
    entries = [json.loads(line) for line in listed.lines]
    ended = [e for e in entries if e["type"] == "work" and e["state"] != "began"]
    assert [(e["kind"], e["state"], e["exit_code"]) for e in ended] == [
        ("command", "failed", 3),
        ("tool", "done", None),
    ]
    assert (entries[0]["type"], entries[-1]["type"], entries[-1]["outcome"]) == (
        "run",
        "run_ended",
        "handed_over",
    )
    both = house.run("logs", "A-1", "--raw", "--json")
    assert (both.code, both.err) == (64, "symphony: Choose one of --raw and --json.\n")


def test_an_issue_that_waits_has_no_run_yet_and_a_strange_one_is_refused(house: House) -> None:
    house.configure("tracker: {kind: markdown, terminal_states: [Done], required_labels: [go]}")
    house.issue("A-1")
    house.run("tick")
    house.configure("agent: {max_concurrent_agents: 1}")
    house.issue("A-2")
    unseen, unknown = house.run("logs", "A-1"), house.run("logs", "A-9")
    house.script(default=[{"run": "sleep 300"}])
    house.run("tick")
    waits = house.run("logs", "A-2")
    assert (unseen.code, unknown.code, unknown.out) == (64, 64, "")
    assert unknown.err.startswith("symphony: No tick has ever seen an issue 'A-9'.")
    assert (waits.code, waits.out[10:34]) == (0, "A-2 has no run yet (queu")
    assert "`symphony status A-2` says more." in waits.out


def test_a_run_is_followed_while_it_works_and_over_to_the_next_until_the_issue_is_done(
    house: House, followers: list[Heard]
) -> None:
    go = house.root / "go"
    wait = f"until [ -e {go} ]; do sleep 0.1; done"
    house.configure("agent: {max_turns: 1}")
    house.script(A_1=[{"say": "I begin."}, {"run": wait}])
    house.issue("A-1")
    house.run("tick")
    log = follow(house, followers, "A-1", "-f")
    log.until(f"$ {wait}")  # as soon as it begins
    go.touch()
    first = house.verdict("A-1")
    until(lambda: house.run("tick").code == 0 and house.folder("A-1", 2).exists(), "run 2")
    log.until("Nothing more.")
    house.issue("A-1", "Done")
    house.verdict("A-1", 2)
    house.run("tick")
    assert (first["outcome"], log.end()) == ("rolled_over", 0)
    kept = [line for line in log.lines if line.startswith(("run ", "I begin", "Nothing", "Run "))]
    assert [line[:14] for line in kept] == [
        *("run 1, the onl", "I begin.", "Run 1 ended af"),
        *("run 2, attempt", "Nothing more.", "Run 2 ended af"),
    ]
    assert log.lines[-1] == "A-1 is finished (it reached Done): no further run will come."


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_whoever_follows_leaves_by_a_signal(
    house: House, followers: list[Heard], number: signal.Signals, code: int
) -> None:
    house.script(A_1=[{"say": "I begin."}, {"run": "sleep 300"}])
    house.issue("A-1")
    house.run("tick")
    log = follow(house, followers, "A-1", "--follow")
    log.until("$ sleep 300")
    assert log.end(number) == code


def test_a_reader_that_goes_away_ends_it_without_a_word(house: House) -> None:
    house.script(A_1=[*[{"say": "x" * 20_000}] * 20, *DONE])
    house.issue("A-1")
    house.work("A-1")
    logs = house.start("logs", "A-1")
    assert logs.stdout is not None and logs.stderr is not None
    logs.stdout.readline()
    logs.stdout.close()
    assert (logs.wait(20), logs.stderr.read()) == (0, "")
    logs.stderr.close()


def test_a_terminal_gets_colours_unless_it_wants_none(house: House) -> None:
    house.script(A_1=WORK)
    house.issue("A-1")
    house.work("A-1")
    for more, coloured in ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False):
        shown = on_terminal(house, {"TERM": "xterm", **more}, "logs", "A-1")
        assert ("I look first." in shown, "\x1b[36m$ echo out" in shown) == (True, coloured)


def on_terminal(house: House, more: dict[str, str], *words: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [*SYMPHONY, *words], cwd=house.project, env=house.environ | more, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65_536):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert done.wait(20) == 0
    return shown.decode()


def test_a_removed_transcript_is_told_and_the_report_shown(house: House) -> None:
    house.script(A_1=WORK)
    house.issue("A-1")
    house.work("A-1")
    (house.folder("A-1") / "transcript.jsonl").unlink()
    shown = house.run("logs", "A-1").out
    assert "The transcript of this run is not there any more" in shown
    assert ("It is done." in shown, "> issue_update: ok" in shown) == (True, True)
