"""Edits of a front matter that change only their own characters.

The YAML library told where each value stands in the text; an edit replaces exactly that span, so
comments, key order, quoting, line ends and unknown keys survive by construction. After each edit
the front matter is read again and must say what was meant; if it does not (an anchor, a tag, a
form nobody foresaw) the edit is refused and a person is asked to make it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from symphony_cli.adapters.markdown_front import (
    Front,
    Unreadable,
    Value,
    list_of,
    parse_front,
    text_of,
)

_PLAIN = re.compile(r"\w(?:[\w ./+@()-]*[\w.)+])?")
_BY_HAND = "`{}` is written in a form that we cannot change safely; change it by hand"


def write_text(front: Front, key: str, new: str) -> str:
    """The whole text with the value of `key` replaced, in the quoting it had.

    Raises:
        Unreadable: the value is written in a form that we cannot change safely.
    """
    value = front.values.get(key)
    if value is None:
        text = _insert(front, f"{key}: {scalar(new)}")
    else:
        old = front.text[value.start : value.end]
        style = value.node.style if value.node is not None else None
        written = scalar(new, style if style in ("'", '"') else "")
        gap = " " if not old else ""
        end = front.newline if old.endswith("\n") else ""
        text = front.text[: value.start] + gap + written + end + front.text[value.end :]
    return _checked(front, text, key, text_of, new)


def add_entry(front: Front, key: str, entry: str) -> str:
    """The whole text with one more entry in the list of `key`.

    Raises:
        Unreadable: the list is written in a form that we cannot change safely.
    """
    value, wanted = front.values.get(key), (*list_of(front, key), entry)
    if value is None:
        text = _insert(front, f"{key}: [{scalar(entry)}]")
    elif value.node is None or isinstance(value.node, yaml.ScalarNode):
        old = front.text[value.start : value.end]
        kept = f"{old}, " if value.node is not None and wanted[:-1] else ""
        written = f"{'' if old else ' '}[{kept}{scalar(entry)}]"
        text = front.text[: value.start] + written + front.text[value.end :]
    else:
        text = _append_entry(front, value, scalar(entry))
    return _checked(front, text, key, list_of, wanted)


def _append_entry(front: Front, value: Value, written: str) -> str:
    text, nodes = front.text, value.node.value
    if value.node.flow_style:
        at = front.start + nodes[-1].end_mark.index if nodes else value.start + 1
        return f"{text[:at]}{', ' if nodes else ''}{written}{text[at:]}"
    last = front.start + nodes[-1].end_mark.index
    at = last if text[last - 1] == "\n" else text.index("\n", last) + 1
    indent = " " * value.node.start_mark.column
    return f"{text[:at]}{indent}- {written}{front.newline}{text[at:]}"


def drop_entry(front: Front, key: str, index: int) -> str:
    """The whole text without one entry (counted from 0) of the list of `key`.

    Raises:
        Unreadable: the list is written in a form that we cannot change safely.
    """
    value, before = front.values[key], list_of(front, key)
    wanted = before[:index] + before[index + 1 :]
    if isinstance(value.node, yaml.ScalarNode):
        text = front.text[: value.start] + "[]" + front.text[value.end :]
    elif value.node.flow_style:
        text = _drop_from_flow(front, value, index)
    else:
        text = _drop_from_block(front, value, index)
    return _checked(front, text, key, list_of, wanted)


def _drop_from_flow(front: Front, value: Value, index: int) -> str:
    nodes, text = value.node.value, front.text
    start, end = nodes[index].start_mark.index, nodes[index].end_mark.index
    if index + 1 < len(nodes):
        end = nodes[index + 1].start_mark.index
    elif index:
        start = nodes[index - 1].end_mark.index
    rest = text[front.start + end :]
    if len(nodes) == 1:
        rest = re.sub(r"\A\s*,", "", rest)
    return text[: front.start + start] + rest


def _drop_from_block(front: Front, value: Value, index: int) -> str:
    node, text = value.node.value[index], front.text
    dash = text.rindex("-", 0, front.start + node.start_mark.index)
    start, last = text.rindex("\n", 0, dash) + 1, front.start + node.end_mark.index
    end = last if text[last - 1] == "\n" else text.index("\n", last) + 1
    return text[:start] + text[end:]


def _insert(front: Front, line: str) -> str:
    text = front.text
    return f"{text[: front.end]}{front.indent}{line}{front.newline}{text[front.end :]}"


def _checked(
    front: Front, text: str, key: str, read: Callable[[Front, str], object], wanted: object
) -> str:
    """`text`, after making sure that it says what was meant and nothing else changed."""
    line = front.values[key].line if key in front.values else 2
    try:
        after = parse_front(text)
        same = _others(after, key) == _others(front, key)
        if same and read(after, key) == wanted and text[after.body :] == front.text[front.body :]:
            return text
    except Unreadable as error:
        raise Unreadable(line, _BY_HAND.format(key)) from error
    raise Unreadable(line, _BY_HAND.format(key))


def _others(front: Front, key: str) -> list[tuple[str, str]]:
    """Every other key and how its value is written, in order."""
    return [
        (name, front.text[value.start : value.end])
        for name, value in front.values.items()
        if name != key
    ]


def scalar(value: str, style: str = "") -> str:
    """`value` as YAML that stands in any place: plain when nobody can misread it, else quoted."""
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == "" and _PLAIN.fullmatch(value) and _is_text(value):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


@cache
def _is_text(value: str) -> bool:
    """Whether YAML readers take the plain form for text (not for yes, 12 or a date)."""
    resolver: Any = yaml.SafeLoader("")
    return bool(resolver.resolve(yaml.ScalarNode, value, (True, False)) == "tag:yaml.org,2002:str")


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    if character.isprintable():
        return character
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
