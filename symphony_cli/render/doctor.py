"""Findings for people: a line each as they come, and how it all stands."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from symphony_cli.commands.doctor import DoctorResult
from symphony_cli.core.findings import Finding, Level
from symphony_cli.render.text import WIDTH, plain

MARKS = {Level.OK: "ok", Level.WARNING: "warn", Level.ACT: "ACT"}
_COLOURS = {Level.OK: "32", Level.WARNING: "33", Level.ACT: "1;31"}
_MARK, _NAME = 6, 12
"""Columns of mark and name; what was found begins after both."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where it is printed: with the terminal's colours or without, and how wide."""

    colour: bool = False
    width: int = WIDTH

    def finding(self, finding: Finding) -> str:
        """Mark, name and what was found; below it, after an arrow, what to do."""
        mark = MARKS[finding.level].ljust(_MARK)
        painted = f"\x1b[{_COLOURS[finding.level]}m{mark}\x1b[0m" if self.colour else mark
        indent = " " * (_MARK + _NAME)
        first, *more = self._folded(finding.found, indent)
        name = plain(finding.name).ljust(_NAME)
        lines = [f"{painted}{name}{first.strip()}", *more]
        if finding.remedy:
            lines += self._folded(f"→ {finding.remedy}", indent, "  ")
        return "\n".join(lines)

    def _folded(self, text: str, indent: str, further: str = "") -> list[str]:
        return textwrap.wrap(
            plain(text),
            self.width,
            initial_indent=indent,
            subsequent_indent=indent + further,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [indent]

    def summary(self, result: DoctorResult) -> str:
        """What it comes to, what could not be looked at, and what a bundle holds."""
        return "\n".join(line for part in self._parts(result) for line in part)

    def _parts(self, result: DoctorResult) -> Iterator[list[str]]:
        counts = dict.fromkeys(Level, 0)
        for finding in result.findings:
            counts[finding.level] += 1
        told = ", ".join(f"{count} {MARKS[level]}" for level, count in counts.items())
        cron = " in cron's environment" if result.as_cron else ""
        yield ["", f"{len(result.findings)} findings{cron}: {told}."]
        if result.left_out:
            said = f"Not looked at, for lack of a WORKFLOW.md: {', '.join(result.left_out)}."
            yield self._folded(said, "", "  ")
        if result.bundle:
            yield ["", *self._folded(f"{result.bundle} holds:", "")]
            yield [f"  {plain(name)}" for name in result.contents]
            yield self._folded(
                "Keys and the path of your home were taken out; prompts, issues and what agents "
                "said were not. Look through it before you pass it on.",
                "",
            )


def as_text(result: DoctorResult) -> str:
    """A whole result at 80 columns."""
    page = Page()
    return "\n".join([*map(page.finding, result.findings), page.summary(result)])
