"""Files that an operator wrote wrongly: one clear sentence, and nothing lost (rows W1, T10)."""

from __future__ import annotations

import re

import pytest

from tests.cli.house import House, Told

pytestmark = pytest.mark.real

BROKEN = {
    "yaml": (
        "---\ntracker: [\n---\nDo it.\n",
        "line 3: not valid YAML: did not find expected node content.",
    ),
    "kind": (
        "---\ntracker:\n  kind: jira\n---\nDo it.\n",
        "line 3: tracker.kind must be 'linear' or 'markdown', not \"jira\".",
    ),
    "key": (
        "---\ntracker:\n  kind: linear\n  project_slug: abc\n---\nDo it.\n",
        "line 2: tracker.api_key is missing: put LINEAR_API_KEY=… into symphony.env beside "
        "WORKFLOW.md, or set that variable.",
    ),
    "no front matter": (
        "Do it.\n",
        "line 1: there is no front matter, only a prompt; begin the file with a line of three "
        "dashes, `tracker:`, `  kind: markdown` (or linear), three dashes.",
    ),
    "type": (
        "---\ntracker: {kind: markdown}\nagent:\n  max_turns: many\n---\nDo it.\n",
        'line 4: agent.max_turns must be a whole number, not "many".',
    ),
    "template": (
        "---\ntracker: {kind: markdown}\n---\nDo\n{% if issue %} it.\n",
        "line 5: ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_workflow_ends_a_first_tick_before_anything_is_made(
    house: House, name: str
) -> None:
    text, sentence = BROKEN[name]
    house.issue("A-1")
    house.workflow.write_text(text)
    told = house.run("tick")

    assert (told.code, told.out) == (78, "")
    assert told.err.startswith(f"symphony: {house.workflow}, {sentence}"), told.err
    assert len(told.err.splitlines()) == 1
    assert not house.state.exists()


def test_a_workflow_that_broke_stops_dispatch_and_nothing_else(house: House) -> None:
    house.issue("A-1")
    house.run("tick")
    house.verdict("A-1")
    house.issue("A-2")
    house.workflow.write_text(BROKEN["yaml"][0])
    told = house.run("tick", "--json")
    shown = house.status()
    house.configure()
    house.run("tick")

    error = f"{house.workflow}, {BROKEN['yaml'][1]}"
    (passed,) = told.json["passed_over"]
    assert (told.code, told.json["errors"]) == (78, [error])
    assert (passed["issue_identifier"], passed["reason"]) == ("A-2", "policy")
    assert [d["kind"] for d in told.json["decisions"]] == ["take_in", "settle", "enrol", "finish"]
    assert shown["tick"]["sentence"] == f"The last tick ended with exit code 78: {error}"
    assert house.verdict("A-2")["outcome"] == "handed_over"


def test_a_key_that_is_not_ours_is_named_and_harmless(house: House) -> None:
    house.configure("agent: {max_concurent_agents: 1}")
    told = house.run("tick", "--json")
    line = house.workflow.read_text().splitlines().index("agent: {max_concurent_agents: 1}") + 1
    assert (told.code, told.json["warnings"]) == (
        0,
        [
            f"{house.workflow}, line {line}: agent.max_concurent_agents is not a key we know; did "
            "you mean agent.max_concurrent_agents?"
        ],
    )


HALF = "---\ntitle: About A-1\nsta"
HALF_SENTENCE = "A-1.md: line 1: the front matter has no closing line `---` (half-saved?)"


def test_a_new_issue_file_that_is_half_saved_is_named_and_starts_nothing(house: House) -> None:
    path = house.issues / "A-1.md"
    path.write_text(HALF)
    told = house.run("tick", "--json")
    shown, one = house.status(), house.run("status", "A-1")
    house.issue("A-1")
    house.run("tick")

    assert (told.code, told.json["passed_over"]) == (
        0,
        [
            {
                "issue": "A-1",
                "issue_identifier": "A-1",
                "reason": "tracker",
                "why": HALF_SENTENCE,
            }
        ],
    )
    assert shown["warnings"] == [f"A-1 cannot be read: {HALF_SENTENCE}"]
    assert one == Told(
        64, "", f"symphony: A-1 cannot be read: {HALF_SENTENCE}. Correct it there.\n"
    )
    assert house.verdict("A-1")["outcome"] == "handed_over"


def test_a_known_issue_file_that_is_half_saved_keeps_its_run_and_its_place(house: House) -> None:
    house.configure("agent: {max_concurrent_agents: 1}")
    house.script(A_1=[{"wait": 60}])
    path = house.issue("A-1", priority="1")
    other = house.issue("A-2")
    house.run("tick")
    place = house.status()["queued"][0]["since"]
    whole = path.read_bytes()
    path.write_text(HALF)
    other.write_text(HALF)
    ticks = [house.run("tick", "--json") for _ in range(3)]
    shown = house.status()
    path.write_bytes(whole)

    assert [one.code for one in ticks] == [0, 0, 0]
    assert [one.json["decisions"] for one in ticks[1:]] == [[], []]
    assert [row["issue_identifier"] for row in shown["running"]] == ["A-1"]
    assert [(row["issue_identifier"], row["since"]) for row in shown["queued"]] == [("A-2", place)]
    assert shown["queued"][0]["why"] == f"tracker: {HALF_SENTENCE.replace('A-1', 'A-2')}"


ODD = ("A..B-1", "a b", "-rf", "x" * 200, "日本-1")


def test_identifiers_that_are_no_folder_names_get_a_folder_inside_the_root(house: House) -> None:
    for name in ODD:
        house.issue(name)
    house.run("tick")
    keys = {event["issue"]["id"]: event["key"] for event in house.events("sighted")}
    outcomes = {house.verdict(key, seconds=60)["outcome"] for key in keys.values()}
    house.run("tick")

    assert set(keys) == set(ODD)
    assert {name for name, key in keys.items() if key == name} == {"A..B-1"}
    assert all(re.fullmatch("[A-Za-z0-9_][A-Za-z0-9._-]{0,80}", key) for key in keys.values())
    assert outcomes == {"handed_over"}
    made = {path.name for path in (house.root / "workspaces").iterdir()}
    assert made == {*keys.values(), ".symphony"}
    assert house.status()["counts"]["finished"] == len(ODD)


def test_a_file_with_a_hidden_name_is_no_issue(house: House) -> None:
    (house.issues / "..md").write_text("---\nstate: Todo\n---\n")
    (house.issues / ".A-1.md.swp").write_text("---\nstate: Todo\n---\n")
    assert (house.run("tick"), house.status()["counts"]["queued"]) == (Told(0, "", ""), 0)
