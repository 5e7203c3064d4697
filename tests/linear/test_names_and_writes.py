"""Names and writes over real HTTP, on every Linear at hand: what people do meanwhile stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from symphony_cli import clock
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.names import Names
from symphony_cli.adapters.linear.names_documents import LABELS_SINCE_PART, since_values
from symphony_cli.adapters.linear.names_read import labels_since, resolve
from symphony_cli.adapters.linear.transport import Transport
from symphony_cli.adapters.linear.writes import Writes
from symphony_cli.errors import ConfigError, TrackerError, WriteRefused
from tests.linear.world import PROJECT, STATES, World

pytestmark = [pytest.mark.real]

NEW = "symphony-stuck"


class Desk:
    """One writer with its own connection, budget and names."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        allowance = Allowance(folder, world.key, clock.now)
        self.asks = Transport(world.endpoint, world.key, allowance, timeout=lambda: 20.0)
        self.names = self.resolved()
        self.writes = Writes(self.asks, lambda: self.names, self._keep)

    def _keep(self, names: Names) -> None:
        self.names = names

    def resolved(self, slug: str = PROJECT) -> Names:
        """The names as they are now."""
        return resolve(self.asks, self.world.endpoint, slug, clock.now())

    def requests(self, act: Callable[[], object]) -> int:
        """How many requests something takes."""
        before = self.world.requests()
        act()
        return self.world.requests() - before

    def spelled(self, name: str) -> list[str]:
        """All labels of one name, as they are written in Linear now."""
        return [label.name for label in self.resolved().labels_called(name)]


Opener = Callable[..., Desk]


@pytest.fixture
def sit(world: World, tmp_path: Path) -> Iterator[Opener]:
    """Opens desks; with team keys, in a workspace of these teams."""
    opened: list[Desk] = []

    def down(*teams: str) -> Desk:
        if teams:
            world.reset(*teams)
        world.lag(0)
        desk = Desk(world, tmp_path / f"desk{len(opened)}")
        opened.append(desk)
        return desk

    yield down
    for desk in opened:
        desk.asks.close()


def test_a_cold_start_learns_everything_in_one_request(sit: Opener, world: World) -> None:
    desk = sit()

    assert desk.requests(desk.resolved) == 1
    (team,) = desk.names.teams.values()
    found = {(state.name, state.type) for state in desk.names.states_in(team.id)}
    assert (team.key, team.name, found) == ("ENG", "Engineering", set(STATES))
    assert (desk.names.project.name, desk.names.viewer.name) == ("Symphony", "Agent Bot")


def test_a_project_is_found_by_the_slug_of_the_address_bar_and_named_without_html(
    sit: Opener, world: World
) -> None:
    world.add_project("R&D <now>", "0a0a0a0a0a0a")
    world.escape_names()

    project = sit().resolved("r-and-d-0a0a0a0a0a0a").project

    assert (project.name, project.slug) == ("R&D <now>", "0a0a0a0a0a0a")


def test_a_project_that_is_not_there_is_answered_with_those_that_are(sit: Opener) -> None:
    with pytest.raises(ConfigError, match=rf"write one of {PROJECT} \(Symphony\)\."):
        sit().resolved("nowhere-0b0b0b0b0b0b")


def test_nothing_is_cut_off_in_a_big_workspace(sit: Opener, world: World) -> None:
    desk = sit(*(f"T{n:02}" for n in range(23)))
    for n in range(260):
        world.add_label(f"label {n}", None)
    for n in range(45):
        world.add_state(f"state {n}", team="T01")

    names = desk.resolved()

    first = next(team for team in names.teams.values() if team.key == "T01")
    ours = [label for label in names.labels.values() if label.name.startswith("label ")]
    assert (len(names.teams), len(ours)) == (23, 260)
    assert len(names.states_in(first.id)) == len(STATES) + 45
    assert (world.max_points() or 0) <= 3_200


def test_new_and_renamed_labels_are_learned_from_a_part_of_another_document(
    sit: Opener, world: World
) -> None:
    desk = sit()
    world.add_label("new one")
    world.rename_label("bug", "defect")

    document = f"query Q({LABELS_SINCE_PART.declares}) {{ {LABELS_SINCE_PART.selects} }}"
    answer = desk.asks.ask("Q", document, since_values(desk.names))
    after = labels_since(desk.asks, answer, desk.names)

    counts = [len(after.labels_called(name)) for name in ("new one", "defect", "bug")]
    assert counts == [1, 1, 0]


def test_a_comment_is_posted_once_though_its_answer_was_lost(sit: Opener, world: World) -> None:
    issue, desk = world.create()["id"], sit()
    world.fault("cut_after_apply", operation="WriteComment")

    with pytest.raises(TrackerError):
        desk.writes.comment(issue, "Stopped.", "w_1")
    again = desk.requests(lambda: desk.writes.comment(issue, "Stopped.", "w_1"))

    assert again == 1
    assert world.issue(issue)["comments"] == ["Stopped.\n\n<!-- symphony:w_1 -->"]


@pytest.mark.parametrize("lost", ["WriteMakeLabel", "WriteAddLabel", "WriteLookUp"])
@pytest.mark.parametrize("fault", ["cut", "cut_after_apply"])
def test_a_label_is_made_and_set_once_whatever_answer_was_lost(
    sit: Opener, world: World, lost: str, fault: str
) -> None:
    issue, desk = world.create()["id"], sit()
    world.person.label(issue, "bug")
    world.fault(fault, operation=lost, times=2)  # type: ignore[arg-type]

    for _ in range(2):
        try:
            desk.writes.add_label(issue, NEW)
        except TrackerError as error:
            assert not isinstance(error, WriteRefused)
            world.person.label(issue, "feature")
    world.mend()
    desk.writes.add_label(issue, NEW)

    assert {"bug", NEW} <= set(world.issue(issue)["labels"]) <= {"bug", "feature", NEW}
    assert desk.spelled(NEW) == [NEW]


def test_labels_that_people_set_between_two_writes_stay(sit: Opener, world: World) -> None:
    issue, desk = world.create()["id"], sit()

    requests = []
    for name in ("feature", "chore"):
        requests.append(desk.requests(lambda: desk.writes.add_label(issue, "BUG")))
        world.person.label(issue, name)
        requests.append(desk.requests(lambda: desk.writes.remove_label(issue, "Bug")))

    assert requests == [1, 1, 1, 1]
    assert world.issue(issue)["labels"] == ["chore", "feature"]


@pytest.mark.parametrize("team", ["ENG", None], ids=["of the team", "of the workspace"])
def test_a_label_that_exists_in_another_case_is_used_though_we_did_not_know_it(
    sit: Opener, world: World, team: str | None
) -> None:
    issue, desk = world.create()["id"], sit()
    world.add_label(NEW.title(), team)

    desk.writes.add_label(issue, NEW)

    assert (world.issue(issue)["labels"], desk.spelled(NEW)) == ([NEW.title()], [NEW.title()])
    assert desk.requests(lambda: desk.writes.remove_label(issue, NEW.upper())) == 1
    assert world.issue(issue)["labels"] == []


def test_a_group_of_that_name_and_a_team_of_owners_are_refused_with_a_sentence(
    sit: Opener, world: World
) -> None:
    issue, desk = world.create()["id"], sit()
    world.add_label(NEW, None, group=True)
    world.labels_by_owners()

    with pytest.raises(WriteRefused, match="is a group of labels in Linear"):
        desk.writes.add_label(issue, NEW)
    with pytest.raises(WriteRefused, match=r"in the team Engineering \(ENG\): an owner"):
        desk.writes.add_label(issue, "another")
    assert world.issue(issue)["labels"] == []


def test_two_writers_at_once_make_one_label_and_one_comment(sit: Opener, world: World) -> None:
    issue, desks = world.create()["id"], [sit(), sit()]
    start = Barrier(2, timeout=60)

    def work(desk: Desk) -> bool:
        start.wait()
        desk.writes.add_label(issue, NEW)
        return desk.writes.comment(issue, "Stopped.", "w_1")

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(work, desks))

    told = world.issue(issue)
    assert (done, told["labels"], len(told["comments"])) == ([True, True], [NEW], 1)
    assert desks[0].spelled(NEW) == [NEW]


def test_in_a_project_of_two_teams_each_issue_gets_the_label_and_state_of_its_own(
    sit: Opener, world: World
) -> None:
    world.reset("ENG", "OPS")
    world.add_label("Ready", "ENG")
    world.add_label("ready", "OPS")
    desk = sit()
    eng, ops = (world.person.create(team=team)["id"] for team in ("ENG", "OPS"))

    for issue in (eng, ops):
        desk.writes.add_label(issue, "READY")
        desk.writes.set_state(issue, "in progress")

    found = [(world.issue(issue)["labels"], world.issue(issue)["state"]) for issue in (eng, ops)]
    assert found == [(["Ready"], "In Progress"), (["ready"], "In Progress")]
    assert desk.requests(lambda: desk.writes.remove_label(eng, "ready")) == 1
    assert (world.issue(eng)["labels"], world.issue(ops)["labels"]) == ([], ["ready"])


def test_a_state_that_was_made_after_we_looked_is_found_and_a_strange_one_refused(
    sit: Opener, world: World
) -> None:
    issue, desk = world.create()["id"], sit()
    world.add_state("Deploying")

    desk.writes.set_state(issue, "deploying")

    assert world.issue(issue)["state"] == "Deploying"
    assert desk.requests(lambda: desk.writes.set_state(issue, "Done")) == 1
    with pytest.raises(WriteRefused, match=r"\(ENG\) has no state 'Ready': name one of Backlog, "):
        desk.writes.set_state(issue, "Ready")


def test_a_comment_on_an_issue_in_the_bin_or_gone_is_refused(sit: Opener, world: World) -> None:
    binned, gone = (world.create()["id"] for _ in range(2))
    world.person.trash(binned)
    world.person.purge(gone)
    desk = sit()

    for issue in (binned, gone):
        with pytest.raises(WriteRefused, match="archived, in the bin or gone"):
            desk.writes.comment(issue, "Stopped.", "w_1")
    with pytest.raises(WriteRefused, match="archived, in the bin or gone"):
        desk.writes.add_label(gone, NEW)
