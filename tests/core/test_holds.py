"""What holds everybody, and for how long: rows of failures that are the matter of no issue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from symphony_cli.core import holds
from symphony_cli.core.backoff import backoff
from symphony_cli.core.events import Ended, Event
from symphony_cli.core.holds import (
    ENVIRONMENT,
    HOLD_FROM,
    NOBODY,
    PROVIDER,
    RESET_MARGIN,
    USAGE_LIMIT,
    Beside,
    after,
    kind_of,
)
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Hold
from symphony_cli.core.run import Verdict
from symphony_cli.core.times import Wait
from tests.builders import (
    NOW,
    alive,
    dispatched,
    enrol_all,
    history,
    iid,
    later,
    rid,
    verdict,
)

POLICY = Policy(interval=30.0, backoff_base=10.0, backoff_cap=300.0)
HOUR, DAY = 3600.0, 86400.0

UNFIT = verdict(outcome=Outcome.ENVIRONMENT, reason="launch", detail="no git")
NETWORK = verdict(outcome=Outcome.PROVIDER, reason="network", detail="no network")
LIMIT = verdict(outcome=Outcome.PROVIDER, reason="usage_limit", detail="used up")
SANDBOX = verdict(outcome=Outcome.ENVIRONMENT, reason="sandbox", answered=True)
FINE = verdict(outcome=Outcome.HANDED_OVER, answered=True, turns=1)
BEFORE = later(-500)
"""When a run was dispatched that is older than the failures at NOW."""


def limit_until(seconds: float) -> Verdict:
    return verdict(outcome=Outcome.PROVIDER, reason="usage_limit", hold_until=later(seconds))


def row(name: str, count: int, **more: Any) -> dict[str, Hold]:
    """So many failures in a row, the last at NOW."""
    return {name: Hold(count, more.pop("wait", Wait(NOW, 60.0)), "old", NOW, **more)}


def seconds(told: Verdict, known: dict[str, Hold], since: datetime = NOW) -> float:
    return weighed(told, known, since)[0]


def weighed(
    told: Verdict,
    known: dict[str, Hold],
    since: datetime = NOW,
    others: Beside = NOBODY,
    now: datetime = NOW,
) -> tuple[float, int]:
    return holds.weigh(told, known, since, lambda hold: others, POLICY, now)


def left(told: Verdict, known: dict[str, Hold], since: datetime = NOW) -> dict[str, int]:
    """The rows, and how long each is, after one more end at a minute past NOW."""
    wait, number = weighed(told, known, since)
    event = Ended(later(60), iid("ABC-1"), rid(), told, hold=wait, row=number)
    return {name: hold.count for name, hold in after(known, event, since).items()}


# --- how long


@pytest.mark.parametrize(("told", "name"), [(UNFIT, ENVIRONMENT), (NETWORK, PROVIDER)])
@pytest.mark.parametrize(("before", "steps"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3)])
def test_the_third_failure_in_a_row_holds_everybody_for_one_step_and_each_probe_for_one_more(
    told: Verdict, name: str, before: int, steps: int
) -> None:
    known = row(name, before) if before else {}
    assert seconds(told, known) == backoff(steps, 10.0, 300.0, name)


@pytest.mark.parametrize(
    ("reset", "held"),
    [(HOUR, HOUR + RESET_MARGIN), (-5, 60.0), (0, 60.0), (30 * DAY, 7 * DAY)],
    ids=["until its reset", "a reset that is past", "now", "more than a week is not believed"],
)
def test_a_usage_limit_with_a_date_holds_until_then(reset: float, held: float) -> None:
    assert seconds(limit_until(reset), {}) == held


@pytest.mark.parametrize(
    ("before", "minutes"), [(0, 15), (1, 30), (2, 60), (3, 120), (4, 240), (5, 360), (50, 360)]
)
def test_a_usage_limit_without_a_date_doubles_from_a_quarter_of_an_hour_to_six_hours(
    before: int, minutes: int
) -> None:
    known = row(USAGE_LIMIT, before) if before else {}
    assert seconds(LIMIT, known) == minutes * 60.0


def test_a_reset_that_stays_in_the_past_is_none() -> None:
    assert seconds(limit_until(-5), row(USAGE_LIMIT, 1)) == 30 * 60.0


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.ENVIRONMENT, Outcome.PROVIDER}))
def test_nothing_else_holds_anybody_up(outcome: Outcome) -> None:
    assert seconds(verdict(outcome=outcome), row(ENVIRONMENT, 9)) == 0.0


# --- rows


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (UNFIT, ENVIRONMENT),
        (verdict(outcome=Outcome.ENVIRONMENT, reason="unauthorized", answered=True), None),
        (SANDBOX, ENVIRONMENT),
        (NETWORK, PROVIDER),
        (LIMIT, USAGE_LIMIT),
        (FINE, None),
    ],
    ids=["no launch", "a login lost in the middle", "no sandbox", "no network", "limit", "fine"],
)
def test_each_failure_belongs_to_one_row_or_to_none(told: Verdict, name: str | None) -> None:
    assert kind_of(told) == name


@pytest.mark.parametrize("name", [ENVIRONMENT, PROVIDER, USAGE_LIMIT])
def test_the_first_success_of_a_probe_ends_every_row(name: str) -> None:
    assert left(FINE, row(name, 5)) == {}


@pytest.mark.parametrize("name", [ENVIRONMENT, PROVIDER, USAGE_LIMIT])
def test_a_success_that_began_before_the_trouble_does_not_end_a_hold(name: str) -> None:
    assert left(FINE, row(name, HOLD_FROM), BEFORE) == {name: HOLD_FROM}


def test_a_success_always_breaks_a_row_that_holds_nobody_yet() -> None:
    assert left(FINE, row(ENVIRONMENT, 2) | row(PROVIDER, 2), BEFORE) == {}


@pytest.mark.parametrize(
    ("told", "name", "count"),
    [(NETWORK, PROVIDER, 3), (LIMIT, USAGE_LIMIT, 1), (UNFIT, ENVIRONMENT, 3)],
)
def test_other_living_runs_that_meet_the_same_trouble_do_not_double_the_hold(
    told: Verdict, name: str, count: int
) -> None:
    known = row(name, count)
    event = Ended(later(5), iid("ABC-1"), rid(), told, hold=999.0)
    found = after(known, event, BEFORE)[name]
    assert (found.count, found.wait, found.error) == (count, Wait(NOW, 60.0), told.detail)


def test_a_later_reset_that_another_living_run_was_told_counts() -> None:
    week = Ended(later(5), iid("ABC-1"), rid(), limit_until(DAY), hold=DAY)
    day = Ended(later(5), iid("ABC-1"), rid(), limit_until(30), hold=30.0)
    waits = [after(row(USAGE_LIMIT, 1), told, BEFORE)[USAGE_LIMIT].wait for told in (week, day)]
    assert waits == [Wait(later(5), DAY), Wait(NOW, 60.0)]


def test_eight_runs_that_lose_their_network_at_once_hold_everybody_for_one_step() -> None:
    known: dict[str, Hold] = {}
    for second in range(8):
        lost = verdict(outcome=Outcome.PROVIDER, reason="network", answered=True)
        wait, number = weighed(lost, known, BEFORE, now=later(second))
        event = Ended(later(second), iid("ABC-1"), rid(), lost, hold=wait, row=number)
        known = after(known, event, BEFORE)
    step = Wait(later(2), backoff(1, 10.0, 300.0, PROVIDER))
    assert (known[PROVIDER].count, known[PROVIDER].wait) == (3, step)


def test_a_probe_that_was_answered_and_then_lost_its_network_begins_a_new_row() -> None:
    lost = verdict(outcome=Outcome.PROVIDER, reason="network", answered=True)
    assert (left(lost, row(PROVIDER, 6)), left(NETWORK, row(PROVIDER, 6))) == (
        {PROVIDER: 1},
        {PROVIDER: 7},
    )


def test_a_limit_after_hours_of_work_is_the_first_of_its_row() -> None:
    worked = verdict(outcome=Outcome.PROVIDER, reason="usage_limit", answered=True)
    assert seconds(worked, row(USAGE_LIMIT, 4)) == 15 * 60.0


def test_an_answer_before_the_limit_ends_what_the_machine_and_the_network_did() -> None:
    worked = verdict(outcome=Outcome.PROVIDER, reason="usage_limit", answered=True)
    assert left(worked, row(ENVIRONMENT, 4) | row(PROVIDER, 4)) == {USAGE_LIMIT: 1}


def test_a_provider_that_cannot_be_reached_proves_no_machine_fit() -> None:
    assert left(NETWORK, row(ENVIRONMENT, 4)) == {ENVIRONMENT: 4, PROVIDER: 1}


def test_only_a_whole_turn_shows_that_a_sandbox_works() -> None:
    known = row(ENVIRONMENT, 3, reason="sandbox")
    cut = verdict(outcome=Outcome.INTERRUPTED, answered=True)
    assert (left(cut, known), left(FINE, known), left(SANDBOX, known)) == (
        {ENVIRONMENT: 3},
        {},
        {ENVIRONMENT: 4},
    )


# --- whose trouble it is


PROVED, ANSWERING = Beside(proved=True, answering=True), Beside(answering=True)
MINE = (iid("ABC-1"),)


@pytest.mark.parametrize(("told", "name"), [(UNFIT, ENVIRONMENT), (NETWORK, PROVIDER)])
def test_an_issue_that_fails_alone_beside_others_that_work_counts_once(
    told: Verdict, name: str
) -> None:
    known = row(name, 2, issues=MINE)
    assert weighed(told, known, others=ANSWERING) == (0.0, 2)
    event = Ended(later(60), iid("ABC-1"), rid(), told, hold=0.0, row=2)
    assert after(known, event, NOW)[name].wait == known[name].wait


def test_a_second_issue_that_fails_beside_others_that_work_counts_as_one_more() -> None:
    assert weighed(UNFIT, row(ENVIRONMENT, 1, issues=(iid("DEF-2"),)), others=ANSWERING)[1] == 2


def test_an_issue_that_fails_again_while_nobody_works_counts_again() -> None:
    assert weighed(UNFIT, row(ENVIRONMENT, 2, issues=MINE))[1] == 3


def test_a_run_that_began_after_the_last_failure_and_works_ends_the_row() -> None:
    assert weighed(UNFIT, row(ENVIRONMENT, 7, issues=MINE), others=PROVED)[1] == 1


def test_what_runs_beside_an_issue_is_told_by_the_model_having_answered() -> None:
    hold = row(ENVIRONMENT, 2)[ENVIRONMENT]
    past = history(*enrol_all("ABC-1", "DEF-2", "GHI-3"), *runs_of("ABC-1", "DEF-2", "GHI-3"))
    answered = alive("run_DEF-2", answered=True)
    seen = {iid("ABC-1"): alive("run_ABC-1", answered=True), iid("DEF-2"): answered}
    records = past.records.values()
    assert holds.beside(iid("ABC-1"), records, seen, hold) == PROVED
    assert holds.beside(iid("DEF-2"), records, {iid("DEF-2"): answered}, hold) == NOBODY


def runs_of(*names: str) -> list[Event]:
    return [dispatched(name, run=f"run_{name}", at=later(9)) for name in names]
