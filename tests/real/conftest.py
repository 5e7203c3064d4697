"""Real houses, and what they need of the real Codex; all of it is gone when a test is."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.real import model as models
from tests.real.house import PROMPT, House, Options, furnish
from tests.real.model import Entry, Model

CACHE = Path.home() / ".cache" / "symphony-tests"
"""Codex wants its home outside of the temp directory, and a workspace there would be writable
with the temp directory, whatever the sandbox says of it."""

Furnish = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Furnish]:
    """Furnishes one house in the test's folder."""
    made: list[House] = []

    def furnished(prompt: str = PROMPT, **sections: Any) -> House:
        made.append(furnish(tmp_path / "house", sections, prompt))
        return made[-1]

    yield furnished
    for one in made:
        one.end()


@pytest.fixture(scope="session")
def codex() -> str:
    """The path of the real binary."""
    try:
        return str(importlib.import_module("codex_cli_bin").bundled_codex_path())
    except (ImportError, FileNotFoundError) as error:
        pytest.skip(f"the real Codex is not installed (the extra `codex`): {error}")


@pytest.fixture(scope="session")
def stand_ins() -> Path:
    """The folder of the scripted model."""
    if not (models.STAND_INS / "fake_model.py").is_file():
        pytest.skip(f"the scripted model is not there: {models.STAND_INS}")
    return models.STAND_INS


@pytest.fixture(scope="session")
def sandbox(codex: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands of an agent can be confined on this machine."""
    home = str(tmp_path_factory.mktemp("codex"))
    environ = {"PATH": os.environ["PATH"], "HOME": home, "CODEX_HOME": home}
    done = subprocess.run(
        [codex, "sandbox", "--", "true"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"Codex's sandbox does not work here: {done.stderr.strip()[-300:]}")


@dataclass
class Studio:
    """A house whose agents are the real Codex, and the model they listen to."""

    house: House
    model: Model
    home: Path
    older: list[Model] = field(default_factory=list)

    def mend(self, entries: Sequence[Entry]) -> None:
        """Let the agents' CODEX_HOME lead to another model, as an operator would mend it."""
        self.older.append(self.model)
        self.model = models.start(self.home.parent / f"model-{len(self.older)}", entries)
        models.stand_in("codex_home").make(self.home, self.model.url)

    def end(self) -> None:
        """End what runs here, by pid."""
        self.house.end()
        for model in (self.model, *self.older):
            model.end()


Open = Callable[..., Studio]


@pytest.fixture
def studio(codex: str, stand_ins: Path, sandbox: None) -> Iterator[Open]:
    """Opens one studio outside of the temp directory; removed at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE))
    made: list[Studio] = []

    def opened(entries: Sequence[Entry], extra: str = "", **sections: Any) -> Studio:
        model = models.start(folder / "model", entries)
        home = models.stand_in("codex_home").make(folder / "codex", model.url, extra=extra)
        whole = _with_codex(sections, codex, home)
        made.append(Studio(furnish(folder / "house", whole), model, home))
        return made[-1]

    yield opened
    for one in made:
        one.end()
    shutil.rmtree(folder)


def _with_codex(sections: Options, codex: str, home: Path) -> Options:
    told = {"command": f"{codex} app-server", "home": str(home)}
    return {**sections, "codex": {**told, **sections.get("codex", {})}}
