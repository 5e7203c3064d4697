"""Scenario: the same work of a real Codex, interrupted in the middle in every way we know.

A provider keeps what it has read: of a request only what stands behind the part that is the same,
byte for byte, as in the request before must be read, and paid, anew. So much of each request is
added up over the whole work, and compared with that of the work which nobody interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.measure import Failed
from bench.rows import Result, result
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real import codexes, threads
from tests.real import model as models
from tests.real.house import PROMPT
from tests.real.model import Entry, command, message, update
from tests.real.studio import Studio, open_studio
from tests.real.threads import NAME

Interrupt = Callable[[Studio, RunPaths], None]

OUTPUT = "seq 1 800"
"""A command whose output has 3 kB."""

BEFORE = [update(state="In Progress"), *[command(OUTPUT) for _ in range(4)]]
AFTER = [*[command(OUTPUT) for _ in range(3)], update(state="Done"), message("It is done.")]
OPEN, SILENT = command("echo going; sleep 300"), message("one two three", hang=300)


@dataclass(frozen=True, slots=True)
class Way:
    """How the work is interrupted: what the model says at that point, and what is done then."""

    said: Entry
    done: Interrupt | None = None
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def upgrade(place: Studio, run: RunPaths) -> None:
    """The supervisor is killed, and the next run has another version of Codex."""
    threads.kill_supervisor(place, run)
    place.edit(command=f"{codexes.binary(codexes.NPM)} app-server")


def lose_thread(place: Studio, run: RunPaths) -> None:
    """Both are killed, and the thread's file is gone: for once the agent starts from nothing."""
    threads.kill_codex_too(place, run)
    for rollout in place.home.glob("sessions/**/rollout-*.jsonl"):
        rollout.unlink()


UNCUT = Way(command("echo going"))
WAYS = {
    "again.rollover": Way(message("I go on later."), sections={"agent": {"max_turns": 1}}),
    "again.failed": Way({"incomplete": "max_output_tokens"}),
    "again.stall": Way(SILENT, sections={"codex": {"stall_timeout_ms": 2500}}),
    "again.supervisor": Way(OPEN, threads.kill_supervisor),
    "again.codex": Way(OPEN, threads.kill_codex),
    "again.both": Way(OPEN, threads.kill_codex_too),
    "again.shutdown": Way(OPEN, threads.terminate),
    "again.restart": Way(OPEN, threads.restart_machine),
    "again.stop": Way(OPEN, threads.stop_by_hand),
    "again.upgrade": Way(OPEN, upgrade),
    "again.anew": Way(OPEN, lose_thread),
}


def missing() -> str:
    """Why this cannot be measured here; empty when it can."""
    if not (models.STAND_INS / "fake_model.py").is_file():
        return f"the scripted model is not there ({models.STAND_INS})"
    try:
        for version in codexes.VERSIONS:
            codexes.binary(version)
    except codexes.Missing as error:
        return str(error)
    return ""


def interrupted(folder: Path) -> Iterator[Result]:
    """Bytes that were read anew in the whole work, for each way to interrupt it."""
    uncut = _read_anew(folder.resolve() / "uncut", UNCUT)
    yield result("again.none", uncut)
    for name, way in WAYS.items():
        yield result(name, _read_anew(folder.resolve() / name, way), uncut)


def _read_anew(folder: Path, way: Way) -> float:
    folder.mkdir(parents=True)
    entries = [*BEFORE, way.said, *AFTER]
    place = open_studio(folder, codexes.binary(codexes.PYPI), entries, way.sections, prompt=PROMPT)
    house = place.house
    try:
        house.write_issue(NAME)
        house.tick()
        if way.done is not None:
            cut = len(BEFORE) + 1
            until(lambda: threads.is_cut(place, asked=cut), seconds=60, what="the open command")
            way.done(place, house.runs(NAME)[0])
        house.until(lambda: house.finished(NAME), "the work is done")
        return float(anew(place.model.requests()))
    finally:
        place.end()


def anew(requests: Sequence[Mapping[str, Any]]) -> int:
    """Bytes of all requests that lie behind what is the same as in the request before."""
    if not requests:
        raise Failed("the model was never asked")
    parts = [_parts(request) for request in requests]
    first = sum(map(len, parts[0]))
    return first + sum(_behind(one, other) for one, other in pairwise(parts))


def _parts(request: Mapping[str, Any]) -> list[str]:
    """A request in pieces, in the order in which a provider reads it. The key of the cache is one:
    under another, nothing is known."""
    head = [request.get(name) for name in ("prompt_cache_key", "model", "tools", "instructions")]
    return [json.dumps(piece) for piece in (*head, *request["input"])]


def _behind(before: Sequence[str], after: Sequence[str]) -> int:
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    return sum(map(len, after[same:]))
