"""After every kind of interruption the model's next request continues the same conversation.

What counts is the model's own log: the input of the next request begins with the input of the one
before the interruption, item by item and byte for byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.usage import Usage
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real import model as models
from tests.real import threads as t
from tests.real.conftest import Open
from tests.real.house import House
from tests.real.model import Entry, command, message, total, update
from tests.real.studio import Studio
from tests.real.threads import ANSWERS, COMMIT, HANGING_STREAM, NAME, OPEN_COMMAND

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

Interrupt = Callable[[Studio, RunPaths], None]


def at_work(cut: Entry) -> list[Entry]:
    """An agent that is cut at its third answer, and does the rest when it is asked again."""
    return [
        update(state="In Progress", **ANSWERS[0]),
        command("echo one > one.txt", **ANSWERS[1]),
        cut,
        command(f"{COMMIT} 'Say one'", **ANSWERS[3]),
        update(state="Done", **ANSWERS[4]),
        message("Done.", **ANSWERS[5]),
    ]


def cut_off(place: Studio, interrupt: Interrupt, asked: int = 3) -> House:
    """The house, once the agent's third answer has begun and was interrupted."""
    house = place.house
    house.write_issue(NAME)
    house.tick()
    until(lambda: t.is_cut(place, asked), what="what is to be cut")
    interrupt(place, house.runs(NAME)[0])
    return house


def assert_one_thread(place: Studio, output: str, *, failures: int) -> None:
    """The second run resumed the thread of the first, and the model saw no difference."""
    house = place.house
    house.until(lambda: house.finished(NAME), "it is done after the interruption")
    before, after = place.model.requests()[2:4]
    t.assert_goes_on(before, after, output)
    assert t.asked(house, NAME) == [
        ["thread/start", "turn/start"],
        ["thread/resume", "turn/start"],
    ]
    record = house.record(NAME)
    assert len(set(t.threads(house, NAME))) == 1
    assert (record.runs, record.failures, record.fresh_threads) == (2, failures, 0)
    until(lambda: not house.alive(), what="the end of all processes")


@pytest.mark.both_codexes
@pytest.mark.parametrize(
    ("cut", "kill", "output", "lost"),
    [
        pytest.param(OPEN_COMMAND, t.kill_supervisor, "aborted by user", (), id="open command"),
        pytest.param(OPEN_COMMAND, t.kill_codex_too, "aborted", (2,), id="open command, both die"),
        pytest.param(HANGING_STREAM, t.kill_supervisor, "", (2,), id="hanging stream"),
    ],
)
def test_after_a_kill_the_same_thread_goes_on_and_no_token_is_counted_twice(
    studio: Open, cut: Entry, kill: Interrupt, output: str, lost: tuple[int, ...]
) -> None:
    place = studio(at_work(cut))
    house = cut_off(place, kill)
    assert_one_thread(place, output, failures=1)
    counted = [answer for number, answer in enumerate(ANSWERS[:6]) if number not in lost]
    assert house.record(NAME).usage == total(*counted)


def test_what_a_kill_hid_of_the_first_answer_is_counted_by_the_next_run(studio: Open) -> None:
    place = studio([OPEN_COMMAND, update(state="Done", **ANSWERS[3]), message("!", **ANSWERS[4])])
    house = cut_off(place, t.kill_supervisor, asked=1)
    house.until(lambda: house.finished(NAME), "it is done after the kill")
    spent = [verdict.spent for verdict in house.verdicts(NAME)]
    assert spent == [Usage(), total(*ANSWERS[2:5])]
    assert house.record(NAME).usage == total(*ANSWERS[2:5])


FAILED_TURN: Entry = {"incomplete": "max_output_tokens"}


@pytest.mark.parametrize(
    ("cut", "interrupt", "ended", "output"),
    [
        pytest.param(
            FAILED_TURN,
            t.wait_for_its_end,
            (Outcome.FAILED, "turn"),
            "",
            id="the turn failed",
        ),
        pytest.param(
            OPEN_COMMAND,
            t.kill_codex,
            (Outcome.FAILED, "codex_exit"),
            "aborted",
            id="Codex was killed alone",
        ),
        pytest.param(
            OPEN_COMMAND,
            t.terminate,
            (Outcome.INTERRUPTED, "signal"),
            "aborted by user",
            id="the machine shut down",
        ),
        pytest.param(
            OPEN_COMMAND,
            t.restart_machine,
            (Outcome.INTERRUPTED, "reboot"),
            "aborted",
            id="the machine was restarted",
        ),
        pytest.param(
            OPEN_COMMAND,
            t.stop_by_hand,
            (Outcome.STOPPED, "operator"),
            "aborted by user",
            id="an operator stopped it",
        ),
    ],
)
def test_however_a_run_ends_the_next_goes_on_where_it_was(
    studio: Open, cut: Entry, interrupt: Interrupt, ended: tuple[Outcome, str], output: str
) -> None:
    place = studio(at_work(cut))
    if cut is FAILED_TURN:
        place.house.write_issue(NAME)
    else:
        cut_off(place, interrupt)
    assert_one_thread(place, output, failures=1 if ended[0] is Outcome.FAILED else 0)
    assert t.outcomes(place.house, NAME) == [ended, (Outcome.HANDED_OVER, "Done")]


def test_a_silent_turn_is_interrupted_and_the_run_goes_on_where_it_was(studio: Open) -> None:
    place = studio(at_work(HANGING_STREAM), codex={"stall_timeout_ms": 2500})
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.finished(NAME), "it is done after its silence")
    news = t.assert_begins_with(*place.model.requests()[2:4])
    assert "Symphony interrupted your last turn" in t.text_of(news[-1])
    assert t.asked(house, NAME) == [["thread/start", "turn/start", "turn/start"]]
    record = house.record(NAME)
    assert (record.runs, record.stalls, record.failures, record.fresh_threads) == (1, 1, 0, 0)


def test_an_agent_that_never_moves_its_issue_rolls_over_on_the_same_thread(studio: Open) -> None:
    words = [message(f"Still at it ({n}).", **ANSWERS[n]) for n in range(4)]
    last = [update(state="Done", **ANSWERS[4]), message("At last.", **ANSWERS[5])]
    place = studio([*words, *last], agent={"max_turns": 2})
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.finished(NAME), "it is done")
    rolled = (Outcome.ROLLED_OVER, "max_turns")
    assert t.outcomes(house, NAME) == [rolled, rolled, (Outcome.HANDED_OVER, "Done")]
    assert t.asked(house, NAME) == [
        ["thread/start", "turn/start", "turn/start"],
        ["thread/resume", "turn/start", "turn/start"],
        ["thread/resume", "turn/start"],
    ]
    requests = place.model.requests()
    for before, after in itertools.pairwise(requests):
        t.assert_begins_with(before, after)
    record = house.record(NAME)
    assert len(set(t.threads(house, NAME))) == 1
    assert (record.turns, record.failures, record.usage) == (5, 0, total(*ANSWERS[:6]))


@pytest.mark.parametrize(("before", "after"), [("0.163", "0.169"), ("0.169", "0.163")])
def test_another_version_of_codex_goes_on_with_the_thread(
    studio: Open, codexes: Mapping[str, str], before: str, after: str
) -> None:
    place = studio(at_work(OPEN_COMMAND), codex={"command": f"{codexes[before]} app-server"})
    house = cut_off(place, t.kill_supervisor)
    place.edit(command=f"{codexes[after]} app-server")
    house.until(lambda: house.finished(NAME), "it is done with the other version")
    news = t.assert_continues(*place.model.requests()[2:4])
    assert f"Issue {NAME}" in t.text_of(news[-1])
    versions = [verdict.thread.version for verdict in house.verdicts(NAME) if verdict.thread]
    assert [version[:5] for version in versions] == [before, after]
    assert len(set(t.threads(house, NAME))) == 1
    assert house.record(NAME).fresh_threads == 0


def test_a_thread_keeps_the_home_that_it_was_born_in(studio: Open) -> None:
    place = studio(at_work(OPEN_COMMAND))
    house = cut_off(place, t.kill_supervisor)
    other = models.stand_in("codex_home").make(place.home.parent / "other", place.model.url)
    place.edit(home=str(other))
    assert_one_thread(place, "aborted by user", failures=1)
    homes = {verdict.thread.home for verdict in house.verdicts(NAME) if verdict.thread}
    assert homes == {str(place.home)}
    assert not list(other.glob("sessions/**/*.jsonl"))
