"""Our answers beside the schema that the real Codex writes of its own protocol.

A version that asks for something new makes this fail, before an agent hangs on it.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import tools
from symphony_cli.supervisor.answers import REFUSED, TABLE, TIME, answer
from symphony_cli.supervisor.desk import TOOL_CALL
from symphony_cli.supervisor.protocol import Request
from tests.real.shapes import misfits

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.both_codexes]

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANSWERED = {*TABLE, *REFUSED, TIME, TOOL_CALL}
ASKED = {
    "permissions": {"network": {"enabled": True}, "fileSystem": None},
    "questions": [{"id": "q1", "question": "Which?"}],
}


@pytest.fixture(scope="module")
def schema(codex: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Codex writes its schema to, experimental parts included."""
    place = tmp_path_factory.mktemp("schema")
    words = ["app-server", "generate-json-schema", "--experimental", "--out", str(place)]
    environ = {"CODEX_HOME": str(tmp_path_factory.mktemp("home")), "HOME": str(place)}
    subprocess.run([codex, *words], env=environ, check=True, capture_output=True, timeout=60)
    return place


def loaded(schema: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((schema / f"{name}.json").read_text())
    return found


def requests(schema: Path) -> dict[str, str]:
    """The type of each server request's parameters, by method."""
    choices = loaded(schema, "ServerRequest")["oneOf"]
    members = [choice["properties"] for choice in choices]
    return {
        one["method"]["enum"][0]: one["params"]["$ref"].rpartition("/")[2].removesuffix("Params")
        for one in members
    }


def test_every_request_that_codex_can_make_has_its_answer(schema: Path) -> None:
    asked = set(requests(schema))
    new, gone = sorted(asked - ANSWERED), sorted(ANSWERED - asked)
    advice = "give it a row in supervisor/answers.py and in docs/codex.md"
    assert not new, f"this Codex asks for what no row answers: {', '.join(new)}; {advice}"
    assert not gone, f"this Codex no longer asks for: {', '.join(gone)}; older versions still may"


@pytest.mark.parametrize("policy", ["accept", "decline", "block"])
def test_every_answer_has_the_shape_that_codex_wants(schema: Path, policy: str) -> None:
    settings = CodexSettings(approval_answer=policy)
    found = {}
    for method, name in requests(schema).items():
        if method not in (TOOL_CALL, *REFUSED):
            ours = answer(Request(0, method, ASKED), settings, AT).result
            found[method] = misfits(ours, loaded(schema, f"{name}Response"))
    assert found == {method: [] for method in (*TABLE, TIME)}


def test_the_answer_to_a_tool_call_has_the_shape_that_codex_wants(schema: Path) -> None:
    wanted = loaded(schema, "DynamicToolCallResponse")
    assert misfits(tools.content(False, "no"), wanted) == []
