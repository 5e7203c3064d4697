"""One issue, two parts to play: the implementer's and the reviewer's. What counts is what the model
was sent."""

from __future__ import annotations

import pytest

from symphony_cli.core.reasons import Outcome
from tests.real import threads as t
from tests.real.conftest import Open
from tests.real.house import House
from tests.real.model import command, message, total, update
from tests.real.threads import ANSWERS, NAME

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

STATES = {"active_states": ["Todo", "AI Review", "Rework"]}
PARTS = {"prompt_template_by_state": {"AI Review": "Review {{ issue.identifier }}."}}
ROLLED = (Outcome.ROLLED_OVER, "prompt")


def assert_nothing_went_wrong(house: House) -> None:
    """No failure, no lost thread, no attempt used up; the work is done."""
    record = house.record(NAME)
    assert record.finished_at is not None
    figures = (record.failures, record.fresh_threads, record.attempts_since_progress)
    assert figures == (0, 0, 0)


@pytest.mark.both_codexes
def test_a_reviewer_gets_its_own_half_on_the_same_thread(studio: Open) -> None:
    place = studio(
        [
            command("echo one > one.txt", **ANSWERS[0]),
            update(state="AI Review", **ANSWERS[1]),
            message("Please review.", **ANSWERS[2]),
            update(state="Done", **ANSWERS[3]),
            message("It is good.", **ANSWERS[4]),
        ],
        tracker=STATES,
        agent=PARTS,
    )
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.finished(NAME), "it is reviewed")
    assert t.outcomes(house, NAME) == [ROLLED, (Outcome.HANDED_OVER, "Done")]
    assert t.asked(house, NAME) == [["thread/start", "turn/start"], ["thread/resume", "turn/start"]]
    news = t.assert_begins_with(*place.model.requests()[2:4])
    assert t.text_of(news[-1]).strip() == f"Review {NAME}."
    assert len(set(t.threads(house, NAME))) == 1
    assert_nothing_went_wrong(house)


def test_a_review_with_a_thread_of_its_own_has_not_seen_the_work_being_made(studio: Open) -> None:
    place = studio(
        [
            *[update(state="AI Review", **ANSWERS[0]), message("My secret reason.", **ANSWERS[1])],
            *[update(state="Rework", **ANSWERS[2]), message("My verdict.", **ANSWERS[3])],
            *[update(state="AI Review", **ANSWERS[4]), message("Mended.", **ANSWERS[5])],
            *[update(state="Done", **ANSWERS[6]), message("Good.", **ANSWERS[7])],
        ],
        tracker=STATES,
        agent={**PARTS, "fresh_thread_states": ["AI Review"]},
    )
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.finished(NAME), "it is reviewed twice")
    life, first, again, second = t.threads(house, NAME)
    assert (life == again, len({life, first, second})) == (True, 3)
    assert t.outcomes(house, NAME) == [ROLLED, ROLLED, ROLLED, (Outcome.HANDED_OVER, "Done")]
    asked = place.model.requests()
    for review in (asked[2], asked[6]):
        assert t.text_of(review["input"][-1]).strip() == f"Review {NAME}."
        assert "My secret reason." not in str(review["input"])
    news = t.assert_begins_with(asked[1], asked[4])
    assert f"Issue {NAME}" in t.text_of(news[-1]) and "My verdict." not in str(news)
    assert house.record(NAME).usage == total(*ANSWERS[:8])
    assert_nothing_went_wrong(house)
