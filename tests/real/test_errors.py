"""What the model's provider, the network and the machine can do to a run, with the real Codex."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from symphony_cli.core.holds import RESET_MARGIN
from symphony_cli.core.report import Limited
from symphony_cli.core.run import Verdict
from tests.errands.world import until
from tests.real import model as models
from tests.real.conftest import Open, Studio
from tests.real.house import House
from tests.real.model import Entry, command, message, update
from tests.real.threads import asked, outcomes, threads

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

RESET = 1_900_000_000
FOR_EVER = {"repeat": -1}
DONE = [update(state="Done"), message("Done.")]


def refusal(status: int, kind: str, code: str | None = None, **more: Any) -> Entry:
    """An answer without a stream, as the provider words it."""
    error = {"message": f"The words of {kind}.", "type": kind, "code": code}
    return {"http": status, "body": {"error": error | more}}


def window(used: str, reset: int) -> dict[str, str]:
    """The headers that tell how much of a plan is used."""
    told = {"used-percent": used, "window-minutes": "300", "reset-at": str(reset)}
    return {f"x-codex-primary-{name}": value for name, value in told.items()}


def usage_limit(reset: int) -> Entry:
    """What the provider answers when a plan is used up."""
    refused = refusal(429, "usage_limit_reached", resets_at=reset)
    return refused | {"headers": window("100", reset)}


def failed(code: str, words: str = "The words of the stream.") -> Entry:
    """A stream that ends with an error."""
    return {"failed": {"code": code, "message": words}}


class Case(NamedTuple):
    """What the provider does to one issue, and how the issue's first run ends because of it."""

    entries: list[Entry]
    ending: tuple[str, str]
    hold_until: int = 0


TRY_AGAIN = "Rate limit reached, please try again in 1.2s."
CASES = {
    "429": Case([{"http": 429, **FOR_EVER}], ("provider", "overload")),
    "429-WAIT": Case(
        [{"http": 429, "headers": {"Retry-After": "1"}}, *DONE], ("handed_over", "Done")
    ),
    "LIMIT": Case([usage_limit(RESET)], ("provider", "usage_limit"), RESET),
    "LIMIT-WORDS": Case(
        [refusal(429, "usage_limit_reached", resets_at=RESET)], ("provider", "usage_limit"), RESET
    ),
    "QUOTA": Case([refusal(429, "x", "insufficient_quota")], ("provider", "usage_limit")),
    "QUOTA-STREAM": Case([failed("insufficient_quota")], ("provider", "usage_limit")),
    "500": Case([{"http": 500, **FOR_EVER}], ("provider", "overload")),
    "503": Case([refusal(503, "x", "server_is_overloaded") | FOR_EVER], ("provider", "overload")),
    "400": Case([refusal(400, "invalid_request_error")], ("environment", "bad_request")),
    "401": Case([refusal(401, "invalid_api_key") | FOR_EVER], ("environment", "unauthorized")),
    "404": Case([refusal(404, "x", "model_not_found") | FOR_EVER], ("environment", "model")),
    "CUT": Case([message("one two", cut=True, **FOR_EVER)], ("provider", "network")),
    "ERROR": Case([failed("server_error") | FOR_EVER], ("provider", "network")),
    "IDLE": Case([message("one two", hang=60, **FOR_EVER)], ("provider", "network")),
    "RATE": Case([failed("rate_limit_exceeded", TRY_AGAIN), *DONE], ("handed_over", "Done")),
    "INCOMPLETE": Case([{"incomplete": "max_output_tokens"}], ("failed", "turn")),
    "LATE-400": Case(
        [command("true"), refusal(400, "invalid_request_error")], ("failed", "conversation")
    ),
}


def told_to(name: str, entries: list[Entry]) -> list[Entry]:
    """The same, only for requests about this issue."""
    return [{**entry, "match": f"Issue {name}:"} for entry in entries]


def first_verdicts(house: House) -> dict[str, Verdict]:
    found = {name: house.verdicts(name)[:1] for name in CASES}
    return {name: verdicts[0] for name, verdicts in found.items() if verdicts}


@pytest.mark.both_codexes
def test_every_kind_of_error_ends_a_run_in_its_own_way(studio: Open) -> None:
    """All at once, each issue with troubles of its own; none of them starts a second time."""
    script = [one for name, case in CASES.items() for one in told_to(name, case.entries)]
    place = studio(
        script,
        agent={"max_concurrent_agents": len(CASES), "max_retry_backoff_ms": 3_600_000},
        polling={"interval_ms": 600_000},
    )
    models.stand_in("codex_home").make(place.home, place.model.url, stream_idle_timeout_ms=3000)
    for name in CASES:
        place.house.write_issue(name)
    place.house.tick()
    until(lambda: len(first_verdicts(place.house)) == len(CASES), seconds=90, what="every end")
    ends = first_verdicts(place.house)
    assert {name: (end.outcome.value, end.reason) for name, end in ends.items()} == {
        name: case.ending for name, case in CASES.items()
    }
    # A date in words has no seconds: it counts from the end of its minute.
    resets = {name: end.hold_until.timestamp() for name, end in ends.items() if end.hold_until}
    assert {name: int(reset // 120) for name, reset in resets.items()} == {
        name: case.hold_until // 120 for name, case in CASES.items() if case.hold_until
    }


def test_a_usage_limit_holds_everybody_until_the_reset_and_is_nobodys_failure(studio: Open) -> None:
    reset = int(time.time()) + 3600
    place = studio([usage_limit(reset)], agent={"max_concurrent_agents": 1})
    house = place.house
    house.write_issue("A-1")
    house.write_issue("A-2")
    hold = house.until(lambda: house.history().holds.get("usage_limit"), "the limit is known")
    passed = {one["issue"]: one["reason"] for one in house.tick()["passed_over"]}
    assert (passed, len(place.model.requests())) == ({"A-1": "provider", "A-2": "provider"}, 1)
    assert round(hold.wait.due.timestamp() - RESET_MARGIN) == reset
    assert outcomes(house, "A-1") == [("provider", "usage_limit")]
    assert [house.record(name).failures for name in ("A-1", "A-2")] == [0, 0]


HOLDING = [
    pytest.param(refusal(401, "invalid_api_key"), "environment", "unauthorized", id="bad login"),
    pytest.param(refusal(503, "x", "server_is_overloaded"), "provider", "overload", id="overload"),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), HOLDING)
def test_three_failures_in_a_row_hold_everybody_until_one_probe_succeeds(
    studio: Open, answer: Entry, kind: str, reason: str
) -> None:
    place = studio(
        [answer | FOR_EVER], agent={"max_concurrent_agents": 1, "max_retry_backoff_ms": 1000}
    )
    house = place.house
    house.write_issue("A-1")
    house.write_issue("A-2")
    why = house.until(lambda: held(house, kind), "all dispatch is held")
    assert re.match(r"[3-9] failures in a row \(The provider ", why), why
    assert {*outcomes(house, "A-1"), *outcomes(house, "A-2")} == {(kind, reason)}
    place.mend([*DONE, *DONE])
    house.until(lambda: house.finished("A-1", "A-2"), "both are done once it is mended")
    assert [house.record(name).failures for name in ("A-1", "A-2")] == [0, 0]
    assert (house.history().holds, len(set(threads(house, "A-1")))) == ({}, 1)


def held(house: House, kind: str) -> str | None:
    passed = house.tick().get("passed_over", [])
    return next((one["why"] for one in passed if one["reason"] == kind), None)


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.both_codexes
def test_a_network_that_is_gone_ends_the_run_and_its_thread_goes_on_when_it_is_back(
    studio: Open,
) -> None:
    """Codex itself would try for ever."""
    place = studio([], codex={"stall_timeout_ms": 3000, "max_stall_recoveries": 0})
    nobody = f"http://127.0.0.1:{closed_port()}/v1"
    models.stand_in("codex_home").make(place.home, nobody)
    house = place.house
    house.write_issue("A-1")
    house.tick()
    until(lambda: house.verdicts("A-1") or None, what="the end of the first run")
    place.mend(DONE)
    house.until(lambda: house.finished("A-1"), "A-1 is done when the network is back")
    assert outcomes(house, "A-1") == [("provider", "network"), ("handed_over", "Done")]
    assert asked(house, "A-1") == [["thread/start", "turn/start"], ["thread/resume", "turn/start"]]
    assert (house.record("A-1").failures, house.record("A-1").fresh_threads) == (0, 0)


TOO_LONG = failed("context_length_exceeded")
WINDOW = window("42", RESET)


@pytest.mark.both_codexes
def test_a_conversation_that_is_too_long_is_made_shorter_and_goes_on(studio: Open) -> None:
    place = studio([TOO_LONG, message("A summary.", headers=WINDOW), *DONE])
    house = place.house
    house.write_issue("A-1")
    house.until(lambda: house.finished("A-1"), "A-1 is done")
    record = house.record("A-1")
    assert (record.runs, record.failures, record.fresh_threads) == (1, 0, 0)
    assert asked(house, "A-1") == [["thread/start", "turn/start", "turn/start"]]
    assert "A summary." in json.dumps(place.model.requests()[2]["input"])
    (told,) = house.lines(house.runs("A-1")[0], Limited)  # later responses tell of no limits
    assert told.limits["primary"] == {
        "usedPercent": 42,
        "windowDurationMins": 300,
        "resetsAt": RESET,
    }


def test_a_provider_that_is_busy_while_a_conversation_is_shortened_costs_no_thread(
    studio: Open,
) -> None:
    busy = refusal(503, "x", "server_is_overloaded") | FOR_EVER
    place = studio([TOO_LONG, busy])
    house = place.house
    house.write_issue("A-1")
    house.tick()
    until(lambda: house.verdicts("A-1") or None, what="the end of the first run")
    place.mend([message("A summary."), *DONE])
    house.until(lambda: house.finished("A-1"), "A-1 is done")
    assert outcomes(house, "A-1") == [("provider", "overload"), ("handed_over", "Done")]
    assert len(set(threads(house, "A-1"))) == 1


# --- the sandbox

NO_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces && exec"


@pytest.fixture
def unshare() -> None:
    """A user namespace can be made here, and one within it can be forbidden."""
    words = ["unshare", "-Ur", "sh", "-c", f"{NO_NAMESPACES} true"]
    if subprocess.run(words, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("no machine without user namespaces can be simulated here")


def without_namespaces(place: Studio, codex: str) -> str:
    """A command that starts Codex as on a machine that forbids user namespaces."""
    script = place.home.parent / "codex.sh"
    script.write_text(f"#!/bin/sh\nexec unshare -Ur sh -c '{NO_NAMESPACES} {codex} app-server'\n")
    Path(script).chmod(0o755)
    return str(script)


@pytest.mark.both_codexes
def test_a_sandbox_that_does_not_work_ends_the_run_and_says_what_to_change(
    studio: Open, codex: str, unshare: None
) -> None:
    place = studio([command("echo hi > hi.txt"), command("ls"), *DONE, *DONE])
    place.edit(command=without_namespaces(place, codex))
    house = place.house
    house.write_issue("A-1")
    house.tick()
    (verdict,) = until(lambda: house.verdicts("A-1") or None, what="the end of the run")
    assert (verdict.outcome, verdict.reason) == ("environment", "sandbox")
    assert "bwrap: " in verdict.detail and "codex.turn_sandbox_policy" in verdict.detail
    place.edit(turn_sandbox_policy={"type": "externalSandbox"})
    house.until(lambda: house.finished("A-1"), "A-1 is done once the advice is taken")
    assert (house.record("A-1").failures, len(set(threads(house, "A-1")))) == (0, 1)
