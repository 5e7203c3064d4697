"""The tracker's key is in nothing that we write or say (row O12, promise 9).

It is planted wherever a stranger or an agent could put it. What must be clean: every file under
`state/` and every line that a command prints. What may have it: the issue files, which are the
operator's own; and what an agent copies out of them into its workspace or its own thread's record
(CODEX_HOME), which is the agent's work and cannot be told from any other text by us.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.house import AS_ANYBODY, House, Told, planted, until

pytestmark = pytest.mark.real

KEY = "lin_api_Vq3zT8mKx0RbL5wYc7NdJ2hGs9PfUa4E"
KNOWN = "tracker: {kind: markdown, terminal_states: [Done], api_key: $TRACKER_KEY}\n"
HOOKS = "hooks: {before_run: 'env > hook.env; echo $TRACKER_KEY'}\n"
BODY = f"The key is {KEY}.\n\n## Comments\n\n### ann, 2026-03-01T10:00:00Z\n\nIt is {KEY}.\n"

TALKATIVE = [
    {"say_env": "TRACKER_KEY"},
    {"say": f"I found {KEY}."},
    {"run": "env > agent.env; sleep 0.4"},
    {"run": f"echo {KEY} >&2; echo {KEY}"},
    {"tool": {"name": "issue_update", "arguments": {"comment": f"Look: {KEY}"}}},
    {"tool": {"name": "issue_update", "arguments": {"remove_labels": [f"symphony-stuck {KEY}"]}}},
    {"tool": {"name": KEY, "arguments": {"key": KEY}}},
    {"ask": {"kind": "command_approval", "command": f"echo {KEY}", "reason": KEY}},
    {"wait": 0.5},
    {"fail": {"message": f"The provider says {KEY}."}},
]
"""Each step puts the key where something of ours reads it."""


def planted_everywhere(house: House, front: str) -> None:
    house.configure(front)
    command = house.workflow.read_text()
    noisy = command.replace('command: "', f'command: "echo {KEY} >&2; exec ')
    house.workflow.write_text(noisy)
    house.extra["TRACKER_KEY"] = house.extra["LINEAR_API_KEY"] = KEY
    house.script(A_1=TALKATIVE)
    house.issue("A-1", body=BODY, title=f"Why is {KEY} in here", labels=f"[{KEY}]")
    house.issue("A-2", blocked_by=f"[{KEY}]", title=KEY)
    house.issue("A-3", priority=KEY)
    house.issue("A-4", state=f"Waiting for {KEY}")


def places(folder: Path) -> list[str]:
    """Files below a folder that have the key in their name or in them."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if KEY in path.name or (path.is_file() and KEY.encode() in path.read_bytes())
    ]


@contextmanager
def watched(house: House) -> Iterator[set[str]]:
    """Command lines of our and the agent's processes that had the key, while the body runs."""
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            for pid in house.processes():
                found.update(_exposed(pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _exposed(pid: int) -> Iterator[str]:
    """What other processes of the same user can see of this one; unreadable is not exposed."""
    for name in ("environ", "cmdline"):
        try:
            data = Path(f"/proc/{pid}/{name}").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        is_ours = " tick" not in command and f"echo {KEY}" not in command
        if KEY.encode() in data and is_ours:
            yield f"{name} of {command}"


def everything_said(house: House) -> list[Told]:
    """What the commands print."""
    commands = (
        "tick --log-json",
        "tick --dry-run",
        "status",
        "status --json",
        "status A-1",
        "status A-3",
        "metrics --all --csv",
    )
    return [house.run(*command.split()) for command in commands]


def test_the_key_is_in_nothing_that_we_write_or_say(house: House) -> None:
    planted_everywhere(house, KNOWN + HOOKS)
    first = house.run("tick")
    with watched(house) as exposed:
        verdict = house.verdict("A-1")
    said = [first, *everything_said(house)]

    assert (verdict["outcome"], verdict["detail"]) == (
        "failed",
        "The turn failed (The provider says [secret].). The issue is tried again; `symphony logs`"
        " shows what the agent did.",
    )
    assert places(house.state) == []
    assert [told for told in said if KEY in told.out + told.err] == []
    assert exposed == set()
    assert places(house.root / "workspaces") == []
    assert places(house.issues) == ["A-1.md", "A-2.md", "A-3.md", "A-4.md"]


def test_an_issue_that_quotes_the_key_does_not_change_at_every_look(house: House) -> None:
    house.configure(KNOWN)
    house.extra["TRACKER_KEY"] = KEY
    house.issue("A-1", title=f"Why is {KEY} in here", blocked_by="[A-2]")
    house.run("tick")
    before = house.ledger.read_bytes()
    told = house.run("tick")
    assert (told, house.ledger.read_bytes()) == (Told(0, "", ""), before)


BUG = f"""
import symphony_cli.{{module}} as module
def bug(*_):
    raise RuntimeError("it quotes {KEY}")
module.{{name}} = bug
"""


@pytest.mark.parametrize(("module", "name"), [("perform", "order_for"), ("commands.tick", "plan")])
def test_an_exception_that_quotes_the_key_is_told_without_it(
    house: House, module: str, name: str
) -> None:
    house.configure(KNOWN)
    house.extra["TRACKER_KEY"] = KEY
    house.issue("A-1")
    told = house.run("tick", environ=planted(house, BUG.format(module=module, name=name)))
    shown = house.run("status", "--json")

    assert told.code == 70
    assert "RuntimeError: it quotes [secret]" in told.out + told.err
    assert KEY not in told.out + told.err + shown.out
    assert places(house.state) == []


def test_a_workflow_that_broke_does_not_let_the_key_through(house: House) -> None:
    house.configure(KNOWN)
    house.extra["TRACKER_KEY"] = KEY
    house.run("tick")
    house.workflow.write_text("---\ntracker: [\n---\n")
    house.issue("A-1", title=f"Why is {KEY} in here", blocked_by=f"[{KEY}]")
    told = house.run("tick", "--json")

    assert (told.code, KEY in told.out) == (78, False)
    assert [event["issue"]["title"] for event in house.events("sighted")] == [
        "Why is [secret] in here"
    ]
    assert places(house.state) == []


def test_without_a_key_the_variable_of_linear_stays_out_of_agents_all_the_same(
    house: House,
) -> None:
    """The Markdown tracker has no key of its own, so no text is a secret to us; but the variable
    that is known to hold Linear's is kept from the agent, its hooks and every act of the run."""
    house.configure(HOOKS)
    house.extra["LINEAR_API_KEY"] = KEY
    house.extra["OTHER"] = "seen"
    house.script(
        A_1=[{"run": "env > agent.env; sleep 0.4"}, {"wait": 0.5}, {"fail": {"message": "."}}]
    )
    house.issue("A-1")
    house.run("tick")
    with watched(house) as exposed:
        house.verdict("A-1")

    workspace = house.root / "workspaces" / "A-1"
    seen = [(workspace / name).read_text().splitlines() for name in ("agent.env", "hook.env")]
    assert exposed == set()
    assert [[line for line in lines if line.startswith(("LINEAR", "OTHER"))] for lines in seen] == [
        ["OTHER=seen"],
        ["OTHER=seen"],
    ]


def test_a_process_that_knows_the_key_cannot_be_looked_into(house: House) -> None:
    house.configure(KNOWN)
    house.extra["TRACKER_KEY"] = KEY
    house.script(A_1=[{"say": "I begin."}, {"wait": 60}])
    house.issue("A-1")
    house.run("tick", wrap=AS_ANYBODY)
    report = house.folder("A-1") / "report.jsonl"
    until(lambda: report.exists() and "I begin." in report.read_text(), "the first message")
    supervisor = house.status()["running"][0]["pid"]
    agents = [pid for pid in house.processes() if pid != supervisor]

    assert agents != []
    assert not is_readable(supervisor)
    assert all(map(is_readable, agents))


def is_readable(pid: int) -> bool:
    """Whether another process of the same user may see the environment of this one."""
    command = [*AS_ANYBODY, "/bin/cat", f"/proc/{pid}/environ"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_tick_that_a_run_starts_at_its_end_knows_the_key(house: House) -> None:
    """It has it by pipe; without it, a title that quotes the key would stand in the ledger."""
    house.configure(KNOWN)
    house.extra |= {"TRACKER_KEY": KEY, "SYMPHONY_NO_TICK": "0"}
    house.issue("A-1")
    house.run("tick")
    house.issue("A-2", title=f"It quotes {KEY}")

    until(lambda: len(house.events("finished")) == 2, "both were done by ticks of their runs")

    files = [path for path in house.state.rglob("*") if path.is_file()]
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    assert "quotes [secret]" in house.ledger.read_text()
