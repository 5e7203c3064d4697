"""How often an issue's agent had to begin anew: counted once for each conversation that is lost."""

from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.usage import Usage
from tests.builders import dispatched, ended, record

OLD = ThreadRef("thread_1", total=Usage(input=9))


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        ({"reason": "turn", "thread": OLD}, 0),
        ({"reason": "turn", "thread": OLD, "fresh_thread": True}, 1),
        ({"reason": "context", "thread": OLD}, 1),
        ({"reason": "context", "thread": OLD, "fresh_thread": True}, 2),
        ({"reason": "context"}, 0),
    ],
)
def test_a_thread_that_could_not_go_on_or_is_full_is_a_lost_conversation(
    told: dict[str, Any], lost: int
) -> None:
    after = record(dispatched(), ended(outcome=Outcome.FAILED, **told))
    assert after.fresh_threads == lost


@pytest.mark.parametrize("reason", ["conversation", "compaction"])
def test_a_conversation_that_cannot_go_on_once_is_kept_and_twice_in_a_row_is_not(
    reason: str,
) -> None:
    refused: dict[str, Any] = {"outcome": Outcome.FAILED, "reason": reason, "thread": OLD}
    once = (dispatched(), ended(**refused))
    twice = (*once, dispatched(run="run_2"), ended(run="run_2", **refused))
    kept, dropped = record(*once), record(*twice)
    assert (kept.thread, kept.fresh_threads) == (OLD, 0)
    assert (dropped.thread, dropped.fresh_threads) == (None, 1)
