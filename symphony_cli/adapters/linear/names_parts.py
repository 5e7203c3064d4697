"""Names as parts of the tick's one document: all anew, or only the labels that are new.

What reads names out of an answer is imported when there are any: an idle tick has none to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.adapters.linear.documents import connection
from symphony_cli.adapters.linear.exchange import Answer, Asks
from symphony_cli.adapters.linear.names import Label, Names
from symphony_cli.adapters.linear.names_documents import (
    LABEL_FIELDS,
    LABELS_SINCE_PART,
    PART,
    part_values,
    since_values,
)
from symphony_cli.adapters.linear.names_documents import Part as Text
from symphony_cli.core.shape import Json

ALL_POINTS = 3_109.0
NEW_LABELS_POINTS = 370.0
LABEL_POINTS = 1 + 4 * 0.1 + 1.1


@dataclass(frozen=True, slots=True)
class Where:
    """Whose names are meant: an address, a project, a key; and when."""

    endpoint: str
    project: str
    account: str
    now: datetime


def _declared(text: Text) -> dict[str, str]:
    pairs = (part.split(":") for part in text.declares.split(","))
    return {name.strip().removeprefix("$"): kind.strip() for name, kind in pairs}


@dataclass(slots=True)
class AllNames:
    """Everything that has a name, in one go."""

    where: Where
    data: Mapping[str, Json] = field(default_factory=dict)

    def text(self) -> str:
        """The selection."""
        return PART.selects

    def declared(self) -> Mapping[str, str]:
        """The slug, and what follows its last dash."""
        return _declared(PART)

    def variables(self) -> Mapping[str, Json]:
        """Their values."""
        return part_values(self.where.project)

    def points(self) -> float:
        """What it costs."""
        return ALL_POINTS

    @property
    def more(self) -> bool:
        """Further pages are asked for by `names`."""
        return False

    def take(self, data: Mapping[str, Json]) -> None:
        """Keep the answer."""
        self.data = data

    def names(self, asks: Asks, date: datetime | None, before: Names | None = None) -> Names:
        """The names in the answer; what did not fit into it is asked for. Labels that are not to
        be had are those of `before`.

        Raises:
            ConfigError: the project is not there.
            TrackerError: no answer, or none that can be understood.
        """
        from symphony_cli.adapters.linear.names_read import from_answer

        where = self.where
        answer = Answer(self.data, date)
        question = where.endpoint, where.project, where.now
        return from_answer(asks, answer, *question, account=where.account, before=before)


@dataclass(slots=True)
class NewLabels:
    """Labels that are new or renamed since the names were read."""

    before: Names
    data: Mapping[str, Json] = field(default_factory=dict)

    def text(self) -> str:
        """The selection."""
        return LABELS_SINCE_PART.selects

    def declared(self) -> Mapping[str, str]:
        """Since when."""
        return _declared(LABELS_SINCE_PART)

    def variables(self) -> Mapping[str, Json]:
        """The same with its value."""
        return since_values(self.before)

    def points(self) -> float:
        """What it costs."""
        return NEW_LABELS_POINTS

    @property
    def more(self) -> bool:
        """Further pages are asked for by `names`."""
        return False

    def take(self, data: Mapping[str, Json]) -> None:
        """Keep the answer."""
        self.data = data

    def names(self, asks: Asks, date: datetime | None) -> Names:
        """The names with what is new, as far as it is to be had.

        Raises:
            TrackerError: the answer cannot be understood.
        """
        if not connection(self.data, "names_new_labels")[0]:
            return self.before
        from symphony_cli.adapters.linear.names_read import labels_since

        return labels_since(asks, Answer(self.data, date), self.before)


@dataclass(slots=True)
class LabelsById:
    """Labels that an issue carries and nobody told us of."""

    ids: Sequence[str]
    nodes: list[Json] = field(default_factory=list)

    def text(self) -> str:
        """The selection."""
        return (
            f"labels: issueLabels(first: {len(self.ids)}, includeArchived: true, "
            f"filter: {{ id: {{ in: $labels_ids }} }}) {{ nodes {{ {LABEL_FIELDS} }} }}"
        )

    def declared(self) -> Mapping[str, str]:
        """The ids."""
        return {"labels_ids": "[ID!]!"}

    def variables(self) -> Mapping[str, Json]:
        """Their values."""
        return {"labels_ids": list(self.ids)}

    def points(self) -> float:
        """All labels that may come."""
        return len(self.ids) * LABEL_POINTS

    @property
    def more(self) -> bool:
        """It has one page."""
        return False

    def take(self, data: Mapping[str, Json]) -> None:
        """Its rows."""
        self.nodes, _ = connection(data, "labels")

    def labels(self) -> list[Label]:
        """A label for each id. One that the key may not see has no name, and is not looked for
        again before all names are read anew."""
        from symphony_cli.adapters.linear.names_rows import LabelRow, label_of
        from symphony_cli.adapters.linear.wire import rows

        seen = [label_of(row) for row in rows(LabelRow, self.nodes, "labels")]
        hidden = set(self.ids).difference(label.id for label in seen)
        return [*seen, *(Label(label, "") for label in sorted(hidden))]
