"""Token counts: five counters, and how spending is counted exactly once.

Codex reports a running total per thread (`thread/tokenUsage/updated`, member `total`). It carries
on over a resume, and is sent again after an interrupt. What a run spent on a thread is therefore
never a sum of reports but the highest total it saw, less the base it began at (promise 10). Only
when a conversation outgrows its model does Codex count anew from nothing, and says so (measured
with 0.163 and 0.169); what was spent before that is kept beside the new count.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; `cached_input` is part of `input`, `reasoning` part of `output`."""

    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    total: int = 0

    def __add__(self, other: Usage) -> Usage:
        return self._with(other, lambda a, b: a + b)

    def above(self, base: Usage) -> Usage:
        """What lies above `base`, counter by counter, never negative."""
        return self._with(base, lambda a, b: max(0, a - b))

    def highest(self, other: Usage) -> Usage:
        """The larger of each counter."""
        return self._with(other, max)

    def lowest(self, other: Usage) -> Usage:
        """The smaller of each counter."""
        return self._with(other, min)

    def _with(self, other: Usage, join: object) -> Usage:
        assert callable(join)
        return Usage(*(join(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))

    def spend(self, cached_weight: float = 0.0) -> int:
        """What counts against a budget: uncached input, output, and cached input by its weight.

        The weighted part is cut to whole tokens, so that a sum of usages is never worth less than
        its parts: a run that has used up what was left of a budget leaves nothing of it.
        """
        uncached = max(0, self.input - self.cached_input)
        millionths = round(cached_weight * 1_000_000)
        return uncached + self.output + self.cached_input * millionths // 1_000_000


@dataclass(frozen=True, slots=True)
class ThreadUsage:
    """One thread in one run: the total at its start and the highest total seen."""

    base: Usage = Usage()
    top: Usage = Usage()
    before: Usage = Usage()
    """What this run had spent on it when Codex began to count anew."""

    @property
    def spent(self) -> Usage:
        """What this run spent on this thread."""
        return self.before + self.top.above(self.base)


@dataclass(frozen=True, slots=True)
class Meter:
    """All threads of one run. Feed it every report; replays and falls change nothing."""

    threads: dict[str, ThreadUsage] = field(default_factory=dict)

    def based(self, thread: str, base: Usage) -> Meter:
        """Fix where a thread began, once."""
        if thread in self.threads:
            return self
        return self.told(thread, ThreadUsage(base, base))

    def seen(self, thread: str, total: Usage) -> Meter:
        """Take in a running total of a thread; an unknown thread began at nothing."""
        known = self.threads.get(thread, ThreadUsage())
        return self.told(thread, replace(known, top=known.top.highest(total)))

    def rebased(self, thread: str, total: Usage) -> Meter:
        """The first total that a run sees of a thread is below what we knew: Codex has forgotten
        its last figures, and goes on from here."""
        known = self.threads[thread]
        return self.told(thread, ThreadUsage(low := known.base.lowest(total), low))

    def restarted(self, thread: str) -> Meter:
        """Codex counts this thread from nothing again."""
        return self.told(thread, ThreadUsage(before=self.threads[thread].spent))

    def told(self, thread: str, usage: ThreadUsage) -> Meter:
        """A thread's figures as somebody else kept them."""
        return replace(self, threads={**self.threads, thread: usage})

    @property
    def spent(self) -> Usage:
        """What the run spent on all its threads."""
        return sum((thread.spent for thread in self.threads.values()), Usage())
