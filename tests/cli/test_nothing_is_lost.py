"""Three agents are killed in the middle of their work, their workspaces are removed because their
issues are over, and `symphony rescue` brings every byte back (rows G4 and G5)."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import processes, runfolder
from symphony_cli.paths import RunPaths
from tests.cli.house import House, until
from tests.cli.test_merged_story import git

pytestmark = [pytest.mark.real, pytest.mark.slow]

KEYS = ("A-1", "A-2", "A-3")

HALF_DONE = """
printf 'half of %s' {key} > half.txt; git add half.txt; git commit -qm 'Half of {key}'
printf 'staged' > staged.txt; git add staged.txt; printf ' and changed again' >> staged.txt
printf 'changed by %s' {key} > README.md; rm old.txt; chmod +x tool.sh
mkdir -p 'new folder/deep'; printf 'a\\000b\\377%s' {key} > 'new folder/deep/bytes'
printf 'odd' > "$(printf 'a tab\\tand \\303\\251')"; ln -s half.txt link; : > empty
printf 'x%.0s' $(seq 5000) > large.txt
"""
"""Commits, staged, changed, deleted and new files, a link, another mode, names and bytes that are
no text."""


def works(key: str) -> list[Any]:
    """Half of the work, and then a command without an end."""
    steps = [{"run": line} for line in HALF_DONE.replace("{key}", key).strip().splitlines()]
    return [*steps, {"run": "echo ready > .git/ready; exec sleep 600"}]


def origin(house: House) -> Path:
    """A remote with one commit."""
    seed, bare = house.root / "seed", house.root / "origin.git"
    git(house.root, "init", "-q", "-b", "main", str(seed))
    for name in ("README.md", "old.txt", "tool.sh"):
        (seed / name).write_text(f"{name}\n")
    git(seed, "add", ".")
    git(seed, "commit", "-qm", "Begin")
    git(house.root, "clone", "-q", "--bare", str(seed), str(bare))
    return bare


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its kind, whether it may be run, and its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name, mode = str(path.relative_to(folder)), path.lstat().st_mode
        if name.split("/")[0] == ".git" or stat.S_ISDIR(mode):
            continue
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        found[name] = (stat.S_IFMT(mode) | (mode & 0o100), data)
    return found


def known_to_git(folder: Path) -> dict[str, str]:
    """Where HEAD is, all commits that lead there, what is staged, and what is not."""
    asked = ("rev-parse HEAD", "symbolic-ref HEAD", "log --format=%H%n%B", "ls-files -s")
    said = {words: git(folder, *words.split()) for words in asked}
    return {**said, "status": git(folder, "status", "--porcelain", "-uall", "-z")}


def supervisor(run: RunPaths) -> list[int]:
    """The process that holds the run."""
    found = runfolder.pid_file(run)
    assert found is not None
    return [found.process.pid]


def agent(run: RunPaths) -> list[int]:
    """Codex and all that it started: everything below the supervisor."""
    return sorted(processes.descendants(*supervisor(run)))


def all_of_it(run: RunPaths) -> list[int]:
    """As when the machine loses power."""
    return [*supervisor(run), *agent(run)]


KILLED: dict[str, Callable[[RunPaths], list[int]]] = dict(
    zip(KEYS, (supervisor, agent, all_of_it), strict=True)
)


def kill(house: House, key: str) -> None:
    run = RunPaths(house.folder(key))
    for pid in KILLED[key](run):
        identity = processes.identify(pid)
        if identity is not None:
            processes.signal_if_same(identity, signal.SIGKILL)


def test_what_killed_agents_left_comes_back_after_their_workspaces_were_removed(
    house: House,
) -> None:
    repo = json.dumps(str(origin(house)))
    house.configure(
        f"workspace: {{root: ../workspaces, repo: {repo}, keep_last_n: 0}}\n"
        "agent: {max_concurrent_agents: 3}"
    )
    house.script(**{key.replace("-", "_"): works(key) for key in KEYS})
    for key in KEYS:
        house.issue(key)
    assert house.run("tick").code == 0

    places = {key: house.root / "workspaces" / key for key in KEYS}
    until(lambda: all((place / ".git/ready").exists() for place in places.values()), "all work")
    left = {key: everything(place) for key, place in places.items()}
    known = {key: known_to_git(place) for key, place in places.items()}
    for key in KEYS:
        kill(house, key)
        house.issue(key, state="Done")

    def tidied() -> bool:
        house.run("tick")
        return not any(place.exists() for place in places.values())

    until(tidied, "the removal of all three workspaces")
    house.run("tick")
    until(lambda: not list((house.root / "workspaces").glob(".trash/*")), "an empty trash")

    back = {key: house.root / f"back-{key}" for key in KEYS}
    told = [house.run("rescue", key, "--to", str(place)) for key, place in back.items()]
    assert [one.code for one in told] == [0, 0, 0], told
    assert {key: everything(place) for key, place in back.items()} == left
    assert {key: known_to_git(place) for key, place in back.items()} == known
    assert all(len(files) == 9 for files in left.values())
    removed = house.events("removed")
    assert sorted(event["issue"] for event in removed) == sorted(KEYS)
    assert all(event["rescue"].startswith("refs/symphony/rescue/") for event in removed)
