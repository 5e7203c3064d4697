"""Labels: whose names are taken, and which may stand on an issue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.linear.complaints import refused
from tests.fakes.linear.store import Row, Store


def make_label(store: Store, name: str, team: Row | None, id: str | None = None, **set: Any) -> Row:
    """A new label, of a team or (None) of the workspace.

    Raises:
        Refusal: the name is taken. Names differ without regard to case, and a label of the
        workspace
            takes the name from every team (measured).
    """
    for row in store.all("IssueLabel"):
        taken = row["name"].casefold() == name.casefold()
        if taken and (row["team"] is None or team is None or row["team"] is team):
            where = f"team {row['team']['name']}" if row["team"] else "the workspace"
            raise refused(
                "Duplicate label name", f'Label "{row["name"]}" already exists in {where}.'
            )
    blank = {"color": "#bec2c8", "description": None, "isGroup": False, "parent": None}
    told = {key: value for key, value in set.items() if value is not None}
    new = {"creator": None, **blank, **told, "name": name, "team": team}
    return store.add("IssueLabel", new, id)


def check_labels(team: Row, labels: Sequence[Row]) -> None:
    """
    Raises:
        Refusal: one of these cannot stand on an issue of this team: another team's, a group, or a
            second one of a group (measured).
    """
    taken: dict[str, str] = {}
    for label in labels:
        name = label["name"]
        if label["team"] not in (None, team):
            said = f"The label '{name}' is not associated with the same team as the issue."
            raise refused("LabelIds for incorrect team", said)
        if label["isGroup"]:
            said = f"The label '{name}' is a group and cannot be applied directly."
            raise refused("LabelIds contain a group label", said)
        if label["parent"] is not None:
            other = taken.setdefault(label["parent"]["id"], name)
            if other != name:
                said = f"The labels '{other}' and '{name}' are of one group, which allows one."
                raise refused("LabelIds not exclusive child labels", said)
