"""An interrupt for silence is sent if, and only if, nothing was heard for as long as what is open
allows; once for each silence, and never while a tool of ours is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import report
from symphony_cli.core.run import CodexSettings

from .play import THREAD, Play

SILENCE, COMMAND = 300.0, 1800.0
SETTINGS = CodexSettings(
    stall_timeout=SILENCE, command_timeout=COMMAND, turn_silence=0, run_limit=None
)
NAMES = ("a", "b", "c")
NAPS = (1, 200, 1000, 5000)


@dataclass
class World:
    """What a listener with a notebook would know."""

    play: Play
    heard: float = 0.0
    open: dict[str, float] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)

    def due(self) -> float | None:
        """When the silence is too long, if nothing more is heard."""
        longest = max(self.open.values(), default=SILENCE)
        return None if self.asked else self.heard + longest

    def say(self, method: str, **params: Any) -> None:
        self.heard = self.play.seconds
        self.play.say(method, threadId=THREAD, turnId=self.play.turn, **params)

    def speaks(self, word: str) -> None:
        self.say(word)

    def mutters(self, word: str) -> None:
        """What is no sign of life."""
        error = {"message": "Reconnecting"}
        params: dict[str, Any] = {"willRetry": True, "error": error} if word == "error" else {}
        self.play.say(word, threadId=THREAD, rateLimits={"limitId": "codex"}, **params)

    def opens(self, name: str, kind: str) -> None:
        self.open[name] = COMMAND
        self.say("item/started", item={"type": kind, "id": name})

    def naps(self, name: str, seconds: int) -> None:
        self.open[name] = min(SILENCE + seconds, COMMAND)
        nap = {"type": "sleep", "id": name, "durationMs": seconds * 1000}
        self.say("item/started", item=nap)

    def closes(self, name: str) -> None:
        self.open.pop(name, None)
        self.say("item/completed", item={"type": "commandExecution", "id": name})

    def asks(self, number: int) -> None:
        if number not in self.asked:
            self.asked.add(number)
            self.heard = self.play.seconds
            params = {"threadId": THREAD, "tool": "issue_update", "arguments": {}}
            self.play.say("item/tool/call", number, **params)

    def gets(self, number: int) -> None:
        if number in self.asked:
            self.asked.remove(number)
            self.heard = self.play.seconds
            self.play.take(self.play.session.tool_done(number, True, "done", self.play.now))


def step(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


names, numbers = st.sampled_from(NAMES), st.integers(0, 2)
steps = st.one_of(
    step("speaks", st.sampled_from(["item/agentMessage/delta", "turn/plan/updated"])),
    step("mutters", st.sampled_from(["error", "account/rateLimits/updated"])),
    step("opens", names, st.sampled_from(["commandExecution", "mcpToolCall"])),
    step("naps", names, st.sampled_from(NAPS)),
    step("closes", names),
    step("asks", numbers),
    step("gets", numbers),
)
gaps = st.sampled_from([0, 1, 100, 299, 300, 301, 1000, 1799, 1800, 1801])


def silences(play: Play) -> list[float]:
    return [line.silent for line in play.lines(report.Stalled) if isinstance(line, report.Stalled)]


@given(st.lists(st.tuples(gaps, steps), max_size=25))
def test_silence_is_interrupted_exactly_when_it_lasts_longer_than_what_is_open_allows(
    story: list[tuple[int, tuple[Any, ...]]],
) -> None:
    play = Play(codex=SETTINGS)
    play.open()
    world = World(play)
    for gap, (name, *arguments) in story:
        due, until = world.due(), play.seconds + gap
        if due is not None and until >= due:
            play.wait(due - play.seconds + 9)
            assert silences(play) == [due - world.heard]
            assert play.methods.count("turn/interrupt") == 1
            return
        play.wait(gap)
        getattr(world, name)(*arguments)
        assert (silences(play), play.methods.count("turn/interrupt")) == ([], 0)
