"""A small story with a real run, on every Linear that there is; and where its key is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.house import until
from tests.cli.linear_house import BUSY, LinearHouse

pytestmark = pytest.mark.real


def test_an_issue_is_worked_and_its_end_releases_the_one_that_waited_for_it(
    any_linear: LinearHouse,
) -> None:
    linear, world = any_linear, any_linear.world
    world.create("The first")
    world.person.create("The second", blocked_by=["ENG-1"])
    done = [{"say": "I work."}, linear.moves("ENG-1", "Done"), {"say": "It is done."}]
    linear.script(ENG_1=done, ENG_2=BUSY)

    until(lambda: "dispatch ENG-1" in linear.tick().did, "the start of ENG-1")
    verdict = linear.verdict("ENG-1")
    until(lambda: "dispatch ENG-2" in linear.tick().did, "the release of ENG-2")
    linear.busy("ENG-2")

    issues = [world.issue(name) for name in ("ENG-1", "ENG-2")]
    runs = [(event["issue"], event["attempt"]) for event in linear.events("dispatched")]
    counts = {kind: count for kind, count in linear.status()["counts"].items() if count}
    assert runs == [(issue["id"], 1) for issue in issues]
    assert [verdict[name] for name in ("outcome", "reason", "turns", "last_message")] == [
        "handed_over",
        "Done",
        1,
        "It is done.",
    ]
    assert [(issue["state"], issue["comments"]) for issue in issues] == [("Done", []), ("Todo", [])]
    assert counts == {"running": 1, "finished": 1}


def test_the_blocked_one_starts_when_a_person_closes_its_blocker(linear: LinearHouse) -> None:
    linear.world.create(state="Backlog")
    linear.world.person.create(blocked_by=["ENG-1"])
    waiting = [linear.tick(), linear.tick()]
    linear.world.person.move("ENG-1", "Canceled")
    released = linear.tick()

    assert [tick.did for tick in waiting] == [[], []]
    assert waiting[1].passed == {"ENG-2": "blocker: ENG-1 must close first (it is Backlog)"}
    assert (released.requests, released.did) == (1, ["enrol ENG-2", "dispatch ENG-2"])


TITLE = "query Title($id: String!) { issue(id: $id) { title description } }"


def test_the_key_is_nowhere_where_an_agent_or_a_stranger_looks(linear: LinearHouse) -> None:
    key = linear.world.key
    linear.use(None)
    linear.env_file.write_text(f"LINEAR_API_KEY={key}\n")
    linear.env_file.chmod(0o600)
    linear.world.person.create(f"Why is {key} here", description=f"It is {key}.")
    linear.world.person.comment("ENG-1", f"Use {key}!")
    linear.world.create(f"Another {key}", state="Backlog")
    asks = {"query": TITLE, "variables": {"id": "ENG-1"}}
    linear.configure(
        "hooks: {before_run: env > hook.env}",
        "Issue {{ issue.identifier }}.\n{{ issue.title }} {{ issue.description }} {{ comments }}",
    )
    linear.script(
        ENG_1=[
            {"tool": {"name": "linear_graphql", "arguments": asks}},
            {"tool": {"name": "linear_graphql", "arguments": {"query": f"{{ {key} }}"}}},
            {"run": "env > agent.env; sleep 0.3"},
            {"say_env": "LINEAR_API_KEY"},
            linear.moves("ENG-1", "Done"),
        ]
    )
    said = [linear.run("tick")]
    with watched(linear) as exposed:
        linear.verdict("ENG-1")
        commands = ("tick", "tick --dry-run --json", "status", "status --json", "status ENG-1")
        said += [linear.run(*command.split()) for command in commands]

    assert linear.world.issue("ENG-1")["state"] == "Done"
    assert [told for told in said if key in told.out + told.err] == []
    assert exposed == set()
    for folder in (linear.state, linear.user_state, linear.root / "workspaces"):
        assert (folder, any(folder.iterdir()), places(folder, key)) == (folder, True, [])
    assert "Why is [secret] here" in (linear.folder("ENG-1") / "transcript.jsonl").read_text()


def places(folder: Path, key: str) -> list[str]:
    """Files below a folder that have the key in their name or in them."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if key in path.name or (path.is_file() and key.encode() in path.read_bytes())
    ]


@contextmanager
def watched(linear: LinearHouse) -> Iterator[set[str]]:
    """Processes of the house whose environment or command line shows the key, while the body
    runs. Ticks get it in neither: it stands in symphony.env."""
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for pid in linear.processes():
                found.update(_exposed(pid, linear.world.key.encode()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _exposed(pid: int, key: bytes) -> Iterator[str]:
    for name in ("environ", "cmdline"):
        try:
            data = Path(f"/proc/{pid}/{name}").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if key in data:
            yield f"{name} of {command}"
