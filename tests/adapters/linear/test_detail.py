"""The lists within an issue: read to their end, and never for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from symphony_cli.adapters.linear import detail
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.issues import Setting
from symphony_cli.adapters.linear.names import Names, Person, Project
from symphony_cli.core.policy import Rules
from symphony_cli.core.times import stamp
from symphony_cli.errors import TrackerError
from tests.builders import NOW

NAMES = Names("q", Project("p", "P", "s"), {}, {}, {}, Person("me", "Me", "me", "m@x"), NOW)
SETTING = Setting(NAMES, "s", Rules())
ROW = {
    "id": "i",
    "identifier": "ENG-1",
    "title": "T",
    "state": {"id": "t", "name": "Todo", "type": "unstarted"},
    "createdAt": stamp(NOW),
    "updatedAt": stamp(NOW),
    "attachments": {"nodes": []},
}
LISTS = ("comments", "stateHistory", "inverseRelations")


class Endless:
    """A server whose list says after each page that there is more, from the same place on."""

    def __init__(self, endless: str) -> None:
        self.endless, self.asked = endless, 0

    def ask(
        self, operation: str, document: str, variables: Mapping[str, Any], *, ours: bool = False
    ) -> Answer:
        self.asked += 1
        lists = {
            name: {
                "nodes": [],
                "pageInfo": {"hasNextPage": name == self.endless, "endCursor": "here"},
            }
            for name in LISTS
        }
        return Answer({"issues": {"nodes": [{**ROW, **lists}]}})


@pytest.mark.parametrize("endless", LISTS)
def test_a_list_that_never_ends_is_given_up(endless: str) -> None:
    asks = Endless(endless)

    with pytest.raises(TrackerError, match="not where they begin"):
        detail.whole(asks, "i", lambda rows: SETTING)

    assert asks.asked == 2
