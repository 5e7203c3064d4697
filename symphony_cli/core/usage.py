"""Token counts: five counters, and how spending is counted exactly once.

Codex reports a running total per thread (`thread/tokenUsage/updated`, member `total`). It carries
on over a resume, is sent again after an interrupt, and may fall when history is rolled back. What
a run spent on a thread is therefore never a sum of reports but the highest total it saw, less the
base it began at (promise 10).
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

    def _with(self, other: Usage, join: object) -> Usage:
        assert callable(join)
        return Usage(*(join(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))

    def spend(self, cached_weight: float = 0.0) -> int:
        """What counts against a budget: uncached input, output, and cached input by its weight."""
        uncached = max(0, self.input - self.cached_input)
        return uncached + self.output + round(self.cached_input * cached_weight)


@dataclass(frozen=True, slots=True)
class ThreadUsage:
    """One thread in one run: the total at its start and the highest total seen."""

    base: Usage = Usage()
    top: Usage = Usage()

    @property
    def spent(self) -> Usage:
        """What this run spent on this thread."""
        return self.top.above(self.base)


@dataclass(frozen=True, slots=True)
class Meter:
    """All threads of one run. Feed it every report; replays and falls change nothing."""

    threads: dict[str, ThreadUsage] = field(default_factory=dict)

    def based(self, thread: str, base: Usage) -> Meter:
        """Fix where a thread began, once."""
        if thread in self.threads:
            return self
        return replace(self, threads={**self.threads, thread: ThreadUsage(base, base)})

    def seen(self, thread: str, total: Usage) -> Meter:
        """Take in a running total of a thread; an unknown thread began at nothing."""
        known = self.threads.get(thread, ThreadUsage())
        return replace(
            self,
            threads={**self.threads, thread: replace(known, top=known.top.highest(total))},
        )

    @property
    def spent(self) -> Usage:
        """What the run spent on all its threads."""
        return sum((thread.spent for thread in self.threads.values()), Usage())
