"""Our own writes to Linear: comments, labels, states. Each can be repeated and is done once.

A comment carries an id that we make from the write's, so that a lost answer never posts twice.
Labels and states go by ids and deltas: setting again what is set changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape

from symphony_cli.adapters.linear import label_writes
from symphony_cli.adapters.linear.exchange import Asks, Complaint
from symphony_cli.adapters.linear.names import Names, State, Team, with_states
from symphony_cli.adapters.linear.names_read import states_in_team
from symphony_cli.adapters.linear.pages import parsed
from symphony_cli.adapters.linear.write_access import (
    Access,
    confirm,
    final,
    refusal,
    refusing,
    uuid_of,
)
from symphony_cli.adapters.linear.write_documents import (
    COMMENT,
    SET_STATE,
    TEAM_OF,
)
from symphony_cli.core.issue import norm
from symphony_cli.errors import WriteRefused

LONGEST_COMMENT = 100_000
"""Characters of a comment, its mark included."""

_CUT = "\n\n[cut: the comment was {} characters long]"


@dataclass(frozen=True, slots=True)
class Writes:
    """The writing half of `ports.Tracker`.

    `names` gives the names as we know them now; `keep` gets them when a write learned more. All
    four may raise `WriteRefused` (asking again would not help) or another `TrackerError`.
    """

    asks: Asks
    names: Callable[[], Names]
    keep: Callable[[Names], None]
    ours: bool = True
    """Symphony writes for itself, and may use the reserve of the budget; else an agent does."""

    def comment(self, issue: str, body: str, write: str) -> bool:
        """Post a comment, once for each `write`; True, for Linear keeps what it took.

        Raises:
            WriteRefused: there is nothing to say, the issue is gone, or we lack the right.
        """
        values = {
            "id": uuid_of("comment", write),
            "issue": issue,
            "body": marked(body, write),
        }
        try:
            answer = self._access.ask("WriteComment", COMMENT, values)
        except Complaint as complaint:
            if complaint.exists:
                return True
            raise refusal(complaint, "The comment cannot be posted") from complaint
        confirm(answer, "commentCreate")
        return True

    def add_label(self, issue: str, label: str) -> None:
        """Set a label; other labels stay. Made in the issue's team when nobody has it.

        Raises:
            WriteRefused: the issue is gone, the name is a group's, or we lack a right.
        """
        label_writes.add(self._access, issue, label)

    def remove_label(self, issue: str, label: str) -> None:
        """Take a label off; other labels stay.

        Raises:
            WriteRefused: the issue is gone, or we lack the right.
        """
        label_writes.remove(self._access, issue, label)

    def set_state(self, issue: str, state: str) -> None:
        """Move an issue to a state of its team.

        Raises:
            WriteRefused: the team has no such state, the issue is gone, or we lack the right.
        """
        cannot = f"The state cannot be set to {state!r}"
        with refusing(cannot):
            team = self.names().only_team or self._team_of(issue)
        known = self.names().state_of(team.id, state)
        if known is not None:
            try:
                self._move(issue, known)
                return
            except Complaint as complaint:
                if final(complaint):
                    raise refusal(complaint, cannot) from complaint
        with refusing(cannot):
            self._move(issue, self._state_now(issue, state))

    @property
    def _access(self) -> Access:
        return Access(self.asks, self.names, self.keep, self.ours)

    def _team_of(self, issue: str) -> Team:
        answer = self._access.ask("WriteTeamOf", TEAM_OF, {"issue": issue})
        team = parsed(Team, answer.data, "issue", "team")
        return replace(team, name=unescape(team.name))

    def _state_now(self, issue: str, name: str) -> State:
        """The state as the issue's team has it this moment; what we knew may be old."""
        team = self._team_of(issue)
        states = states_in_team(self.asks, team.id, ours=self.ours)
        self._access.learn(lambda names: with_states(names, team.id, states))
        found = next((state for state in states if norm(state.name) == norm(name)), None)
        if found is None:
            there = ", ".join(sorted((state.name for state in states), key=norm))
            raise WriteRefused(
                f"The team {team.name} ({team.key}) has no state {name!r}: name one of {there}."
            )
        return found

    def _move(self, issue: str, state: State) -> None:
        answer = self._access.ask("WriteState", SET_STATE, {"issue": issue, "state": state.id})
        confirm(answer, "issueUpdate")


def marked(body: str, write: str) -> str:
    """The text of a comment with an invisible mark, by which we know our own; cut if too long.

    Raises:
        WriteRefused: there is nothing to say.
    """
    text = body.encode("utf-8", "replace").decode().strip()
    if not text:
        raise WriteRefused("An empty comment says nothing: give it a text.")
    mark = f"\n\n<!-- symphony:{write} -->"
    room = LONGEST_COMMENT - len(mark)
    if len(text) > room:
        note = _CUT.format(len(text))
        text = text[: room - len(note)] + note
    return text + mark
