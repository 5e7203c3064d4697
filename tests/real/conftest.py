"""Real houses, and what they need of the real Codex; all of it is gone when a test is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.real import codexes as versions
from tests.real import model as models
from tests.real.codexes import CACHE
from tests.real.house import PROMPT, House, furnish
from tests.real.model import Entry
from tests.real.studio import Studio as Studio
from tests.real.studio import open_studio

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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `both_codexes` runs once with each version."""
    marked = metafunc.definition.get_closest_marker("both_codexes") is not None
    if marked and "codex" in metafunc.fixturenames:
        metafunc.parametrize("codex", versions.VERSIONS, indirect=True, scope="session")


def _binary(version: str) -> str:
    try:
        return versions.binary(version)
    except versions.Missing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def codex(request: pytest.FixtureRequest) -> str:
    """The path of the real binary: PyPI's, or each of both for a test marked `both_codexes`."""
    return _binary(getattr(request, "param", versions.PYPI))


@pytest.fixture(scope="session")
def codexes() -> Mapping[str, str]:
    """The path of each version's binary, by version."""
    return {version: _binary(version) for version in versions.VERSIONS}


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


Open = Callable[..., Studio]


@pytest.fixture
def studio(codex: str, stand_ins: Path, sandbox: None) -> Iterator[Open]:
    """Opens one studio outside of the temp directory; removed at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE))
    made: list[Studio] = []

    def opened(
        entries: Sequence[Entry], extra: str = "", prompt: str = PROMPT, **sections: Any
    ) -> Studio:
        made.append(open_studio(folder, codex, entries, sections, extra, prompt))
        return made[-1]

    yield opened
    for one in made:
        one.end()
    shutil.rmtree(folder)
