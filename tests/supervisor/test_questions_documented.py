"""docs/codex.md beside the table that decides."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.answers import REFUSED, TABLE, TIME, answer
from symphony_cli.supervisor.desk import TOOL_CALL
from symphony_cli.supervisor.protocol import Request

PAGE = (Path(__file__).parents[2] / "docs" / "codex.md").read_text()
SECTION = PAGE.partition("## Questions\n")[2].partition("\n## ")[0]
AT = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = {"permissions": {"network": {"enabled": True}}, "questions": [{"id": "q1"}]}


def rows(head: str) -> list[list[str]]:
    """The cells of the table below this line of heads."""
    body = SECTION.partition(f"{head}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def code(cell: str) -> str:
    found = re.search(r"`([^`]+)`", cell)
    assert found is not None, cell
    return found[1]


def replied(method: str, policy: str) -> Any:
    settings = CodexSettings(approval_answer=policy, input_answer="decline")
    return answer(Request(0, method, ASKED), settings, AT).result


def test_the_table_of_the_page_is_the_one_that_decides() -> None:
    told = {}
    for method, setting, declined, accepted in rows("| request | setting | declined | accepted |"):
        yes = json.loads(code(accepted)) if accepted != "never" else json.loads(code(declined))
        told[code(method)] = (code(setting), json.loads(code(declined)), yes)
    assert told == {
        method: (row.setting, replied(method, "decline"), replied(method, "accept"))
        for method, row in TABLE.items()
    }


def test_what_no_setting_decides_is_on_the_page_too() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows("| request | answer |")}
    assert set(told) == {TOOL_CALL, TIME, *REFUSED, "any other"}
    assert json.loads(code(told[TIME])) == replied(TIME, "decline")
