"""The scripted model that the real Codex talks to, and the CODEX_HOME that leads there.

Both are stand-ins that live beside this repository, not in it; what needs them is skipped where
they are absent.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from symphony_cli.core.usage import Usage

STAND_INS = Path(__file__).parents[3] / "shared" / "stand-ins" / "model"

Entry = dict[str, Any]


def stand_in(name: str) -> ModuleType:
    """A module of the stand-ins, loaded by its path."""
    spec = importlib.util.spec_from_file_location(name, STAND_INS / f"{name}.py")
    assert spec is not None and spec.loader is not None, f"{STAND_INS} has no {name}.py"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Model:
    """A model server that runs, its address, and the file it logs each request to."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all requests for an answer, in order; half a line is yet to be written."""
        text = self.log.read_text() if self.log.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        asked = [json.loads(line) for line in lines]
        return [line["body"] for line in asked if line.get("path", "").endswith("/responses")]

    def end(self) -> None:
        self.process.kill()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def start(folder: Path, entries: Sequence[Entry]) -> Model:
    """A model that answers with these entries, one per request."""
    folder.mkdir()
    script, log = folder / "script.json", folder / "requests.jsonl"
    script.write_text(json.dumps(list(entries)))
    options = ["--port", "0", "--script", str(script), "--log", str(log)]
    process = subprocess.Popen(
        [sys.executable, str(STAND_INS / "fake_model.py"), *options],
        stdout=subprocess.PIPE,
        text=True,
        env={},
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:"), url
    return Model(process, url, log)


def as_sent(items: Sequence[Any]) -> list[str]:
    """Items of a request's input, each as the bytes that were sent (key order included)."""
    return [json.dumps(item) for item in items]


def message(text: str, **more: Any) -> Entry:
    """The model says something, which ends the turn."""
    return {"message": text, **more}


def call(name: str, arguments: Mapping[str, Any], **more: Any) -> Entry:
    """The model calls a tool."""
    return {"call": {"name": name, "arguments": dict(arguments)}, **more}


def command(text: str, **more: Any) -> Entry:
    """The model runs a shell command and waits for its end."""
    return call("exec_command", {"cmd": text}, **more)


def update(state: str, comment: str = "", **more: Any) -> Entry:
    """The model moves its issue to another state, and may say why."""
    arguments = {"state": state, **({"comment": comment} if comment else {})}
    return call("issue_update", arguments, **more)


def tokens(read: int, cached: int, written: int) -> Entry:
    """The figures of one answer, for an entry."""
    usage = {"input_tokens": read, "cached_input_tokens": cached, "output_tokens": written}
    return {"usage": usage}


def total(*answers: Entry) -> Usage:
    """What these figures add up to."""
    found = Usage()
    for answer in answers:
        usage = answer["usage"]
        read, cached = usage["input_tokens"], usage["cached_input_tokens"]
        written = usage["output_tokens"]
        found += Usage(read, cached, written, 0, read + written)
    return found
