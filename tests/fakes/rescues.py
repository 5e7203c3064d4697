"""Rescues in memory, and the folders and branches that they were brought to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symphony_cli.core.rescues import Contents, Rescue, Shelf
from symphony_cli.errors import UsageError, WorkspaceError


@dataclass
class FakeRescues:
    """`ports.Rescues` whose stores are lists, by workspace root."""

    stores: dict[str, list[Rescue]] = field(default_factory=dict)
    held: dict[str, Contents] = field(default_factory=dict)
    """What is in a rescue, by its commit; one that is not here is damaged."""
    faults: tuple[str, ...] = ()
    folders: dict[str, Rescue | None] = field(default_factory=dict)
    """What lies in a folder; None: something else."""
    repos: dict[str, dict[str, str]] = field(default_factory=dict)
    """The branches of a repository, and their commits."""

    def look(self, roots: Sequence[str]) -> Shelf:
        found = [rescue for root in dict.fromkeys(roots) for rescue in self.stores.get(root, ())]
        found.sort(key=lambda rescue: (rescue.key.lower(), rescue.at, rescue.number))
        return Shelf(tuple(found), self.faults)

    def contents(self, rescue: Rescue) -> Contents:
        if rescue.commit not in self.held:
            raise WorkspaceError(f"{rescue.ref} is damaged: take another one.")
        return self.held[rescue.commit]

    def restore(self, rescue: Rescue, into: str) -> None:
        if into in self.folders:
            raise UsageError(f"{into} is there already: name a new folder.")
        self.contents(rescue)
        self.folders[into] = rescue

    def make_branch(self, rescue: Rescue, name: str, repo: str) -> None:
        if repo not in self.repos:
            raise UsageError(f"{repo} is no git repository: name one with --repo.")
        if name in self.repos[repo]:
            raise UsageError(f"{repo} has a branch {name} already: choose another name.")
        self.contents(rescue)
        self.repos[repo][name] = rescue.commit
