"""The second act of a run: it owns one `codex app-server` and speaks its protocol.

There is one such process for each living run, so it must stay small. Values that never leave it are
named tuples: a frozen dataclass takes twice the memory, and 0.4 ms at every start. Dataclasses are
left where JSON becomes one, and for actions without members: as empty tuples all would be equal.
"""
