"""Entries of a log as lines for people: one agent, followed on a terminal or in a file."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from symphony_cli.core import report
from symphony_cli.core import said as s
from symphony_cli.core.usage import Usage

_GUTTER = " " * 10
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_MOST_COMMAND, _MOST_FAILED, _MOST_DONE = 12, 20, 4
_LONGEST = 2000
_HIDDEN = ("Cc", "Cf", "Cs")
_MOST_RUNS = 5

_PHASES = {
    "issue": "reads the issue",
    "workspace": "makes the workspace ready",
    "prompt": "writes the prompt",
    "launch": "starts Codex",
    "refresh": "asks the tracker whether to go on",
    "cleanup": "cleans up and keeps the work",
}
_UNTOLD = ("turn", "closing", "ending")
"""Phases that other lines tell better."""

_GOOD = ("handed_over", "rolled_over")
_NEUTRAL = ("stopped", "interrupted", "not_eligible")


class Page:
    """Turns entries into lines, in order. It knows what stands above, and says nothing twice.

    Args:
        colour: use the terminal's colours.
        width: where text is wrapped; None leaves every line as long as it is.
    """

    def __init__(self, *, colour: bool, width: int | None = None) -> None:
        self._colour, self._width = colour, width
        self._day: date | None = None
        self._open = ""
        self._phase = ""

    def lines(self, entry: s.Entry) -> list[str]:
        """What an entry adds to the page."""
        body = list(self._body(entry))
        if not body:
            return []
        local = entry.at.astimezone()
        first = f"{local:%H:%M:%S}  " if body[0][:1] != "\0" else _GUTTER
        body[0] = body[0].removeprefix("\0")
        lines = [self._paint("2", first) + body[0], *(_GUTTER + line for line in body[1:])]
        self._open = entry.item if isinstance(entry, s.Worked) and entry.state == "began" else ""
        return [*self._head(entry, local), *(line.rstrip() for line in lines)]

    def _head(self, entry: s.Entry, local: datetime) -> Iterator[str]:
        """A line for each new day, and space where something new begins."""
        first, self._day = self._day is None, self._day or local.date()
        apart = isinstance(entry, s.RunBegan | s.Prompted)
        if apart and not first:
            yield ""
        if local.date() != self._day or isinstance(entry, s.RunBegan):
            self._day = local.date()
            yield self._paint("2", f"{local:%A, %d %B %Y}")

    def _body(self, entry: s.Entry) -> Iterator[str]:
        match entry:
            case s.Worked():
                yield from self._worked(entry)
            case s.Spoke(text=text, agent=agent):
                yield from self._text(_who(agent) + text)
            case s.Thought(text=text, agent=agent):
                yield from self._text(f"{_who(agent)}(thinks) {text}", "2")
            case s.Prompted(text=text):
                yield from self._prompt(text)
            case s.Planned(steps=steps):
                yield self._paint("1", "Plan")
                yield from (f"  {_clean(step)}" for step in steps)
            case s.Edited():
                yield from self._edited(entry)
            case s.Retried(text=text):
                yield from self._text(f"! model: {text}", "33")
            case s.Warned(text=text):
                yield from self._text(f"! Codex: {text}", "33")
            case s.Note(text=text):
                yield from self._text(text, "2")
            case s.PartBegan():
                return
            case s.RunBegan() | s.TurnOver() | s.RunOver():
                yield from self._marks(entry)
            case _:
                yield from self._reported(entry)

    # Beginnings and ends.

    def _marks(self, entry: s.RunBegan | s.TurnOver | s.RunOver) -> Iterator[str]:
        match entry:
            case s.RunBegan():
                yield self._paint("1", f"{_clean(entry.issue)}  {_clean(entry.title)}".rstrip())
                yield self._paint("2", _which_run(entry))
            case s.TurnOver():
                good = entry.status == "completed"
                head = f"Turn {entry.number} {_clean(entry.status)} after {_span(entry.seconds)}"
                yield self._paint("1" if good else "1;33", head) + f"; {_tokens(entry.spent)}"
                if entry.error:
                    yield from self._text(entry.error, "33")
                if entry.total != entry.spent:
                    yield self._paint("2", f"this run so far: {_tokens(entry.total)}")
            case s.RunOver():
                yield from self._run_over(entry)

    def _run_over(self, over: s.RunOver) -> Iterator[str]:
        word = over.outcome.value
        colour = "32" if word in _GOOD else "33" if word in _NEUTRAL else "31"
        took = f" after {_span(over.seconds)}" if over.seconds is not None else ""
        why = over.detail or over.reason
        head = f"Run {over.number} ended{took}: {word.replace('_', ' ')}"
        yield self._paint(f"1;{colour}", head) + (f" ({_clean(why)})" if why else "")
        turns = f"{over.turns} {'turn' if over.turns == 1 else 'turns'} completed"
        facts = [turns, f"{over.spent.spend():,} tokens spent ({_tokens(over.spent)})"]
        if over.commits:
            commits = f"{over.commits} new {'commit' if over.commits == 1 else 'commits'}"
            facts.append(f"{commits} on {_clean(over.branch)}" if over.branch else commits)
        if over.rescue:
            facts.append(f"unpushed work is kept as {_clean(over.rescue)}")
        yield self._paint("2", "; ".join(facts))

    def _reported(self, line: report.Line) -> Iterator[str]:
        match line:
            case report.Phase(name=name):
                yield from self._phase_line(name)
            case report.ThreadBegan():
                how = "goes on with thread" if line.resumed else "began thread"
                yield self._paint("2", f"Codex {line.thread.version} {how} {line.thread.id}")
                if line.fresh_because:
                    why = "! a new thread, because the old one could not go on: "
                    yield from self._text(why + line.fresh_because, "33")
            case report.TurnBegan(number=number):
                yield self._paint("1", f"Turn {number} began")
            case report.Said(text=text):
                yield from self._text(text)
            case report.ToolCalled():
                mark = "ok" if line.success else f"failed: {line.detail}"
                yield from self._text(f"> {line.tool}: {mark}", "" if line.success else "31")
            case report.Asked():
                yield from self._text(f"? {line.text or line.question}", "33")
                yield self._paint("33", f"  answered by policy: {_clean(line.answer)}")
            case report.Stalled(silent=silent):
                sentence = f"! nothing was heard for {_span(silent)}: the turn is interrupted"
                yield self._paint("33", sentence)
            case report.Closing():
                what = f"The run ends: {line.outcome.value.replace('_', ' ')}"
                until = (
                    f", until {line.hold_until.astimezone():%d %B %H:%M}" if line.hold_until else ""
                )
                why = f" ({line.detail or line.reason})" if line.detail or line.reason else ""
                yield from self._text(f"{what}{until}{why}", "2")
            case report.Ended(step=step, pids=pids) if pids and step != "eof":
                yield self._paint("2", f"ended processes ({step}): {', '.join(map(str, pids))}")

    def _phase_line(self, name: str) -> Iterator[str]:
        if name == "supervisor":  # between prepare's word for it and its own
            return
        before, self._phase = self._phase, name
        if name not in _UNTOLD and name != before:
            yield self._paint("2", f"· {_PHASES.get(name, _clean(name))}")

    # What the agent does.

    def _worked(self, work: s.Worked) -> Iterator[str]:
        continued = work.state != "began" and work.item == self._open
        mark = {"command": "$", "tool": ">", "mcp": ">"}.get(work.kind, f"> {_clean(work.kind)}")
        head = f"{_who(work.agent)}{mark} {work.title}".rstrip()
        if not continued:
            lines = head.splitlines() or [""]
            shown = lines[:_MOST_COMMAND] if work.state == "began" else lines[:1]
            yield from (self._paint("36", _line(line)) for line in shown)
            left = len(lines) - len(shown)
            if left:
                yield self._paint("2", f"… {left} more {'line' if left == 1 else 'lines'}")
        if work.state == "began":
            return
        mark = "\0" if continued else ""
        for line in [*self._output(work), self._how_it_ended(work)]:
            yield f"{mark}  {line}"
            mark = ""

    def _output(self, work: s.Worked) -> Iterator[str]:
        most = _MOST_DONE if work.state == "done" else _MOST_FAILED
        longest = _LONGEST if self._width is None else 3 * self._width
        said = [raw for raw in work.output.split("\n") if not raw.isspace() and raw]
        left = len(said) - most
        if left > 0:
            yield self._paint("2", f"… {left} {'line' if left == 1 else 'lines'} before")
        lines = (_line(raw, longest) for raw in said[max(0, left) :])  # only what is shown
        yield from (self._paint("2", line) for line in lines if line)

    def _how_it_ended(self, work: s.Worked) -> str:
        seconds = work.seconds or 0.0
        took = f" after {_span(seconds)}" if seconds >= 0.05 else ""
        if work.state == "done":
            return self._paint("32", "ok") + self._paint("2", took)
        code = work.exit_code
        word = f"exit {code}" if code is not None and code != -1 else work.state
        return self._paint("31", "ended by force" if code == -1 else word) + self._paint("2", took)

    def _edited(self, edited: s.Edited) -> Iterator[str]:
        if edited.state != "done":
            yield self._paint("31", f"{_who(edited.agent)}patch {edited.state}")
        for file in edited.files:
            counts = (("+", file.added), ("-", file.removed))
            size = [f"{sign}{count}" for sign, count in counts if count]
            if file.left_out:
                size = [f"({file.left_out / 1e6:.1f} MB)"]
            word = {"add": "new", "delete": "deleted"}.get(file.change, "edited")
            head = self._paint("35", f"{_who(edited.agent)}{word} {_clean(file.path)}")
            yield " ".join([head, *size])

    def _prompt(self, text: str) -> Iterator[str]:
        lines = [line for line in text.splitlines() if line.strip()]
        more = f" … {len(lines)} lines" if len(lines) > 1 else ""
        yield self._paint("2", f"we ask: {_line(lines[0] if lines else '')}{more}")

    # Text.

    def _text(self, text: str, style: str = "") -> Iterator[str]:
        """Foreign text, all of it, line by line, wrapped where there is a width."""
        for line in text.strip("\n").splitlines() or [""]:
            clean = _clean(line.rstrip())
            yield from (self._paint(style, part) for part in self._wrapped(clean))

    def _wrapped(self, line: str) -> Iterable[str]:
        if self._width is None or len(line) + len(_GUTTER) <= self._width:
            return [line]
        indent = line[: len(line) - len(line.lstrip(" -*0123456789."))]
        room = max(20, self._width - len(_GUTTER))
        return textwrap.wrap(
            line,
            room,
            subsequent_indent=" " * min(len(indent), 12),
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        ) or [line]

    def _paint(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style and text else text


def _clean(line: str) -> str:
    """One line of foreign text without what could drive a terminal; tabs become spaces."""
    seen = (c for c in _ESCAPE.sub("", line) if c == "\t" or unicodedata.category(c) not in _HIDDEN)
    return "".join(seen).expandtabs(4)


def _line(line: str, longest: int = _LONGEST) -> str:
    """A line of output: what a progress bar wrote over is gone, the end of a huge one, too."""
    line = _clean(line.rstrip("\r").rpartition("\r")[2].rstrip())
    return line if len(line) <= longest else f"{line[:longest]} … {len(line) - longest} more"


def _who(agent: str) -> str:
    return f"[sub-agent {agent[-6:]}] " if agent else ""


def _which_run(began: s.RunBegan) -> str:
    kind = f", attempt {began.attempt} ({_clean(began.kind)})" if began.kind else ""
    others = [number for number in began.of if number != began.number]
    if not others:
        return f"run {began.number}, the only one{kind}"
    named = ", ".join(map(str, others[-_MOST_RUNS:]))
    more = f" and {len(others) - _MOST_RUNS} older" if len(others) > _MOST_RUNS else ""
    how = f"symphony logs {began.key} --run {others[-1]}"
    return f"run {began.number}{kind}; others: {named}{more} ({how})"


def _tokens(usage: Usage) -> str:
    cached = f", {usage.cached_input:,} of them cached" if usage.cached_input else ""
    return f"{usage.input:,} tokens in{cached}, {usage.output:,} out"


def _span(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
