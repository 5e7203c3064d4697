"""What blocks an issue, from what a poll can afford to ask.

Relations of 250 issues cost more than a document may. So a poll asks three cheap things: which
issues have an open blocker (a filter of Linear's; true while some blocker's state is not closed),
the state of the blockers that we know by name, and, of at most a few issues, the relations
themselves, to learn the names of blockers that we do not know yet.

The filter decides at once; the names follow one tick later. `prepare` reads the relations of its
issue whole before any work begins, so a wrong filter costs a run that starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symphony_cli.adapters.linear.wire import CLOSED, BlockerRow, LearnedRow, blocker
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.snapshot import Held

UNNAMED = Blocker("an open issue", "named at the next tick")
"""Linear says that something open blocks the issue; what, we have not read yet."""

UNNAMEABLE = Blocker("an open issue", "not to be seen with our key, or one of very many")
"""Linear says that something open blocks the issue, and its relations as we read them do not."""

LEARN_AT_ONCE = 10
"""Issues whose relations are read in one document."""


def to_learn(held: Sequence[Held], turn: int = 0) -> list[str]:
    """The blocked issues whose relations are read now: first those of which we can name nothing
    open, though the filter has them; then the others, whose blockers may have been exchanged.

    Args:
        turn: any number; where to begin when there are too many.
    """
    blocked = [one for one in held if one.issue.blocked_by]
    at = turn % len(blocked) if blocked else 0
    in_turn = sorted([*blocked[at:], *blocked[:at]], key=lambda one: _is_explained(one.issue))
    return [one.id for one in in_turn[:LEARN_AT_ONCE]]


def _is_explained(issue: Issue) -> bool:
    named = [blocker for blocker in issue.blocked_by if blocker != UNNAMED]
    return len(named) == len(issue.blocked_by) and any(b.open is not False for b in named)


def known(held: Sequence[Held]) -> list[str]:
    """The ids of all blockers that we know by name."""
    ids: Iterable[str] = (b.id for one in held for b in one.issue.blocked_by if b.id)
    return list(dict.fromkeys(ids))


def learned(row: LearnedRow) -> dict[str, BlockerRow]:
    """Everything that blocks an issue, by id, whether it is open or not."""
    relations = row.inverseRelations.nodes
    return {one.issue.id: one.issue for one in relations if one.type == "blocks"}


def settle(
    filtered: bool,
    before: Issue | None,
    told: Mapping[str, BlockerRow],
    asked: frozenset[str],
    relations: Mapping[str, BlockerRow] | None,
    rules: Rules,
) -> tuple[Blocker, ...]:
    """What blocks an issue now.

    Args:
        filtered: what Linear's filter says of it.
        before: the issue as we held it.
        told: what was read of known blockers, by id; `asked` are the ids that were asked for.
        relations: all its blockers, when they were read in this answer.
    """
    if not filtered:
        return ()
    if relations is not None:
        found = [_explains(row, rules) for row in relations.values()]
    else:
        held = before.blocked_by if before is not None else ()
        found = [_now(b, told, asked, rules) for b in held if b.id]
    # What is in the bin, or over by our own states only, may be all that the filter means.
    explaining = tuple(b for b in found if b is not None)
    if explaining:
        return explaining
    read = relations is not None or (before is not None and UNNAMEABLE in before.blocked_by)
    return (UNNAMEABLE if read else UNNAMED,)


def _now(
    held: Blocker, told: Mapping[str, BlockerRow], asked: frozenset[str], rules: Rules
) -> Blocker | None:
    row = told.get(held.id)
    if row is not None:
        return _explains(row, rules)
    return None if held.id in asked else held


def _explains(row: BlockerRow, rules: Rules) -> Blocker | None:
    """A blocker that the filter may mean; one in a closed state it does not."""
    return None if row.state.type in CLOSED else blocker(row, rules)
