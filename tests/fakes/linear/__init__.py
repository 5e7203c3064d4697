"""A small Linear: one process, one thread per connection, everything in memory.

It behaves as api.linear.app does for what Symphony sends, so that the tests need nobody's account
and nothing beside this repository. Read the rooms in this order:

    shapes      which types have which fields (an excerpt of Linear's published schema)
    times       the server's clock; how dates are printed and read
    complaints  how it says no
    store       the rows, and what a lagging replica shows of them
    columns     an issue's columns, and which changes move `updatedAt`
    labels      whose names are taken, which may stand on an issue
    changes     what each change does to a row
    plan        a document becomes steps; what they cost
    filters     which rows match
    walk        steps and rows become an answer; pages
    queries     where the values of fields come from that no row holds
    mutations   writes to issues
    attached    writes of what hangs on them
    limits      the two leaky buckets and their headers
    faults      failures that a test schedules
    asked       what a request asks for, as the log has it
    service     one request: bytes in, a reply out
    web         sockets
    truth       what an issue really is now
    person      what people do to the board
    control     `FakeLinear`: what a test does to it

Behind each odd behaviour stands one of three sources, and the text says which: the published
schema, the documentation, or what people measured on the live service. What nobody has measured is
a switch. It knows no types of arguments and variables: whether a document is valid, the published
schema says. The same cases run against this server and against a stand-in that executes the whole
schema (`tests/linear/test_servers.py`).
"""

from __future__ import annotations

from tests.fakes.linear.control import FakeLinear
from tests.fakes.linear.person import Person

__all__ = ["FakeLinear", "Person"]
