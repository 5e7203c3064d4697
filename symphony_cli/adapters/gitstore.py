"""Keeping what an agent has not pushed: facts about a workspace, and its rescue.

The tree of a rescue commit is the work tree with everything new that is not ignored; its parents
are HEAD, then a commit of the index when that differs from HEAD, then every other tip with commits
that the remote does not have (branches, stashes). Its message says which is which.

The workspace is only read. Git runs in a scratch repository of ours (`scratch`), never with the
agent's `.git` as its git dir, so that nothing an agent has configured there is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from symphony_cli.adapters import gitfolder, rescuestore
from symphony_cli.adapters.rescuenote import Described, essence, message
from symphony_cli.adapters.rescuestore import REFS, ref_part
from symphony_cli.adapters.scratch import EMPTY_TREE, Scratch, scratch
from symphony_cli.adapters.survey import Files, History, history, ignored, reachable, uncommitted
from symphony_cli.core.run import Brief, GitFacts, Order
from symphony_cli.errors import SymphonyError, WorkspaceError

MOST_NAMED = 200
"""So many dirty files are named in a verdict; it goes into a prompt."""

MOST_IGNORED = 20
"""So many ignored files and folders are named, in a verdict and in a rescue."""

NO_COMMITS = EMPTY_TREE
"""The base of a repository that has no commit yet, as `git diff` names it. Without any base it is
not known what was there before, and no commit counts as new."""

_BRANCH = "refs/heads/rescue"
_INDEX_DATE = "@0 +0000"
"""The commit of an index is the same whenever it is made, so that a rescue can be recognised."""
_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master")


@dataclass(frozen=True, slots=True)
class Site:
    """One issue's workspace: what is asked about, and where its rescues go."""

    root: Path
    key: str
    workspace: Path
    base: str = ""
    """The commit that HEAD was at when the run began; `NO_COMMITS`, or nothing when unknown."""
    most: int = 200_000_000
    """`workspace.rescue_max_bytes`: more work than this is not copied."""
    scope: str = ""
    """The tracker that the issue comes from."""


def site(order: Order, brief: Brief) -> Site:
    """The workspace that a run worked in."""
    settings = order.settings.workspace
    root = Path(os.path.realpath(settings.root))
    most = settings.rescue_max_bytes
    scope = order.settings.tracker.scope
    return Site(root, order.key, Path(brief.workspace), brief.base, most, scope)


def gather(where: Site) -> GitFacts:
    """What is in the workspace; changes nothing, keeps nothing.

    Never raises for what an agent did: `kept_because` then says what was in the way.
    """
    return _examine(where, None)


def rescue(where: Site, now: datetime) -> GitFacts:
    """What is in the workspace, after keeping what would be lost with it.

    `rescue` names the ref that keeps it; nothing is made when the remote has everything, and the
    last ref is named again when it keeps the same. `kept_because` says why it could not be kept:
    then the workspace must stay. Workspace, index, refs and reflogs are only read.
    """
    return _examine(where, now)


def _examine(where: Site, now: datetime | None) -> GitFacts:
    facts = GitFacts()
    try:
        folder = gitfolder.git_folder(where.workspace)
        with scratch(where.root, where.key, where.workspace, folder) as place:
            past = history(place, folder)
            found = uncommitted(place, past.head.commit, where.most)
            facts = _facts(place, past, found, where.base)
            if now is not None and _has_something(past, found):
                note = _note(where, place, past, found, facts.ignored)
                facts = replace(facts, rescue=_keep(where, place, past, found, note, now))
            return facts
    except SymphonyError as error:
        return replace(facts, kept_because=str(error))
    except OSError as error:
        return replace(facts, kept_because=f"it cannot be read: {error}")


def _has_something(past: History, found: Files) -> bool:
    return bool(past.unpushed or found.nested) or not found.are_clean


def _facts(place: Scratch, past: History, found: Files, base: str) -> GitFacts:
    head = past.head.commit
    default = next(
        (c for ref in _DEFAULT_BRANCHES if (c := past.refs.get(f"refs/remotes/{ref}"))), ""
    )
    return GitFacts(
        branch=past.head.branch,
        head=head,
        commits=_count(place, head, base),
        commits_ahead=_count(place, head, default),
        dirty_files=_named(found.dirty, MOST_NAMED),
        diffstat=_diffstat(place, found),
        tree=found.tree,
        ignored=_named(ignored(place), MOST_IGNORED),
    )


def _count(place: Scratch, head: str, since: str) -> int:
    """Commits of `head` that `since` does not have; none when nobody knows that commit."""
    if not head or not since:
        return 0
    if since == NO_COMMITS:
        return len(reachable(place, [head], []))
    known = place.git("rev-parse", "--quiet", "--verify", f"{since}^{{commit}}", accept=(0, 1))
    return len(reachable(place, [head], [since])) if known else 0


def _named(paths: Sequence[bytes], most: int) -> tuple[str, ...]:
    names = tuple(path.decode("utf-8", "replace") for path in paths[:most])
    more = len(paths) - len(names)
    return (*names, f"… and {more} more") if more else names


def _diffstat(place: Scratch, found: Files) -> str:
    """A short picture of the uncommitted work, as git-diff(1) --stat draws it."""
    if not found.stored:
        return f"{len(found.dirty)} files, {found.size} bytes in those that are changed or new"
    out = place.git(
        "diff-tree", "-r", "--stat=100", "--stat-count=20", "--no-ext-diff", "--no-textconv",
        "--no-renames", found.head_tree, found.tree,
    )  # fmt: skip
    return out.decode("utf-8", "replace").rstrip()


def _keep(
    where: Site, place: Scratch, past: History, found: Files, note: Described, now: datetime
) -> str:
    """Make the rescue commit, check its size, and publish it; the ref.

    Raises:
        SymphonyError: it cannot be kept; the text is the reason.
    """
    if found.nested:
        inside = os.fsdecode(found.nested[0]).rstrip("/")
        raise WorkspaceError(f"it has a repository of its own inside, {inside}")
    _check_size("changed and new files have", found.size, where.most)
    commit = _commit(where.key, place, found, note, now)
    _check_size("unpushed work has", _size(place, commit, past.remotes), where.most)
    with rescuestore.opened(where.root) as store:
        last, ours = store.last(where.key), store.newest(where.key, where.scope)
        made = place.git("cat-file", "commit", commit)
        if ours and essence(store.commit(ours)) == essence(made):
            store.prove(ours)
            return ours
        ref = f"{REFS}/{ref_part(where.key)}/{rescuestore.number(last) + 1}"
        place.git("update-ref", _BRANCH, commit)
        edge = reachable(place, [commit], past.remotes, "--boundary")
        place.cut_history([line[1:] for line in edge if line.startswith("-")])
        store.publish(place.git_dir, _BRANCH, commit, ref)
        return ref


def _check_size(what: str, size: int, most: int) -> None:
    if size > most:
        raise WorkspaceError(
            f"its {what} {size} bytes, more than the {most} of workspace.rescue_max_mb"
        )


def _size(place: Scratch, commit: str, remotes: Sequence[str]) -> int:
    """Bytes, packed, of what `commit` has and the remote has not."""
    lines = [commit, *(f"^{name}" for name in remotes)]
    data = "".join(f"{line}\n" for line in lines).encode()
    return int(place.git("rev-list", "--objects", "--disk-usage", "--stdin", data=data))


def _note(
    where: Site, place: Scratch, past: History, found: Files, names: Sequence[str]
) -> Described:
    """What the message of the rescue will say, but for the commit of the index."""
    head = past.head.commit
    tips = _other_tips(place, past)
    named = {commit for commit in (head, *(commit for _, commit in tips)) if commit}
    lines = reachable(place, named, past.remotes, "--boundary")
    edges = {line[1:] for line in lines if line.startswith("-")} | (named - past.unpushed)
    return Described(
        head=head,
        branch=past.head.branch,
        tips=tips,
        scope=where.scope,
        unpushed=len(reachable(place, [head], past.remotes)) if head else 0,
        changed=len(found.dirty),
        edges=tuple(sorted(edges)),
        ignored=tuple(names),
    )


def _commit(key: str, place: Scratch, found: Files, note: Described, now: datetime) -> str:
    index = ""
    if found.index_tree not in ("", found.head_tree):
        index = _new_commit(place, found.index_tree, [note.head], b"Index\n", _INDEX_DATE)
    parents = [note.head, index, *(commit for _, commit in note.tips)]
    date = f"@{int(now.timestamp())} +0000"
    text = message(key, replace(note, index=index))
    return _new_commit(place, found.tree, parents, text, date)


def _other_tips(place: Scratch, past: History) -> tuple[tuple[str, str], ...]:
    """Tips with unpushed commits that HEAD does not lead to, each commit once."""
    head = [past.head.commit] if past.head.commit else []
    left: dict[str, str] = {}
    for name, commit in past.tips.items():
        if commit in past.unpushed:
            left.setdefault(commit, name)
    beyond = reachable(place, left, head)
    return tuple(sorted((name, commit) for commit, name in left.items() if commit in beyond))


def _new_commit(place: Scratch, tree: str, parents: Sequence[str], text: bytes, date: str) -> str:
    """A commit by Symphony; empty names among `parents` are passed over."""
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Symphony"), ("EMAIL", "symphony@localhost"), ("DATE", date))
    }
    options = [word for parent in parents if parent for word in ("-p", parent)]
    out = place.git("commit-tree", tree, *options, data=text, variables=who)
    return out.decode().strip()
