"""The stand-in as a process: started, told through its control port, ended by its pid.

It lies outside of this repository, in the folder that SYMPHONY_STAND_INS names, else in
`shared/stand-ins` beside the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

PATIENCE = 60.0
"""Seconds until it must listen."""


def stand_ins() -> Path:
    """The folder of the stand-ins, there or not."""
    named = os.environ.get("SYMPHONY_STAND_INS")
    return Path(named) if named else ROOT.parent / "shared" / "stand-ins"


class StandInProcess:
    """A stand-in that listens, until `end`."""

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready.json"
        ports = ["--port", "0", "--control-port", "0", "--ready-file", str(ready)]
        with (folder / "stand-in.log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(stand_ins() / "linear" / "run.sh"), *ports, "--issues", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        told = self._told(ready)
        self.endpoint: str = told["graphql"]
        self.control: str = told["control"]

    def _told(self, ready: Path) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.end()
                said = (ready.parent / "stand-in.log").read_text(errors="replace")
                raise AssertionError(f"the stand-in for Linear does not start: {said[-500:]}")
            time.sleep(0.02)
        told: dict[str, Any] = json.loads(ready.read_text())
        return told

    def end(self) -> None:
        """End it, by its pid."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(60)

    def call(self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST") -> Any:
        """One call of the control port.

        Raises:
            KeyError: it says no; the text is its own.
        """
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.control}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise KeyError(f"{path}: {error.read().decode()}") from error
