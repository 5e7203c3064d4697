"""The message of a rescue commit: which issue and branch it is of, and what its parents are.

    Rescue of KEY

    head COMMIT BRANCH
    scope "the tracker that the issue comes from"
    index COMMIT
    tip COMMIT NAME
    count UNPUSHED CHANGED
    edge COMMIT
    ignored "a path"

All but `head` may be absent; `tip`, `edge` and `ignored` may come again. A word that a reader does
not know is passed over, so that older and newer versions read each other's rescues.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

MOST_EDGES = 100
"""A branch with more merges of the remote's than this names the first ones only."""

_ABOUT_THE_DAY = (b"author ", b"committer ", b"count ", b"edge ", b"ignored ")
"""Who and when, what was pushed by then, and what is left out anyhow."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the message of a rescue says."""

    head: str = ""
    branch: str = ""
    index: str = ""
    tips: tuple[tuple[str, str], ...] = ()
    """Name and commit of every other tip."""
    scope: str = ""
    """The tracker that the issue comes from."""
    unpushed: int | None = None
    """Commits that HEAD led to and the remote did not have; None where an older version kept."""
    changed: int | None = None
    """Files that were not committed; None as above."""
    edges: tuple[str, ...] = ()
    """The newest commits of the remote that the rescue builds on."""
    ignored: tuple[str, ...] = ()
    """Ignored files and folders that were left out; the last entry may say how many more."""
    key: str = ""


def message(key: str, facts: Described) -> bytes:
    """The message of a rescue commit."""
    lines = [f"Rescue of {key}", "", f"head {facts.head or '-'} {facts.branch}".rstrip()]
    lines += [f"scope {json.dumps(facts.scope)}"] if facts.scope else []
    lines += [f"index {facts.index}"] if facts.index else []
    lines += [f"tip {commit} {name}" for name, commit in facts.tips]
    if facts.unpushed is not None:
        lines.append(f"count {facts.unpushed} {facts.changed or 0}")
    lines += [f"edge {commit}" for commit in facts.edges[:MOST_EDGES]]
    lines += [f"ignored {json.dumps(name)}" for name in facts.ignored]
    # A ref that no git would make may have a line break in its name, and would forge lines.
    safe = (line.replace("\n", "?").replace("\0", "?") for line in lines)
    return "\n".join(safe).encode("utf-8", "surrogateescape") + b"\n"


def described(commit: bytes) -> Described:
    """Read back what `message` wrote, from a whole commit object; all else is passed over."""
    text = commit.partition(b"\n\n")[2].decode("utf-8", "surrogateescape")
    first, *lines = text.split("\n")
    said: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    head, _, branch = _one(said, "head").partition(" ")
    unpushed, _, changed = _one(said, "count").partition(" ")
    tips = (tip.partition(" ") for tip in said.get("tip", ()))
    return Described(
        head=head.strip("-"),
        branch=branch,
        index=_one(said, "index"),
        tips=tuple((name, commit) for commit, _, name in tips),
        scope=_unquoted(_one(said, "scope")),
        unpushed=int(unpushed) if unpushed.isdecimal() else None,
        changed=int(changed) if changed.isdecimal() else None,
        edges=tuple(said.get("edge", ())),
        ignored=tuple(map(_unquoted, said.get("ignored", ()))),
        key=first.removeprefix("Rescue of "),
    )


def _one(said: dict[str, list[str]], word: str) -> str:
    return said.get(word, [""])[0]


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def essence(commit: bytes) -> bytes:
    """A commit object without what may differ though it keeps the same work."""
    lines = commit.split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(_ABOUT_THE_DAY))
