"""The text below the front matter: the description, and the comments under `## Comments`.

A comment of ours is a heading with date and author, an invisible marker with the id of the write,
and its text as a block quote:

    ### 2026-03-01T09:30:00.000Z · symphony
    <!-- symphony:w_0123456789 -->

    > The text.

The quote is what keeps a file whole: whatever an agent writes (a heading, `---`, a fence that is
never closed, our marker), no line of it begins a line of the file. It also tells our words from
those that a person types right below them. What people write may have any form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from symphony_cli.core.issue import Comment
from symphony_cli.core.times import parse_stamp, stamp
from symphony_cli.ids import digest

AUTHOR = "symphony"
"""Who signs the comments that we write."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_SECTION = re.compile(r" {0,3}##[ \t]+comments[ \t]*#*[ \t]*", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}###[ \t]+(.*?)[ \t]*#*[ \t]*")
_MARKER = re.compile(r"<!-- symphony:(.+?) -->[ \t]*")
_DATED = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"(?:[ \t]*[·|,:–—-][ \t]*|[ \t]+|$)(.*)"
)
_LINE_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FORGED = re.compile(r"<(?=!--\s*symphony:)|&(?=(?:amp;)*lt;!--\s*symphony:)")
_UNFORGED = re.compile(r"&lt;(?=!--\s*symphony:)|&amp;(?=(?:amp;)*lt;!--\s*symphony:)")
_JUST_AFTER = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    """Without its line end."""
    start: int
    fence: str
    """The fence of the code block that this line stands in or ends, else empty."""
    open_after: str


def _lines(body: str) -> Iterator[_Line]:
    """The lines, each with the code block it belongs to (CommonMark 0.31, section 4.5)."""
    at, fence = 0, ""
    for raw in body.split("\n"):
        text = raw.removesuffix("\r")
        found, before = _FENCE.fullmatch(text), fence
        if found and not fence and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
            yield _Line(text, at, fence, fence)
        else:
            if found and before and found[1].startswith(before) and not found[2].strip():
                fence = ""
            yield _Line(text, at, before, fence)
        at += len(raw) + 1


def _split(body: str) -> tuple[int, list[_Line]]:
    """Where the description ends, and the lines below `## Comments` (none without one)."""
    lines = list(_lines(body))
    for number, line in enumerate(lines):
        if not line.fence and _SECTION.fullmatch(line.text):
            return line.start, lines[number + 1 :]
    return len(body), []


def description(body: str) -> str:
    """What stands above `## Comments`, with plain line ends."""
    return body[: _split(body)[0]].replace("\r\n", "\n").strip()


@dataclass(slots=True)
class _Entry:
    """A comment while it is read; `taken` turns true when our quote is over."""

    heading: str | None
    marker: str = ""
    lines: list[str] = field(default_factory=list)
    over: bool = False


def comments(body: str) -> tuple[Comment, ...]:
    """Everything said below `## Comments`, in file order; ours are `bot` and carry their write id.

    A comment without a date (or with a day only) counts as written just after the one above it,
    because files grow at their end; above the first date it has none. Below a comment of ours this
    holds whatever date a person gave: people write in their own time of day, and an answer must
    not be older than the question.
    """
    found: list[Comment] = []
    last: datetime | None = None
    below_ours = False
    for entry in _entries(_split(body)[1]):
        comment = _comment(entry, last, below_ours)
        if comment is not None:
            found.append(comment)
            last = comment.created_at or last
            below_ours = below_ours or comment.bot
    return tuple(found)


def said_since(said: tuple[Comment, ...], since: datetime) -> tuple[Comment, ...]:
    """The comments that are dated then or later, oldest first. What has no date stands above all
    that has one, and is older."""
    dated = [(one.created_at, one) for one in said if one.created_at is not None]
    return tuple(one for at, one in sorted(dated, key=lambda pair: pair[0]) if at >= since)


def _entries(lines: list[_Line]) -> list[_Entry]:
    entries = [_Entry(None)]
    for line in lines:
        heading = None if line.fence else _HEADING.fullmatch(line.text)
        entry = entries[-1]
        marker = None
        if entry.heading is not None and not entry.marker and not any(entry.lines):
            marker = _MARKER.fullmatch(line.text)
        if heading:
            entries.append(_Entry(heading[1]))
        elif marker:
            entry.marker, entry.lines = marker[1], []
        elif not line.fence and _SECTION.fullmatch(line.text):
            entries.append(_Entry(None))
        elif entry.marker:
            _take_own(entries, line.text)
        else:
            entry.lines.append(line.text)
    return entries


def _take_own(entries: list[_Entry], text: str) -> None:
    """A line below a marker: part of our quote, the gap after it, or somebody's answer."""
    entry = entries[-1]
    if text.startswith(">") and not entry.over:
        entry.lines.append(text[1:].removeprefix(" "))
    elif text.strip():
        entries.append(_Entry(None, lines=[text]))
    else:
        entry.over = bool(entry.lines)


def _comment(entry: _Entry, last: datetime | None, below_ours: bool) -> Comment | None:
    when, author = _signature(entry.heading or "", last)
    if entry.marker:
        body = _UNFORGED.sub(_unforge, "\n".join(entry.lines))
        return Comment(body, author, when, entry.marker, bot=True)
    if below_ours and when is not None and last is not None:
        when = max(when, last + _JUST_AFTER)
    lines = entry.lines
    if entry.heading is not None and _date(entry.heading) is None:
        lines = [f"### {entry.heading}", *lines]
    body = "\n".join(lines).strip()
    if not body:
        return None
    return Comment(body, author, when, "c_" + digest(f"{entry.heading}\x1f{body}", 12))


def _date(heading: str) -> tuple[datetime, bool, str] | None:
    """Date, whether it names a time of day, and the rest; None for a heading without a date."""
    found = _DATED.fullmatch(heading)
    if found is None:
        return None
    try:
        moment = parse_stamp(found[1] + (found[2] or "").replace(",", "."))
    except (ValueError, OverflowError):
        return None
    return moment, found[2] is not None, found[3].strip()


def _signature(heading: str, last: datetime | None) -> tuple[datetime | None, str]:
    dated = _date(heading)
    after = None if last is None else last + _JUST_AFTER
    if dated is None:
        return after, ""
    moment, exact, author = dated
    return (moment if exact or after is None else max(moment, after)), author


def marker(write: str) -> str:
    """The invisible line that says that this write has been made."""
    return f"<!-- symphony:{write} -->"


def is_written(text: str, write: str) -> bool:
    """Whether a comment with this write id is there.

    Every line counts, also one that a code block which somebody left open has swallowed: a line
    can only begin with our marker when we wrote it.
    """
    wanted = marker(write)
    return any(line.rstrip() == wanted for line in text.split("\n"))


def clean(body: str) -> str:
    """A comment as it can be written and read back: plain line breaks, no control characters."""
    text = body.encode("utf-8", "replace").decode()
    text = _CONTROLS.sub("\ufffd", _LINE_BREAKS.sub("\n", text))
    return text.strip("\n")


def append(text: str, body_at: int, newline: str, comment: str, write: str, when: datetime) -> str:
    """The file's text with one more comment at its end; `body_at` is where the body begins."""
    *_, last = _lines(text[body_at:])
    added = "" if text.endswith("\n") else newline
    if last.open_after:
        added += last.open_after + newline
    so_far = text[body_at:] + added
    if _split(so_far)[0] == len(so_far):
        added += _gap(text + added) * newline + "## Comments" + newline
    added += _gap(text + added) * newline
    quoted = _FORGED.sub(_forge, clean(comment)).split("\n")
    lines = [f"### {stamp(when)} · {AUTHOR}", marker(write), ""]
    lines += [f"> {line}" if line else ">" for line in quoted]
    return text + added + "".join(line + newline for line in lines)


def _gap(text: str) -> int:
    """How many line ends make an empty line after `text`, which ends with one."""
    return 1 if text.split("\n")[-2].strip() else 0


def _forge(match: re.Match[str]) -> str:
    return "&lt;" if match[0] == "<" else "&amp;"


def _unforge(match: re.Match[str]) -> str:
    return "<" if match[0] == "&lt;" else "&"
