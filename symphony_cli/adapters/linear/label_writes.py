"""Labels, set and taken off by delta, so that what people do to other labels meanwhile stays.

A label lives in a team or in the workspace, and its name is unique without case among those that a
team sees. One request does it when the names we have will do; else one look-up, and once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape, unescape

from symphony_cli.adapters.linear.exchange import Answer, Complaint
from symphony_cli.adapters.linear.names import Label, Names, Team, with_all_called, with_labels
from symphony_cli.adapters.linear.names_rows import LabelPage, LabelRow, label_of
from symphony_cli.adapters.linear.pages import PageInfo, further, parsed
from symphony_cli.adapters.linear.write_access import (
    Access,
    confirm,
    final,
    refusal,
    refusing,
    uuid_of,
)
from symphony_cli.adapters.linear.write_documents import (
    ADD_LABELS,
    LOOK_UP,
    MAKE_LABEL,
    REMOVE_LABELS,
    Carrier,
)
from symphony_cli.core.issue import norm
from symphony_cli.errors import TrackerError, WriteRefused


@dataclass(frozen=True, slots=True)
class LookedUp:
    """An issue's team, the labels it carries, and all labels of one name, whoever has them."""

    team: Team
    carried: frozenset[str]
    labels: tuple[Label, ...]

    @property
    def fitting(self) -> Label | None:
        """The one that the issue may carry."""
        return next((label for label in self.labels if label.fits(self.team.id)), None)


def add(access: Access, issue: str, label: str) -> None:
    """Set a label; make it in the issue's team when nobody has one of that name.

    Raises:
        WriteRefused: the issue is gone, the name is that of a group, or we lack a right.
        TrackerError: no answer, or a label that exists and cannot be seen yet.
    """
    name = _name(label)
    cannot = f"The label {name!r} cannot be set"
    known = _at_hand(access.names(), name)
    if known is not None:
        try:
            _put(access, issue, known.id)
            return
        except Complaint as complaint:
            if final(complaint):
                raise refusal(complaint, cannot) from complaint
    with refusing(cannot):
        seen = _look_up(access, issue, name)
        fitting = seen.fitting
        if fitting is not None:
            _put(access, issue, fitting.id)
        else:
            _make_and_put(access, issue, name, seen)


def remove(access: Access, issue: str, label: str) -> None:
    """Take a label off, in whatever case it is spelled and whoever has it. One that is not set, or
    that nobody knows, is off already.

    Raises:
        WriteRefused: the issue is gone, or we lack a right.
        TrackerError: no answer.
    """
    name = _name(label)
    cannot = f"The label {name!r} cannot be taken off"
    known = [found.id for found in access.names().labels_called(name) if not found.group]
    if known:
        try:
            _take_off(access, issue, known)
            return
        except Complaint as complaint:
            if final(complaint):
                raise refusal(complaint, cannot) from complaint
    with refusing(cannot):
        seen = _look_up(access, issue, name)
        on = [
            found.id
            for found in seen.labels
            if found.id in seen.carried or found.fits(seen.team.id)
        ]
        if on:
            _take_off(access, issue, on)


def _name(label: str) -> str:
    name = " ".join(label.encode("utf-8", "replace").decode().split())
    if not name:
        raise WriteRefused("An empty label is none: name one.")
    return name


def _at_hand(names: Names, name: str) -> Label | None:
    """The label that will do whatever the issue's team, as far as we know."""
    usable = [label for label in names.labels_called(name) if label.fits(label.team)]
    for label in usable:
        if not label.team or (names.only_team is not None and label.team == names.only_team.id):
            return label
    return None


def _look_up(access: Access, issue: str, name: str) -> LookedUp:
    def ask(after: str | None) -> Answer:
        values = {"issue": issue, "name": name, "escaped": escape(name, quote=False)}
        return access.ask("WriteLookUp", LOOK_UP, {**values, "after": after})

    def fetch(after: str) -> tuple[tuple[LabelRow, ...], PageInfo]:
        more = parsed(LabelPage, ask(after).data, "issueLabels")
        return more.nodes, more.pageInfo

    answer = ask(None)
    page = parsed(LabelPage, answer.data, "issueLabels")
    carrier = parsed(Carrier, answer.data, "issue")
    rows = (*page.nodes, *further(page.pageInfo, fetch, "labels"))
    labels = tuple(label for label in map(label_of, rows) if norm(label.name) == norm(name))
    access.learn(lambda names: with_all_called(names, name, labels))
    team = replace(carrier.team, name=unescape(carrier.team.name))
    return LookedUp(team, frozenset(carrier.labelIds), labels)


def _make_and_put(access: Access, issue: str, name: str, seen: LookedUp) -> None:
    _refuse_group(name, seen)
    # An id that an archived label of that name has already would be refused for ever.
    spent = sorted(label.id for label in seen.labels if label.archived)
    mine = uuid_of("label", seen.team.id, norm(name), *spent)
    try:
        _put(access, issue, _make(access, mine, seen.team, name))
        return
    except Complaint as complaint:
        if not complaint.exists:
            raise
    _put_existing(access, issue, name, mine)


def _make(access: Access, label: str, team: Team, name: str) -> str:
    """Make a label in a team; its id.

    Raises:
        Complaint: the name or the id exists already, or else.
        WriteRefused: we may not.
    """
    values = {"id": label, "team": team.id, "name": name}
    try:
        answer = access.ask("WriteMakeLabel", MAKE_LABEL, values)
    except Complaint as complaint:
        if not complaint.forbidden:
            raise
        raise WriteRefused(
            f"There is no label {name!r}, and the tracker's key may not make labels in the team "
            f"{team.name} ({team.key}): an owner of the team must make it, there or in the "
            "workspace."
        ) from complaint
    confirm(answer, "issueLabelCreate")
    made = label_of(parsed(LabelRow, answer.data, "issueLabelCreate", "issueLabel"))
    access.learn(lambda names: with_labels(names, [made]))
    return made.id


def _put_existing(access: Access, issue: str, name: str, mine: str) -> None:
    """Set a label of which Linear said that it exists: somebody made it just now, or we did, and
    the answer was lost."""
    seen = _look_up(access, issue, name)
    _refuse_group(name, seen)
    fitting = seen.fitting
    if fitting is not None:
        _put(access, issue, fitting.id)
        return
    if seen.labels:
        raise WriteRefused(
            f"The label {name!r} exists already in Linear, archived or in a team where issues of "
            f"{seen.team.name} ({seen.team.key}) cannot use it: restore it, or make it a label of "
            "the workspace."
        )
    try:
        _put(access, issue, mine)
    except Complaint as complaint:
        if final(complaint):
            raise
        raise TrackerError(
            f"Linear says that a label {name!r} exists and does not show it yet: it is tried "
            "again later."
        ) from complaint


def _refuse_group(name: str, seen: LookedUp) -> None:
    if any(replace(label, group=False).fits(seen.team.id) for label in seen.labels if label.group):
        raise WriteRefused(
            f"{name!r} is a group of labels in Linear, and groups cannot be set on issues: rename "
            "the group, or name one of the labels in it."
        )


def _put(access: Access, issue: str, label: str) -> None:
    values = {"issue": issue, "labels": [label]}
    answer = access.ask("WriteAddLabel", ADD_LABELS, values)
    confirm(answer, "issueUpdate")


def _take_off(access: Access, issue: str, labels: Iterable[str]) -> None:
    values = {"issue": issue, "labels": list(labels)}
    answer = access.ask("WriteRemoveLabel", REMOVE_LABELS, values)
    confirm(answer, "issueUpdate")
