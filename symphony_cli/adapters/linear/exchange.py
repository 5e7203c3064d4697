"""What the rooms of this package say to each other about one request: errors, answers, urgency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from symphony_cli.core.shape import Json
from symphony_cli.errors import TrackerError


class Complaint(TrackerError):
    """Linear understood us and says no: a validation error, an entity that is not there, a name
    that exists already, a right that we lack. Asking again would not help."""

    def __init__(self, message: str, code: str = "", kind: str = "", presentable: str = "") -> None:
        said = presentable or message
        super().__init__(f"Linear refused the request: {said.rstrip('.')}.")
        self.message, self.code, self.kind = message, code, kind
        """`extensions.code` and `extensions.type` (facts: the type is the more stable one)."""
        self.presentable = presentable

    @property
    def not_found(self) -> bool:
        """The issue (or whatever it was) is not there, or not for us."""
        return self.message.startswith("Entity not found")

    @property
    def exists(self) -> bool:
        """Something with this id or name is there already."""
        text = f"{self.message} {self.presentable}".casefold()
        return "already exists" in text or "conflict on insert" in text or "duplicate" in text

    @property
    def forbidden(self) -> bool:
        """The key lacks the right."""
        return self.kind == "forbidden" or self.code == "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` of an answer without errors; the server's clock; and how many requests it took."""

    data: Mapping[str, Json]
    date: datetime | None = None
    requests: int = 1


class Asks(Protocol):
    """Sends one document (implemented by `transport.Transport`)."""

    def ask(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Json],
        *,
        ours: bool = False,
    ) -> Answer:
        """The answer to one operation.

        A query is tried once more at once, on a new connection, when it failed for a reason that
        may pass. A mutation (`ours`) is sent once.

        Raises:
            PutOff: our budget says: not yet. Nothing was sent.
            RateLimited: Linear says that we ask too often; told to the budget.
            KeyRejected: the key is wrong.
            Complaint: Linear says no.
            TrackerError: no answer, or none that can be understood. A mutation may have been done.
        """
