"""Questions that the real Codex does not ask on demand, asked by the scripted one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.report import Asked
from symphony_cli.demo.material import scripted_command
from tests.real.conftest import Furnish
from tests.real.house import House

pytestmark = pytest.mark.real

DENIED = {"decision": {"denied": {"rejection": "rejected by policy"}}}
LOGIN = "account/chatgptAuthTokens/refresh"
ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "execCommandApproval": ("decline", {"result": DENIED}),
    "applyPatchApproval": ("decline", {"result": DENIED}),
    LOGIN: ("refused", {"error": -32601}),
    "attestation/generate": ("refused", {"error": -32601}),
    "item/unheardOf/requestApproval": ("unknown", {"error": -32601}),
    "item/tool/unheardOf/requestUserInput": ("unknown", {"error": -32601}),
}


def asking(house: Furnish, tmp_path: Path, *methods: str, **codex: str) -> House:
    """A house with one issue, whose agent asks all this and then moves its issue to Done."""
    asks = [{"ask": {"kind": "unknown", "method": method}} for method in methods]
    tool = {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}}
    place = tmp_path / "agents"
    place.mkdir()
    script = {"default": {"turns": [[*asks, tool, {"say": "Done."}]]}}
    (place / "script.json").write_text(json.dumps(script))
    command = scripted_command(sys.executable, place / "script.json")
    made = house(codex={"command": command, "home": str(place), **codex})
    made.write_issue("ASK-1")
    return made


def answers(house: House) -> list[dict[str, Any]]:
    """What was replied to each question, of errors the code."""
    (run,) = house.runs("ASK-1")
    sent = [m for m in house.transcript(run, "out") if "method" not in m]
    kept = [
        {"error": m["error"]["code"]} if "error" in m else {"result": m["result"]} for m in sent
    ]
    return kept[: len(ASKS)]


def test_every_strange_question_is_answered_and_the_turn_goes_on(
    house: Furnish, tmp_path: Path
) -> None:
    made = asking(house, tmp_path, *ASKS, approval_policy="untrusted")
    made.until(lambda: made.finished("ASK-1"), "ASK-1 is done")
    assert answers(made) == [reply for _, reply in ASKS.values()]
    (run,), record = made.runs("ASK-1"), made.record("ASK-1")
    assert [line.answer for line in made.lines(run, Asked)] == [said for said, _ in ASKS.values()]
    assert (record.declines, record.turns, record.runs) == (2, 1, 1)
    shown = made.symphony("status", "ASK-1").stdout
    assert "\n  declined   2 questions of its agents\n" in shown
    told = shown.partition("\nLast questions\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[2:4] for line in told] == [
        ["approval", "declined:"],
        *([method[:200], f"{said}:"] for method, (said, _) in list(ASKS.items())[2:]),
    ]


def test_an_approval_of_the_first_protocol_blocks_like_any_other(
    house: Furnish, tmp_path: Path
) -> None:
    made = asking(house, tmp_path, "applyPatchApproval", approval_answer="block")
    made.until(lambda: made.record("ASK-1").block is not None, "ASK-1 is blocked")
    record, (verdict,) = made.record("ASK-1"), made.verdicts("ASK-1")
    assert record.block is not None and record.block.reason is BlockReason.APPROVAL
    assert (verdict.outcome, verdict.detail) == (Outcome.ASKED, "May it change files?")
