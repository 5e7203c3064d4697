"""What goes wrong with the key of Linear: one sentence that says what to do, and no knocking."""

from __future__ import annotations

import subprocess

import pytest

from tests.adapters.linear.sockets import Server, says
from tests.cli.house import Told
from tests.cli.linear_house import BUSY, LinearHouse

pytestmark = pytest.mark.real

SECOND = "lin_api_second"

MISSING = (
    "tracker.api_key is missing: put LINEAR_API_KEY=… into symphony.env beside WORKFLOW.md, or set "
    "that variable."
)
UNASKED = (
    "Linear was not asked, for there is no key: set LINEAR_API_KEY (or what `tracker.api_key` "
    "names) in symphony.env beside WORKFLOW.md."
)
WRONG = (
    "Linear does not accept the key: check LINEAR_API_KEY (or what `tracker.api_key` names), or "
    "make a new key in Linear's settings, under Security & access, and put it into symphony.env."
)
ODD = (
    "The key for Linear has quotes, spaces around it, line ends or characters that no key has: "
    "correct LINEAR_API_KEY (or what `tracker.api_key` names)."
)
BEARER = (
    "A personal key of Linear goes without the word Bearer: remove it from LINEAR_API_KEY (or what "
    "`tracker.api_key` names)."
)
LITERAL = (
    "tracker.api_key holds the key itself, and git tracks this file: write $LINEAR_API_KEY, put "
    "the key into symphony.env, and replace the key, for it is in the history."
)


def commit(linear: LinearHouse) -> None:
    """Take the project's folder into git."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "WORKFLOW.md"], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd=linear.project, check=True, capture_output=True)


def test_without_any_key_nothing_is_made_and_nobody_is_asked(linear: LinearHouse) -> None:
    linear.use(None)
    told = linear.asked("tick")

    assert told == (Told(78, "", f"symphony: {linear.key_line}: {MISSING}\n"), 0)
    assert not linear.state.exists()


def test_a_wrong_key_is_one_knock_a_tick_until_it_is_corrected(linear: LinearHouse) -> None:
    linear.world.create()
    linear.use("lin_api_wrong")
    ticks = [linear.tick(), linear.tick()]
    health, shown = linear.status()["tick"], linear.run("status").out
    linear.use(linear.world.key)
    cured = linear.tick()

    assert [tick.outcome for tick in ticks] == [(12, 1, [WRONG])] * 2
    assert health["sentence"] == f"The last tick ended with exit code 12: {WRONG}"
    assert "never read yet" in shown
    assert "Nothing to do" not in shown
    assert (cured.code, cured.did) == (0, ["enrol ENG-1", "dispatch ENG-1"])


def test_a_key_that_is_revoked_leaves_agents_alone_starts_nothing_and_writes_nothing(
    linear: LinearHouse,
) -> None:
    linear.configure("agent: {max_tokens_per_issue: 50, max_concurrent_agents: 2}")
    linear.script(ENG_1=[{"say": "I spend.", "usage": {"input": 90, "output": 9}}], ENG_2=BUSY)
    for _ in range(3):
        linear.world.create()
    linear.run("tick")
    linear.busy("ENG-2")
    linear.verdict("ENG-1")
    linear.world.revoke()
    refused = linear.tick()
    running = [row["issue_identifier"] for row in linear.status()["running"]]
    labels = linear.world.issue("ENG-1")["labels"]
    linear.world.revoke(False)
    cured = linear.tick()

    assert refused.outcome == (12, 1, [WRONG])
    assert refused.did == ["settle ENG-1", "block ENG-1"]
    assert refused.passed["ENG-3"] == f"tracker: {WRONG}"
    assert (running, labels) == (["ENG-2"], [])
    assert cured.did == ["dispatch ENG-3", "deliver ENG-1", "deliver ENG-1"]
    assert linear.world.issue("ENG-1")["labels"] == ["symphony-budget-exceeded"]


ODD_KEYS = {
    "bearer": ("Bearer {}", BEARER),
    "two lines": ("{}\nLINEAR_TEAM=x", ODD),
    "quotes": ('"{}"', ODD),
    "single quotes": ("'{}'", ODD),
    "no letter of ours": ("{}ä", ODD),
}


@pytest.mark.parametrize("name", ODD_KEYS)
def test_a_key_that_was_pasted_with_more_than_itself_is_not_even_sent(
    linear: LinearHouse, name: str
) -> None:
    pasted, sentence = ODD_KEYS[name]
    linear.use(pasted.format(linear.world.key))
    assert linear.tick().outcome == (12, 0, [sentence])


def test_spaces_and_line_ends_around_a_key_do_no_harm(linear: LinearHouse) -> None:
    linear.use(f"  {linear.world.key}\n")
    assert linear.tick().outcome == (0, 2, [])


@pytest.mark.parametrize("written", ["{}", '"{}"', "'{}' # of the bot", "  {}  "])
def test_the_key_may_stand_in_symphony_env_in_any_usual_form(
    linear: LinearHouse, written: str
) -> None:
    linear.use(None)
    linear.env_file.write_text(f"export LINEAR_API_KEY={written.format(linear.world.key)}\n")
    linear.env_file.chmod(0o600)
    assert linear.tick().outcome == (0, 2, [])


def test_a_key_in_a_workflow_that_git_tracks_is_refused_before_anything_else(
    linear: LinearHouse,
) -> None:
    linear.use(None)
    linear.configure(api_key=linear.world.key)
    commit(linear)
    told = linear.asked("tick")

    assert told == (Told(78, "", f"symphony: {linear.key_line}: {LITERAL}\n"), 0)
    assert not linear.state.exists()


def test_a_workflow_that_git_begins_to_track_with_its_key_stops_asking(
    linear: LinearHouse,
) -> None:
    linear.use(None)
    linear.configure(api_key=linear.world.key)
    before = linear.tick()
    commit(linear)
    after = linear.tick()

    assert before.outcome == (0, 2, [])
    assert (after.code, after.requests) == (78, 0)
    assert sorted(after.errors) == sorted([UNASKED, f"{linear.key_line}: {LITERAL}"])


def test_another_key_has_a_budget_of_its_own_and_asks_for_all_names_anew(
    linear: LinearHouse,
) -> None:
    linear.world.accept(SECOND)
    linear.tick()
    linear.use(SECOND)
    linear.tick()
    linear.tick()

    assert linear.world.operations() == ["Names", "Look", "Names", "Look", "Look"]
    assert len(list(linear.user_state.glob("budget-*.json"))) == 2


TOKEN = "lin_oauth_0123456789abcdef0123456789abcdef"


def test_a_token_is_hidden_without_its_bearer_too(linear: LinearHouse) -> None:
    linear.world.accept(f"Bearer {TOKEN}")
    linear.use(f"Bearer {TOKEN}")
    linear.extra["MY_TOKEN"] = TOKEN
    linear.script(
        default=[{"run": "env > agent.env"}, {"wait": 1}, {"fail": {"message": f"{TOKEN}?"}}]
    )
    for number in (1, 2):  # the second tick goes by the copy of WORKFLOW.md in the cache
        linear.world.create(f"Why is {TOKEN} here", state="Todo")
        linear.tick()
        linear.verdict(f"ENG-{number}")

    kept = [path for path in linear.state.rglob("*") if path.is_file()]
    kept += list(linear.root.rglob("agent.env"))
    assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []
    assert "Why is [secret] here" in linear.ledger.read_text()
    assert len([path for path in kept if path.name == "agent.env"]) == 2


def test_a_run_whose_key_was_replaced_ends_at_once_and_the_next_has_the_new_one(
    linear: LinearHouse,
) -> None:
    linear.script(default=[{"say": "I work."}, {"wait": 2}])
    linear.world.create()
    linear.tick()
    linear.busy("ENG-1")
    linear.world.revoke()
    ended = linear.verdict("ENG-1")
    linear.world.revoke(False)
    linear.world.accept(SECOND)
    linear.use(SECOND)
    again = linear.tick()

    assert (ended["outcome"], ended["reason"], ended["detail"]) == ("tracker", "key", WRONG)
    assert again.did == ["settle ENG-1"]


def test_a_proxy_that_symphony_env_names_is_the_way_of_a_tick(linear: LinearHouse) -> None:
    proxy = Server([says(407, b"")])
    linear.configure(endpoint="http://linear.invalid/graphql")
    linear.env_file.write_text(f"HTTP_PROXY={proxy.endpoint.removesuffix('/graphql')}\n")
    linear.env_file.chmod(0o600)
    tick = linear.tick()
    proxy.close()

    assert (tick.code, [one.line for one in proxy.requests]) == (
        13,
        ["POST http://linear.invalid/graphql HTTP/1.1"],
    )
