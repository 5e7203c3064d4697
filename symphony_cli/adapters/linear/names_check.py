"""Whether the names in WORKFLOW.md exist in Linear (row T11), with what does exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from symphony_cli.adapters.linear.names import Names
from symphony_cli.core.issue import norm
from symphony_cli.core.policy import STOP_LABELS, Rules
from symphony_cli.core.run import TrackerRef

LISTED = 20
"""So many existing names are told; of the others only how many there are."""

ANY_OF = frozenset({"tracker.terminal_states"})
"""Keys of which one existing name is enough: lists that people copy name five spellings."""

_BUILT_IN = frozenset(map(norm, STOP_LABELS))


def problems(names: Names, ref: TrackerRef, rules: Rules) -> tuple[str, ...]:
    """One sentence for each name in WORKFLOW.md that Linear does not have.

    `ref.named` has the names as they are written there; of active and terminal states that are
    left to their default (`rules`), one must exist. A state that only some teams of the project
    have is no problem, and the two built-in labels need not exist: they are made when needed.
    """
    told: list[str] = []
    for key, wanted in ref.named.items():
        if key.endswith("_labels"):
            told.extend(_label_problems(names, key, wanted))
        else:
            told.extend(_state_problems(names, key, wanted))
    for key, default in (
        ("tracker.active_states", rules.active_states),
        ("tracker.terminal_states", rules.terminal_states),
    ):
        if not ref.named.get(key) and not _some_state(names, default):
            told.append(
                f"{key} is not set, and {_the_project(names)} has no state of its default "
                f"({', '.join(default)}): set it to some of {_listed(_state_names(names))}."
            )
    return tuple(told)


def _state_problems(names: Names, key: str, wanted: tuple[str, ...]) -> list[str]:
    there = _state_names(names)
    if key in ANY_OF:
        if not wanted or _some_state(names, wanted):
            return []
        return [
            f"{key} names {', '.join(wanted)}, and {_the_project(names)} has no such state: "
            f"name at least one of {_listed(there)}."
        ]
    return [
        f"{key} names the state {name!r}, which {_the_project(names)} does not have: "
        f"{_instead(name, there)}."
        for name in wanted
        if not names.states_called(name)
    ]


def _label_problems(names: Names, key: str, wanted: tuple[str, ...]) -> list[str]:
    told = []
    for name in wanted:
        found = [label for label in names.labels_called(name) if not label.archived]
        if any(not label.group for label in found):
            continue
        if found:
            told.append(
                f"{key} names {name!r}, which is a group of labels, and groups cannot be applied "
                "to issues: name one of the labels in it."
            )
        elif norm(name) not in _BUILT_IN:
            told.append(
                f"{key} names the label {name!r}, which neither the teams of "
                f"{_the_project(names)} nor the workspace have: "
                f"{_instead(name, _label_names(names))}, or create it in Linear."
            )
    return told


def _instead(name: str, there: Iterable[str]) -> str:
    by_norm = {norm(known): known for known in there}
    if not by_norm:
        return "there is none at all; take it out of WORKFLOW.md"
    close = difflib.get_close_matches(norm(name), by_norm, n=1)
    guess = f"{by_norm[close[0]]!r} or another" if close else "one"
    return f"correct it to {guess} of {_listed(by_norm.values())}"


def _listed(there: Iterable[str]) -> str:
    known = sorted(there, key=norm)
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(known[:LISTED]) + more


def _some_state(names: Names, wanted: Iterable[str]) -> bool:
    return any(names.states_called(name) for name in wanted)


def _state_names(names: Names) -> list[str]:
    """Each name once, as the first team spells it."""
    spelled = {norm(state.name): state.name for state in reversed(names.states.values())}
    return list(spelled.values())


def _label_names(names: Names) -> list[str]:
    spelled = {
        norm(label.name): label.name
        for label in names.labels.values()
        if label.name
        and not label.group
        and not label.archived
        and (not label.team or label.team in names.teams)
    }
    return list(spelled.values())


def _the_project(names: Names) -> str:
    return f"the project {names.project.name}"
