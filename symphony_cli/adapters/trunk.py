"""The trunk: the default branch of the operator's remote, as it is now or was when last fetched.

It is fetched into a scratch repository, with the operator's own configuration and the address of
WORKFLOW.md, never one that the agent's `.git` names. That repository reads the agent's objects.
Git would also ask their owner for its refs, which is to run with the agent's `.git` as git dir:
`core.alternateRefsCommand` is set so that it does not.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.adapters import gitfolder, rescuestore
from symphony_cli.adapters.gitenv import remote_git
from symphony_cli.adapters.scratch import Scratch
from symphony_cli.errors import SymphonyError, WorkspaceError

ASK_PATIENCE = 30.0
"""Seconds for the remote to say where its default branch is."""

FETCH_PATIENCE = 120.0
"""Seconds for fetching what is new there; prepare as a whole has 15 minutes."""

_ID = re.compile(r"[0-9a-f]{40}")
_TRACKING = "refs/remotes/origin"
_OURS = "refs/symphony"
_QUIET = {"core.alternateRefsCommand": "true", "core.hooksPath": os.devnull}


@dataclass(frozen=True, slots=True)
class Remote:
    """The operator's remote: its address ("": unknown) and what git needs to reach it."""

    url: str
    environment: Mapping[str, str]
    on_group: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Trunk:
    """The default branch: its name for people, where it is, and whether the remote just said so."""

    name: str
    commit: str
    is_fresh: bool


def locate(place: Scratch, folder: Path, remote: Remote) -> tuple[Trunk | None, str]:
    """The trunk, its commits readable in `place`; and in words what kept us from a fresh one.

    `folder` is the agent's `.git`: what it knows of the trunk spares the fetch or stands in for it.
    """
    last = last_fetched(folder)
    if not remote.url:
        return last, ""
    try:
        return _fresh(place, last, remote), ""
    except SymphonyError as error:
        return last, str(error).rstrip(".")


def last_fetched(folder: Path) -> Trunk | None:
    """The trunk as the workspace knows it."""
    known = gitfolder.refs(folder)
    target = gitfolder.symbolic_target(folder, f"{_TRACKING}/HEAD")
    for name in (target.removeprefix(f"{_TRACKING}/"), "main", "master"):
        commit = known.get(f"{_TRACKING}/{name}")
        if commit and name.isprintable():
            return Trunk(name, commit, is_fresh=False)
    return None


def has(place: Scratch, commit: str) -> bool:
    """Whether this is a commit that can be read in `place`."""
    out = place.git("cat-file", "--batch-check=%(objecttype)", data=f"{commit}\n".encode())
    return out == b"commit\n"


def seek(place: Scratch, commit: str, root: Path, remote: Remote | None) -> bool:
    """Make a commit readable in `place` that a workspace made anew may lack; whether it is.

    The rescue store has it when it was not pushed. Else the remote may still have it, though no
    branch leads to it any more: of a pull request, for example.
    """
    store = rescuestore.store_path(root) / "objects"
    if not has(place, commit) and store.is_dir():
        with (place.git_dir / "objects/info/alternates").open("ab") as stream:
            stream.write(os.fsencode(store) + b"\n")
    if not has(place, commit) and remote is not None:
        # A remote that does not give it away is no trouble.
        with contextlib.suppress(WorkspaceError):
            _fetch(place, remote, f"+{commit}:{_OURS}/found")
    return has(place, commit)


def _fresh(place: Scratch, last: Trunk | None, remote: Remote) -> Trunk:
    found = default_branch(remote)
    if found is None:
        raise WorkspaceError("the remote has no default branch")
    ref, commit = found
    name = "the remote's default branch" if ref == "HEAD" else ref.removeprefix("refs/heads/")
    if not has(place, commit):
        if last is not None and has(place, last.commit):
            # So that git asks for no more than what came after it.
            place.git("update-ref", f"{_OURS}/known", last.commit)
        _fetch(place, remote, f"+{ref}:{_OURS}/trunk")
        commit = place.line("rev-parse", "--verify", f"{_OURS}/trunk")
    return Trunk(name, commit, is_fresh=True)


def default_branch(remote: Remote, locks: Sequence[int] = ()) -> tuple[str, str] | None:
    """Ref and commit of the remote's default branch; None when it has none. Some servers do not say
    which branch HEAD is; a HEAD that leads nowhere gives way to main or master.

    Raises:
        WorkspaceError: the remote does not answer.
    """
    wanted = ("HEAD", "refs/heads/main", "refs/heads/master")
    out = remote_git(
        "ls-remote", "--symref", "--", remote.url, *wanted, environment=remote.environment,
        timeout=ASK_PATIENCE, on_group=remote.on_group, locks=locks,
    )  # fmt: skip
    target, known = "HEAD", dict[str, str]()
    for line in out.decode("utf-8", "replace").splitlines():
        said, _, ref = line.partition("\t")
        if said.startswith("ref: ") and ref == "HEAD":
            target = said.removeprefix("ref: ")
        elif _ID.fullmatch(said):
            known[ref] = said
    for ref in wanted:
        if ref in known:
            return (target if ref == "HEAD" else ref), known[ref]
    return None


def _fetch(place: Scratch, remote: Remote, refspec: str) -> None:
    for name, value in _QUIET.items():
        place.git("config", name, value)
    remote_git(
        f"--git-dir={place.git_dir}", "fetch", "--quiet", "--no-tags", "--no-auto-gc",
        "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow", "--",
        remote.url, refspec,
        environment=remote.environment, timeout=FETCH_PATIENCE, on_group=remote.on_group,
    )  # fmt: skip
