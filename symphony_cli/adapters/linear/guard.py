"""Judge a GraphQL document that an agent wants to send: allowed, or a sentence why not (row R5).

Queries are free. A mutation is allowed when every root field of its document is in the table of
`agent_writes` and changes only what is within reach: the run's own issue, or any issue of the
project. What cannot be seen in the document itself (which issue a comment is on, which project
another issue is in) is handed back as targets to confirm before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symphony_cli.adapters.linear.agent_document import Call, Unreadable, read
from symphony_cli.adapters.linear.agent_writes import ADVICE, WRITES, Role, Write
from symphony_cli.core.shape import Json

MOST_TARGETS = 50
"""So many things one call may need to have confirmed; Linear takes no more in a batch either."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*-[0-9]+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an agent's own changes may go: `writes` is `issue`, `project` or `off`.

    `aliases` are identifiers that its issue had before.
    """

    writes: str
    id: str
    identifier: str
    aliases: tuple[str, ...] = ()

    def is_own(self, name: str) -> bool:
        """Whether this is a name of the run's own issue."""
        own = (self.id, self.identifier, *self.aliases)
        return name.isascii() and name.lower() in {each.lower() for each in own if each}

    @property
    def own(self) -> str:
        """How the model may name its issue."""
        return f"{self.identifier} (id {self.id})"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Something that has to be looked up before a mutation may be sent."""

    role: Role
    id: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The document may be sent, once all targets are found to be within reach."""

    kind: str
    operation: str = ""
    confirm: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The document must not be sent; the sentence tells the model why and what it may do."""

    sentence: str


class _No(ValueError):
    """Why one part of a mutation is refused."""


def judge(document: str, variables: Mapping[str, Json], reach: Reach) -> Allowed | Refused:
    """Whether an agent may send this document with these variables. Never raises."""
    try:
        operation = read(document, variables)
        if operation.kind == "query":
            return Allowed("query", operation.name)
        if operation.kind == "subscription":
            raise _No("Subscriptions are never allowed; send one query or mutation.")
        if reach.writes == "off":
            raise _No(
                "Changes by agents are switched off here (`tracker.tool_writes: off`). "
                "Queries are allowed."
            )
        targets = {target for call in operation.calls for target in _targets(call, reach)}
    except (Unreadable, _No) as error:
        return Refused(str(error))
    if len(targets) > MOST_TARGETS:
        return Refused(
            f"The mutation is about {len(targets)} things; at most {MOST_TARGETS} are allowed "
            "at once."
        )
    return Allowed("mutation", operation.name, tuple(sorted(targets)))


def _targets(call: Call, reach: Reach) -> Iterator[Target]:
    """What has to be confirmed for one root field.

    Raises:
        _No: it is not allowed.
    """
    if call.field == "__typename":
        return
    write = _entry(call.field, reach)
    given = _flat(call)
    for path, value in given.items():
        if path not in write.members:
            raise _No(_not_a_member(call.field, path, write))
        yield from _member(call.field, path, value, write.members[path], reach)
    if write.targets and all(given.get(path) is None for path in write.targets):
        names = " or ".join(f"`{path}`" for path in write.targets)
        hint = f"; yours is {reach.own}" if Role.ISSUE in write.members.values() else ""
        raise _No(
            f"`{call.field}` does not say what it is for: give {names}{hint}. "
            "A variable without a value counts as missing."
        )
    if write.by_type:
        yield from _ends(call.field, given, write, reach)


def _entry(name: str, reach: Reach) -> Write:
    write = WRITES.get(name)
    possible = sorted(
        each
        for each, entry in WRITES.items()
        if reach.writes == "project" or not entry.project_only
    )
    if write is not None and name in possible:
        return write
    when = (
        "is allowed only with `tracker.tool_writes: project`, which the operator has not set"
        if write is not None
        else "is never allowed through this tool"
    )
    raise _No(f"`{name}` {when}. Allowed mutations: {', '.join(possible)}.")


def _flat(call: Call) -> dict[str, Json]:
    """The arguments by their paths: `id`, `input.title`."""
    given: dict[str, Json] = {}
    for name, value in call.arguments.items():
        if name != "input":
            given[name] = value
        elif isinstance(value, dict):
            given.update({f"input.{member}": inner for member, inner in value.items()})
        else:
            raise _No(f"The `input` of `{call.field}` must be an object.")
    return given


def _not_a_member(field: str, path: str, write: Write) -> str:
    name = path.removeprefix("input.")
    if name in ADVICE:
        return f"`{field}` may not set `{name}`: {ADVICE[name]}."
    known = ", ".join(sorted(member.removeprefix("input.") for member in write.members))
    return f"`{field}` may not set `{name}` here. It may be given: {known}."


def _member(field: str, path: str, value: Json, role: Role, reach: Reach) -> Iterator[Target]:
    if role is Role.FREE or value is None:
        return
    name = path.removeprefix("input.")
    if role is Role.NOT_TRUE:
        if value is not False:
            raise _No(f"`{field}` may not set `{name}`: {ADVICE[name]}.")
        return
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str) or not each:
            raise _No(f"`{name}` of `{field}` must be an id.")
        if role is Role.ISSUE:
            yield from _issue(field, each, reach)
        elif _UUID.fullmatch(each):
            yield Target(role, each.lower())
        else:
            raise _No(f"`{name}` of `{field}` must be a UUID, and {_short(each)} is none.")


def _issue(field: str, name: str, reach: Reach) -> Iterator[Target]:
    if reach.is_own(name):
        return
    if reach.writes != "project":
        raise _No(
            f"`{field}` is for {_short(name)}, and only your own issue may be changed: name it "
            f"{reach.own}. Only with `tracker.tool_writes: project`, which the operator has not "
            "set, could other issues of the project be changed."
        )
    if not _UUID.fullmatch(name) and not _IDENTIFIER.fullmatch(name):
        raise _No(f"{_short(name)} is neither the UUID nor the identifier of an issue.")
    yield Target(Role.ISSUE, name.lower() if _UUID.fullmatch(name) else name.upper())


def _ends(field: str, given: Mapping[str, Json], write: Write, reach: Reach) -> Iterator[Target]:
    """The end of a relation that is changed by it must be within reach (see `by_type`)."""
    kind = given.get("input.type")
    if not isinstance(kind, str) or kind not in write.by_type:
        raise _No(f"The `type` of `{field}` must be one of {', '.join(sorted(write.by_type))}.")
    paths = write.by_type[kind]
    ends = [given.get(path) for path in paths]
    names = [end for end in ends if isinstance(end, str) and end]
    if len(names) != len(paths):
        raise _No(f"`{field}` needs {' and '.join(f'`{path}`' for path in paths)}.")
    if any(reach.is_own(name) for name in names):
        return
    if reach.writes != "project":
        which = " or ".join(f"`{path.removeprefix('input.')}`" for path in paths)
        raise _No(
            f"A relation of the type {kind} changes the issue in {which}, which must be your own: "
            f"{reach.own}."
        )
    yield from _issue(field, names[0], reach)


def _short(text: str) -> str:
    """What the model wrote, as far as a sentence can bear it."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
