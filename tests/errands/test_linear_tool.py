"""The tool errand of a run on an issue of Linear: a real process, and what gets out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import processes, runfolder
from symphony_cli.core.answers import LONGEST
from symphony_cli.core.run import TrackerRef
from symphony_cli.errands import mutations
from symphony_cli.ids import IssueId
from symphony_cli.paths import RunPaths, StatePaths
from tests.errands.an_order import issue_file, order_in, run_folder
from tests.errands.world import files_with, until
from tests.fakes.linear import FakeLinear

pytestmark = pytest.mark.real

SAY = 'mutation($id: String!) { commentCreate(input: {issueId: $id, body: "Hi"}) { success } }'
TEXTS = "query($id: String!) { issue(id: $id) { title description } }"


@dataclass
class House:
    """A run on ENG-1 of a Linear that listens here."""

    root: Path
    linear: FakeLinear

    def __post_init__(self) -> None:
        self.linear.put_issue("Mine")
        self.linear.put_issue("A neighbour's")
        self.paths = self._order()

    def _order(self) -> RunPaths:
        order = order_in(self.root)
        ref = TrackerRef(
            "linear",
            "linear",
            order.settings.tracker.workflow,
            ("LINEAR_API_KEY",),
            endpoint=self.linear.endpoint,
            project=self.linear.project,
        )
        mine = self.linear.issue("ENG-1")
        issue = replace(order.issue, id=IssueId(mine["id"]), identifier="ENG-1")
        settings = replace(order.settings, tracker=ref)
        paths = StatePaths(self.root / "state").run("ENG-1", 1)
        paths.folder.mkdir(parents=True)
        runfolder.save(replace(order, issue=issue, settings=settings), paths.order)
        return paths

    @property
    def environ(self) -> dict[str, str]:
        home = self.root / "home"
        return {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_STATE_HOME": str(home)}

    def start(self, options: Sequence[str] = (), *, key: bool = True) -> subprocess.Popen[bytes]:
        """The errand, waiting for its call; the key travels by pipe."""
        command = [sys.executable, *options, "-P", "-m", "symphony_cli.errands.tool"]
        pipe = processes.secret_pipe([self.linear.key] if key else [])
        try:
            return subprocess.Popen(
                [*command, str(self.paths.folder), "--secrets", str(pipe)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environ,
                pass_fds=[pipe],
            )
        finally:
            os.close(pipe)

    def call(self, query: str, *, key: bool = True, **variables: Any) -> tuple[bool, str]:
        """The reply to one call; nothing else may be printed."""
        arguments = {"query": query, "variables": variables}
        told = json.dumps({"tool": "linear_graphql", "arguments": arguments}).encode()
        out, complaints = self.start(key=key).communicate(told, timeout=60)
        assert (complaints, self.linear.key.encode() in out) == (b"", False)
        reply = json.loads(out)
        return reply["success"], reply["text"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with FakeLinear() as linear:
        yield House(tmp_path, linear)


def test_a_comment_is_posted_and_the_change_is_noted_for_the_next_look(house: House) -> None:
    refused = house.call(SAY, id="ENG-2")
    assert (refused[0], mutations.last(house.paths), house.linear.asked()) == (False, None, [])

    answer = house.call(SAY, id="ENG-1")

    assert answer == (True, '{"data":{"commentCreate":{"success":true}}}')
    assert house.linear.issue("ENG-1")["comments"] == ["Hi"]
    noted = mutations.last(house.paths)
    assert noted is not None
    assert noted.boot == processes.boot_id()


def test_a_reply_of_a_megabyte_is_cut_to_16_kib_of_whole_letters(house: House) -> None:
    house.linear.person.describe("ENG-1", "ä" * 500_000)

    success, text = house.call(TEXTS, id="ENG-1")

    size = len(text.encode())
    assert (success, LONGEST - 1 <= size <= LONGEST) == (True, True)
    assert text.endswith(
        "ä\n[cut: the answer has 1000052 bytes, at most 16384 are shown; ask for less]"
    )


def test_a_description_of_ten_megabytes_is_refused_in_a_sentence(house: House) -> None:
    success, text = house.call(SAY, id="ENG-1", text="x" * 10_000_000)

    assert (success, text[:13], house.linear.asked()) == (False, "The call has ", [])


def test_a_key_that_somebody_wrote_into_linear_does_not_come_out(house: House) -> None:
    key = house.linear.key
    house.linear.person.retitle("ENG-1", f"Title {key}")
    house.linear.person.describe("ENG-1", f'"{key}" \\ {key}')

    found = house.call(TEXTS, id="ENG-1")
    lost = house.call(TEXTS, id=f"no {key}")

    issue = {"title": "Title [secret]", "description": '"[secret]" \\ [secret]'}
    assert (found[0], json.loads(found[1])) == (True, {"data": {"issue": issue}})
    assert lost[0] is False
    assert files_with(house.root, key) == []


def test_the_key_is_on_no_command_line_and_in_no_environment(house: House) -> None:
    running = house.start()
    try:
        words = until(lambda: arguments_of(running.pid), what="the errand")
        environment = environment_of(running.pid)
    finally:
        call = {"tool": "linear_graphql", "arguments": "{ viewer { id } }"}
        out, _ = running.communicate(json.dumps(call).encode(), timeout=60)

    assert json.loads(out)["success"] is True
    assert str(house.paths.folder).encode() in words
    assert house.linear.key.encode() not in words + environment


def arguments_of(pid: int) -> bytes | None:
    """The command line; for an instant after its start a process has none."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() or None


def environment_of(pid: int) -> bytes:
    """The environment; an undumpable process shows it to root alone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return b""


def test_a_rejected_key_and_no_key_are_told_without_one(house: House) -> None:
    house.linear.revoke()

    answers = [house.call("{ viewer { id } }", key=key) for key in (True, False)]

    assert [success for success, _ in answers] == [False, False]
    assert answers[0][1].startswith("Linear does not accept the key")
    assert answers[1][1].startswith("Symphony has no key for Linear")


def test_the_tool_of_a_folder_of_issues_loads_neither_graphql_nor_http(tmp_path: Path) -> None:
    issue_file(tmp_path)
    folder = str(run_folder(tmp_path).folder)
    command = [sys.executable, "-X", "importtime", "-P", "-m", "symphony_cli.errands.tool", folder]
    call = '{"tool": "issue_update", "arguments": {"state": "Done"}}'

    done = subprocess.run(command, input=call, capture_output=True, text=True, timeout=60)

    names = (line.rpartition("|")[2].strip() for line in done.stderr.splitlines())
    loaded = {name.partition(".")[0] for name in names}
    assert json.loads(done.stdout)["success"] is True
    assert "symphony_cli" in loaded
    assert loaded & {"graphql", "httpx", "pydantic"} == set()
