"""Whether the work on an issue's branch is merged already (row T8).

The work is what the branch's tip leads to and neither the commit it began at, nor a tip that a
person accepted. It is merged when

* the trunk leads to the tip: a merge commit, or a fast-forward; or
* one commit of the trunk changes what all of the work changes: a squash; or
* each commit of the work has one in the trunk that changes the same: a rebase.

A branch without work is not merged, nor is one that merely took in the trunk: where the tip is a
commit of the trunk itself, only the workspace's reflog knows whether the trunk was brought to the
branch or the branch to the trunk. Work that was reverted later was merged, and counts as merged.

Patches are compared as in `patches`. So a squash whose surroundings changed meanwhile is not
found, and the work goes on; of the trunk the newest commits are looked at (`MOST_LOOKED_AT`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.adapters import gitfolder, patches
from symphony_cli.adapters.gitstore import NO_COMMITS, Site
from symphony_cli.adapters.scratch import Scratch, scratch
from symphony_cli.adapters.trunk import Remote, Trunk, has, locate, seek
from symphony_cli.core.run import Merged
from symphony_cli.errors import SymphonyError

MOST_LOOKED_AT = 5000
"""Commits of the trunk, and of the branch, whose files are compared; the newest."""

MOST_COMPARED = 500
"""Commits of the trunk with the same files, whose patches are compared; the newest."""

_MOST = f"--max-count={MOST_LOOKED_AT}"
_MOST_IDLE = 50
_LIMIT = (
    f" Only the newest {MOST_LOOKED_AT} commits were looked at, and of those that change the same"
    f" files the newest {MOST_COMPARED}."
)
_LARGE_FILE = "16m"
"""Of a larger file it is compared whether it is the same, not in which lines it changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a merge. Never is an issue held back for what is not known."""

    merged: str = ""
    """Where the work is and how it came there, in words; nothing when it is not merged."""
    note: str = ""
    """What kept us from knowing more, as a sentence."""


def find_merged(where: Site, known: Merged, remote: Remote) -> Finding:
    """Whether the work up to `known.tip` is merged; never raises for what an agent did."""
    if known.tip in ("", known.began, known.accepted) or not known.began:
        return Finding()
    try:
        folder = gitfolder.git_folder(where.workspace)
        with scratch(where.root, where.key, where.workspace, folder) as place:
            place.git("config", "core.bigFileThreshold", _LARGE_FILE)
            return _found(place, folder, where.root, known, remote)
    except (SymphonyError, OSError) as error:
        why = str(error).rstrip(".")
        return Finding(note=f"It is not known whether {known.tip[:12]} is merged: {why}.")


def _found(place: Scratch, folder: Path, root: Path, known: Merged, remote: Remote) -> Finding:
    tip = known.tip[:12]
    there, trouble = locate(place, folder, remote)
    told = f" The remote could not be asked: {trouble}." if trouble else ""
    if there is None:
        return Finding(note=f"It is not known whether {tip} is merged: into what is not.{told}")
    needed = [name for name in (known.tip, known.began) if name != NO_COMMITS]
    if not all(seek(place, name, root, remote if there.is_fresh else None) for name in needed):
        return Finding(note=f"It is not known whether {tip} is merged: it is gone.{told}")
    into = there.name if there.is_fresh else f"{there.name} as it was last fetched"
    way, limit = _way(place, gitfolder.made_here(folder), known, there)
    if way:
        return Finding(f"its branch's work up to {tip} is already in {into} ({way})", told.strip())
    return Finding(note=f"Not seen in {into}: {tip}.{limit}{told}" if limit or told else "")


def _way(place: Scratch, made_here: frozenset[str], known: Merged, there: Trunk) -> tuple[str, str]:
    """How the work came into the trunk, or nothing; and a limit that was met on the search."""
    before = [] if known.began == NO_COMMITS else [known.began]
    if known.accepted and has(place, known.accepted):
        before.append(known.accepted)
    tip = _last_work(place, known.tip, there.commit)
    if not _leads_to(place, there.commit, tip):
        return _by_patches(place, tip, before, there.commit)
    work = _listed(place, [tip], before, "--no-merges")
    if _was_trunk(place, tip, there.commit):
        work = [commit for commit in work if commit in made_here]
    changes = any(patches.files_of(place, work[:MOST_LOOKED_AT]).values())
    return (f"{there.commit[:12]} leads to it" if changes else ""), ""


def _leads_to(place: Scratch, commit: str, other: str) -> bool:
    return not _listed(place, [other], [commit], "--max-count=1")


def _was_trunk(place: Scratch, tip: str, trunk: str) -> bool:
    """Whether a commit that the trunk leads to was once the trunk itself."""
    out = place.git("rev-list", "--first-parent", trunk, "--not", f"{tip}^@")
    return tip in out.decode().split()


def _last_work(place: Scratch, tip: str, trunk: str) -> str:
    """The tip without what adds nothing at its end: empty commits, and merges of a trunk that had
    all of the work."""
    for _ in range(_MOST_IDLE):
        parents = place.line("rev-list", "--parents", "--max-count=1", tip).split()[1:]
        base = parents[0] if len(parents) == 1 else _fork(place, tip, trunk)
        is_idle = parents and base and not patches.files_between(place, base, tip)
        if not is_idle or _leads_to(place, trunk, tip):
            break
        tip = parents[0]
    return tip


def _by_patches(place: Scratch, tip: str, before: Sequence[str], trunk: str) -> tuple[str, str]:
    work = _listed(place, [tip], [*before, trunk], "--no-merges", _MOST)
    ours = {name: files for name, files in patches.files_of(place, work).items() if files}
    if not ours:
        return "", ""
    bases = [base for base in (_fork(place, tip, trunk), *before) if base]
    whole = {base: patches.files_between(place, base, tip) for base in bases}
    seen = _listed(place, [trunk], [tip], "--no-merges", _MOST)
    wanted = {*ours.values(), *whole.values()}
    alike = [name for name, files in patches.files_of(place, seen).items() if files in wanted]
    theirs = {text: name for name, text in patches.prints_of(place, alike[:MOST_COMPARED])}
    for base in bases:
        if whole[base] and (one := theirs.get(patches.print_between(place, base, tip))):
            return f"squash-merged as {one[:12]}", ""
    rebased = _rebased(place, [name for name in work if name in ours], theirs)
    merges = _listed(place, [tip], [*before, trunk], "--merges", _MOST)
    if rebased and not patches.merges_add(place, merges):
        return f"rebased, its last commit as {rebased[:12]}", ""
    met = max(len(work), len(seen)) == MOST_LOOKED_AT or len(alike) > MOST_COMPARED
    return "", _LIMIT if met else ""


def _rebased(place: Scratch, work: Sequence[str], theirs: dict[str, str]) -> str:
    """The trunk's counterpart of the newest commit, when each one has a counterpart."""
    newest = ""
    for _, text in patches.prints_of(place, work):
        if text not in theirs:
            return ""
        newest = newest or theirs[text]
    return newest


def _fork(place: Scratch, one: str, other: str) -> str:
    """Where two commits parted; nothing when they have no history together."""
    return place.git("merge-base", one, other, accept=(0, 1)).decode().strip()


def _listed(
    place: Scratch, tips: Sequence[str], without: Sequence[str], *options: str
) -> list[str]:
    """Commits that lead to `tips` and not to `without`, the newest first."""
    data = "".join(f"{line}\n" for line in (*tips, *(f"^{name}" for name in without))).encode()
    return place.git("rev-list", *options, "--stdin", data=data).decode().split()
