"""A long line of JSON made short, so that it still says what it is about.

Lines of several megabytes are normal in Codex's protocol (a patch, a command's output). Nearly all
of that is a few long texts: of those the beginning and the end are kept, so method, ids, status and
exit code stay. This works on bytes; only a line whose length comes from many small members is
decoded, because a supervisor has little memory.
"""

from __future__ import annotations

import json
import re
from functools import partial

from symphony_cli.core.shape import Json

_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WHOLE_UNITS = re.compile(rb"(?:[^\\]|\\u[0-9a-fA-F]{4}|\\[^u])*+", re.DOTALL)
_GAP = re.compile(rb"\\n\[(\d{1,12}) bytes left out\]\\n")
_LEFT_OUT = re.compile(r"\n\[(\d{1,12}) bytes left out\]\n")
_SIZES = (16_384, 4096, 512, 64)
_MANY = 40


def shorten(line: bytes, most: int) -> bytes:
    """`line`, which is JSON without its end, in at most `most` bytes of JSON.

    Long texts lose their middle (see `left_out`), then long lists and maps their later members. A
    line that is too long even then, or no JSON, becomes a text: its beginning.
    """
    if len(line) <= most:
        return line
    for size in _SIZES:
        if size * 3 < most:
            line = _TEXT.sub(partial(_cut, size), line)
            if len(line) <= most:
                return line
    try:
        short = json.dumps(_fewer(json.loads(line)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return beginning(line, most)
    data = short.encode("utf-8", "replace")
    return data if len(data) <= most else beginning(line, most)


def beginning(line: bytes, most: int) -> bytes:
    """The beginning of any bytes as one JSON text of at most `most` bytes, at least two."""
    for room in (most - 5, most // 2 - 5, most // 6 - 5, 0):
        kept = line[: max(0, room)].decode("utf-8", "ignore" if len(line) > room else "replace")
        text = kept + ("…" if len(line) > room > 0 else "")
        data = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
        if len(data) <= most:
            return data
    return b'""'


def left_out(text: str) -> int:
    """How many bytes of a text were left out when its line was shortened."""
    return sum(int(found) for found in _LEFT_OUT.findall(text))


def _cut(size: int, found: re.Match[bytes]) -> bytes:
    """A JSON text, quotes included, without its middle: cut between characters, never in one.

    It may have megabytes, so nothing but its two ends is copied.
    """
    line, first, last = found.string, found.start() + 1, found.end() - 1
    if last - first <= 2 * size + 64:
        return found[0]
    head = _characters(_units(line[first : first + size]))
    tail = _characters(line[_unit_start(line, last - size, first) : last])
    gaps = _GAP.finditer(line, first + len(head), last - len(tail))  # of an earlier, gentler cut
    gone = last - first - len(head) - len(tail) + sum(int(g[1]) - len(g[0]) for g in gaps)
    return b'"' + head + rb"\n[%d bytes left out]\n" % gone + tail + b'"'


def _unit_start(line: bytes, at: int, first: int) -> int:
    """Where the next character begins, when `at` may be within an escape."""
    before = at
    while before > first and line[before - 1] == 0x5C:
        before -= 1
    if (at - before) % 2 == 0:
        return at
    return at + (5 if line[at] == 0x75 else 1)


def _units(data: bytes) -> bytes:
    found = _WHOLE_UNITS.match(data)
    return found[0] if found is not None else b""


def _characters(data: bytes) -> bytes:
    return data.decode("utf-8", "ignore").encode()


def _fewer(value: Json) -> Json:
    """The first members of every list and map."""
    if isinstance(value, list):
        return [_fewer(one) for one in value[:_MANY]]
    if isinstance(value, dict):
        return {name: _fewer(value[name]) for name in list(value)[:_MANY]}
    return value
