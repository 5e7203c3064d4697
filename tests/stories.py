"""Any story a ledger could tell: random events about a few issues, runs and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from symphony_cli.core import events as e
from symphony_cli.core.helping import Helping
from symphony_cli.core.reasons import BlockReason, Cause, Outcome, Why
from symphony_cli.core.run import GitFacts, ThreadRef, Verdict
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key
from tests.builders import enrol_all, iid, issue, later, rid
from tests.values import texts

NAMES = ("A", "B", "C")

_moments = st.integers(min_value=-100, max_value=10_000).map(later)
_runs = st.sampled_from([rid(f"run_{number}") for number in range(3)])
_waits = st.sampled_from([0.0, 10.0, 300.0])
_small = st.integers(min_value=0, max_value=5)
_usage = st.builds(Usage, _small, _small, _small, _small, _small)
_threads = st.none() | st.builds(ThreadRef, st.sampled_from(["t1", "t2"]), total=_usage)
_some = st.none() | st.integers(min_value=-9, max_value=9)
_helpings = st.none() | st.builds(Helping, _some, _some, _some, st.sampled_from(["", "tip"]))
_states = st.sampled_from(["Todo", "In Progress", "Rework", "Done", "todo "])


def stories(
    names: Sequence[str] = NAMES, *, known: bool = True, max_size: int = 25
) -> st.SearchStrategy[list[e.Event]]:
    """Lists of events about `names`; not `known`: without any sighting or cursor.

    Known issues mostly come first and in line, so that what follows means something.
    """
    ids = st.sampled_from([iid(name) for name in names])
    writes = st.sampled_from([f"w_{name}_{number}" for name in names for number in range(2)])
    kinds = [*_about_issues(ids), *_about_runs(ids), *_about_writes(ids, writes)]
    if known:
        kinds += [_sightings(names), st.builds(e.Polled, _moments, texts)]
        kinds += [
            st.builds(e.Paused, _moments, texts, texts),
            st.builds(e.Resumed, _moments, texts),
        ]
        kinds += [st.builds(e.Repaired, _moments, _small, st.just("ledger.torn"))]
    rest = st.lists(st.one_of(kinds), max_size=max_size)
    if not known:
        return rest
    first = st.lists(st.sampled_from(list(names)), unique=True)
    return st.builds(lambda some, then: [*enrol_all(*some), *then], first, rest)


def _sightings(names: Sequence[str]) -> st.SearchStrategy[Any]:
    def sight(at: Any, name: str, state: str, title: str) -> e.Sighted:
        return e.Sighted(at, replace(issue(name, state), title=title), Key(name))

    return st.builds(sight, _moments, st.sampled_from(list(names)), _states, texts)


def _about_issues(ids: st.SearchStrategy[IssueId]) -> list[st.SearchStrategy[Any]]:
    reasons = st.sampled_from(BlockReason)
    return [
        st.builds(e.Missed, _moments, ids),
        st.builds(e.Enrolled, _moments, ids),
        st.builds(e.Released, _moments, ids, st.sampled_from(["gone", "label"]), texts),
        st.builds(e.Finished, _moments, ids, _states),
        st.builds(e.Blocked, _moments, ids, reasons, texts),
        st.builds(e.LabelSeen, _moments, ids),
        st.builds(e.Unblocked, _moments, ids, st.sampled_from(Cause), texts, texts, _helpings),
        st.builds(e.ToppedUp, _moments, ids, _small, texts),
        st.builds(e.Retried, _moments, ids, texts),
        st.builds(e.Warned, _moments, ids, _small),
        st.builds(e.PassedOver, _moments, ids, st.sampled_from(Why), texts),
        st.builds(e.Faulted, _moments, ids, texts, texts),
    ]


def _about_runs(ids: st.SearchStrategy[IssueId]) -> list[st.SearchStrategy[Any]]:
    verdicts = st.builds(
        Verdict,
        _runs,
        ids,
        st.sampled_from(Outcome),
        reason=texts,
        answered=st.booleans(),
        turns=_small,
        thread=_threads,
        usage=st.dictionaries(st.sampled_from(["t1", "t2"]), _usage, max_size=2),
        git=st.none() | st.builds(GitFacts, head=texts, commits=_small),
        survivors=st.sampled_from([(), (), (7,)]),
    )
    return [
        st.builds(e.Dispatched, _moments, ids, _runs, _small, _states),
        st.builds(e.StopAsked, _moments, ids, _runs, texts),
        st.builds(e.Signalled, _moments, ids, _runs, st.sampled_from(["TERM", "KILL"])),
        st.builds(e.Recovered, _moments, ids, _runs),
        st.builds(e.Ended, _moments, ids, _runs, verdicts, st.booleans(), _waits, _waits),
    ]


def _about_writes(
    ids: st.SearchStrategy[IssueId], writes: st.SearchStrategy[str]
) -> list[st.SearchStrategy[Any]]:
    return [
        st.builds(e.Owed, _moments, ids, writes, st.sampled_from(["comment", "add_label"]), texts),
        st.builds(e.Tried, _moments, writes, texts, _waits),
        st.builds(e.Delivered, _moments, writes),
        st.builds(e.Undeliverable, _moments, writes, texts),
        st.builds(e.Cancelled, _moments, writes),
    ]
