"""Real repositories for tests: an origin with one commit on main, and clones of it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from symphony_cli.adapters.gitstore import Site
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import (
    Hooks,
    Order,
    PromptSettings,
    Settings,
    TrackerRef,
    WorkspaceSettings,
)
from symphony_cli.ids import IssueId, Key, RunId

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (
        ("NAME", "Ada"),
        ("EMAIL", "ada@example.org"),
        ("DATE", "2026-01-01T00:00:00+00:00"),
    )
}


@dataclass(frozen=True)
class GitWorld:
    """A folder with HOME, an origin and a workspace root; nothing outside is read or written."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home")}

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def root(self) -> Path:
        return self.folder / "workspaces"

    def git(self, place: Path, *words: str, data: str = "", check: bool = True) -> str:
        environment = self.environment | _WHO | {"GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        done = subprocess.run(
            ["git", "-C", str(place), *words],
            env=environment,
            input=data,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def clone(self, name: str) -> Path:
        """A clone as an agent has it, on a branch of its own."""
        place = self.root / name
        self.root.mkdir(exist_ok=True)
        self.git(self.folder, "clone", "--quiet", str(self.origin), str(place))
        self.git(place, "checkout", "--quiet", "-b", f"symphony/{name}")
        return place

    def commit(self, place: Path, name: str, text: str) -> str:
        """Write a file, commit it; the commit."""
        (place / name).write_text(text)
        self.git(place, "add", "--", name)
        self.git(place, "commit", "--quiet", "-m", f"change {name}")
        return self.git(place, "rev-parse", "HEAD")

    def site(self, name: str, base: str = "", most: int = 10_000_000) -> Site:
        return Site(self.root, name, self.root / name, base, most)

    def order(
        self,
        key: str,
        *,
        hooks: Hooks | None = None,
        repo: str | None = None,
        scope: str = "s",
        attempt: int = 1,
        path: str = "",
    ) -> Order:
        source = str(self.origin) if repo is None else repo
        settings = WorkspaceSettings(str(self.root), path, repo=source, hooks=hooks or Hooks())
        return Order(
            run=RunId("run_1"),
            issue=Issue(IssueId("id-1"), key, "Title", "Todo"),
            key=Key(key),
            number=1,
            attempt=attempt,
            settings=Settings(settings, TrackerRef("markdown", scope, "w"), PromptSettings("")),
            state_dir=str(self.folder / "state"),
            ordered_at=NOW,
        )


def git_world(folder: Path) -> GitWorld:
    """An origin whose main branch has one commit with `readme.txt` and `lib/code.txt`."""
    world = GitWorld(folder)
    seed = folder / "seed"
    (seed / "lib").mkdir(parents=True)
    (folder / "home").mkdir()
    world.git(seed, "init", "--quiet", "-b", "main")
    (seed / "readme.txt").write_text("read me\n")
    (seed / "lib/code.txt").write_text("one\ntwo\nthree\n")
    (seed / ".gitignore").write_text("*.log\n")
    world.git(seed, "add", ".")
    world.git(seed, "commit", "--quiet", "-m", "first")
    world.git(folder, "clone", "--quiet", "--bare", str(seed), str(world.origin))
    return world


def files_in(place: Path) -> dict[str, bytes]:
    """Every file of a work tree, but for `.git`."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(place).parts
    }
