"""Cloning the operator's repository for one issue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from symphony_cli.adapters import gitfolder
from symphony_cli.adapters.gitenv import remote_git, url_without_credentials
from symphony_cli.errors import WorkspaceError

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/]*@)?([^/:]*)(?::\d*)?(/[^?#]*|)", re.IGNORECASE)
_SCP = re.compile(r"(?:[^/@:]+@)?([^/@:]+):(.+)")


def repository_name(repo: str) -> str:
    """What `repo` (URL or path) leads to, however it is reached: `host/path`, or a path.

    User, password, port and `.git` are left out, so that a change from HTTPS to SSH is none, and
    no credential gets into a file of ours. The forms are those of git-clone(1), GIT URLS.
    """
    if url := _URL.match(repo):
        name = url[1].lower() + url[2]
    elif scp := _SCP.fullmatch(repo):
        name = scp[1].lower() + "/" + scp[2].lstrip("/")
    else:
        name = repo
    return name.rstrip("/").removesuffix(".git")


def clone(
    repo: str,
    into: Path,
    branch: str,
    environment: Mapping[str, str],
    on_group: Callable[[int], None] | None = None,
    reference: Path | None = None,
) -> None:
    """Clone `repo` (URL or absolute path) into the new folder `into`, at `branch`.

    The branch is the remote's when it has one of that name, else a new one from the remote's
    default branch; of a remote without commits it is the one that the first commit will make.
    Files of a local repository are copied and never linked: a linked object that an agent
    overwrites would be overwritten in the operator's repository too.

    `reference` is a mirror of the same remote: what it has is not copied but read there, for as
    long as the workspace lives. What it lacks comes from the remote.

    Raises:
        WorkspaceError: git could not; the text has its reason.
        MissingProgram: there is no git.
    """

    def run(*words: str) -> None:
        remote_git(*words, environment=environment, on_group=on_group)

    # git copies a local repository whole, whatever it could borrow, unless it is told not to.
    how = ["--no-local", f"--reference={reference}"] if reference else ["--no-hardlinks"]
    inside = (f"--git-dir={into / '.git'}", f"--work-tree={into}")
    try:
        run("clone", "--quiet", *how, "--no-checkout", "--origin=origin", "--", repo, str(into))
        known = gitfolder.refs(into / ".git")
        if f"refs/remotes/origin/{branch}" in known:
            run(*inside, "checkout", "--quiet", "-B", branch, "--track", f"origin/{branch}")
        elif start := _default(into / ".git", known):
            run(*inside, "checkout", "--quiet", "--no-track", "-B", branch, start)
        else:
            run(*inside, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    except WorkspaceError as error:
        raise WorkspaceError(
            f"{url_without_credentials(repo)} cannot be cloned: {error}. Check workspace.repo and"
            " that `git clone` of it works by hand with the same environment."
        ) from error


def _default(folder: Path, known: dict[str, str]) -> str:
    """The remote's default branch as clone found it: the commit, or nothing.

    A remote whose HEAD names a branch that is not there has none; then a lone branch, or main or
    master, is taken.
    """
    if commit := known.get("refs/remotes/origin/HEAD"):
        return commit
    names = [ref for ref in known if ref.startswith("refs/remotes/origin/")]
    wanted = [f"refs/remotes/origin/{name}" for name in ("main", "master")]
    found = [ref for ref in wanted if ref in known] or (names if len(names) == 1 else [])
    return known[found[0]] if found else ""
