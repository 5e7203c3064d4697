"""What every write needs: somebody to ask, the names, and words for a refusal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from symphony_cli.adapters.linear.exchange import Answer, Asks, Complaint
from symphony_cli.adapters.linear.names import Names
from symphony_cli.adapters.linear.pages import parsed
from symphony_cli.core.shape import Json
from symphony_cli.errors import TrackerError, WriteRefused
from symphony_cli.ids import digest


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a write asks, and what things are called.

    `names` gives the names as we know them now; `keep` gets them when a write learned more (it
    may do nothing, in a process that must not write them down).
    """

    asks: Asks
    names: Callable[[], Names]
    keep: Callable[[Names], None]
    ours: bool = True
    """Symphony writes for itself, and may use the reserve; else an agent does."""

    def ask(self, operation: str, document: str, variables: Mapping[str, Json]) -> Answer:
        """Ask for a write, or for what a write has to know: both are as urgent."""
        return self.asks.ask(operation, document, variables, ours=self.ours)

    def learn(self, news: Callable[[Names], Names]) -> None:
        """Keep the names with the news, if they are any."""
        before = self.names()
        after = news(before)
        if after is not before:
            self.keep(after)


def uuid_of(*parts: str) -> str:
    """A UUID made from what it is about, in the form of a version 4, which is what Linear takes
    from callers (schema, `CommentCreateInput.id`): a repeat has the same."""
    return str(uuid.UUID(hex=digest("\x1f".join(parts), 32), version=4))


def issue_gone(complaint: Complaint) -> bool:
    """Whether it is the issue that was not found, and not a label or a state."""
    return complaint.not_found and complaint.message.rstrip(".").endswith(("Issue", "not found"))


def final(complaint: Complaint) -> bool:
    """Whether better names would not help."""
    return complaint.forbidden or issue_gone(complaint)


def refusal(complaint: Complaint, what: str) -> WriteRefused:
    """The complaint as a refusal; `what` says what cannot be done."""
    if issue_gone(complaint):
        return WriteRefused(
            f"{what}: the issue is archived, in the bin or gone, or the tracker's key may not see "
            "it; bring it back in Linear if it is still wanted."
        )
    if complaint.forbidden:
        said = (complaint.presentable or complaint.message).rstrip(".")
        return WriteRefused(
            f"{what}: the tracker's key lacks the right ({said}); give its user that right."
        )
    return WriteRefused(f"{what}. {complaint}")


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn a complaint inside into a refusal."""
    try:
        yield
    except Complaint as complaint:
        raise refusal(complaint, what) from complaint


def confirm(answer: Answer, mutation: str) -> None:
    """Believe a mutation only when it says that it was done.

    Raises:
        TrackerError: it does not.
    """
    if not parsed(bool, answer.data, mutation, "success"):
        raise TrackerError(
            "Linear took a write and does not say that it was done: it is tried again later."
        )
