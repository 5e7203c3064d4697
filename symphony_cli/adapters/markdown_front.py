"""The front matter of an issue file: where it is, and what its keys say.

Every value keeps its place in the text, which is what `markdown_edit` goes by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from symphony_cli.adapters.yaml_depth import is_shallow

LONGEST = 64 * 1024
"""Characters of front matter beyond which a file is taken for something else."""

_FENCE = re.compile(r"---[ \t]*\r?(?:\n|\Z)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Unreadable(ValueError):
    """A file that is no issue file, or one that cannot be edited as asked.

    `line` counts from 1 in the file; 0 means the file as a whole.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Value:
    """One key's value as it stands in the text; `node` is None when there is nothing (or null)."""

    start: int
    end: int
    line: int
    node: Any


@dataclass(frozen=True, slots=True)
class Front:
    """A front matter: `text[start:end]` is its YAML, `body` is where the rest of the file begins.

    Positions in `values` count in the whole text.
    """

    text: str
    start: int
    end: int
    body: int
    values: dict[str, Value]
    indent: str

    @property
    def newline(self) -> str:
        """How lines of this file end."""
        return "\r\n" if self.text[: self.start].endswith("\r\n") else "\n"


def parse_front(text: str) -> Front:
    """Find and read the front matter.

    Raises:
        Unreadable: the file is empty or half-saved, or its front matter is no YAML map.
    """
    begin = 1 if text.startswith("\ufeff") else 0
    if not text[begin:].strip():
        raise Unreadable(1, "the file is empty (perhaps it is being saved)")
    opening = _FENCE.match(text, begin)
    if opening is None:
        raise Unreadable(1, "the file must begin with a line `---` and its front matter")
    at = opening.end()
    while (closing := _FENCE.match(text, at)) is None:
        at = text.find("\n", at) + 1
        if at == 0:
            raise Unreadable(1, "the front matter has no closing line `---` (half-saved?)")
        if at - opening.end() > LONGEST:
            raise Unreadable(1, f"the front matter is longer than {LONGEST} characters")
    values, indent = _values(text[opening.end() : at], opening.end())
    return Front(text, opening.end(), at, closing.end(), values, indent)


def _values(source: str, offset: int) -> tuple[dict[str, Value], str]:
    root = _compose(source)
    if not isinstance(root, yaml.MappingNode):
        raise Unreadable(2, "the front matter must be a map of keys and values, as `state: Todo`")
    values: dict[str, Value] = {}
    for key, node in root.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 2
        if key.value in values:
            raise Unreadable(line, f"the key `{key.value}` is there twice")
        null = isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULLS
        span = offset + node.start_mark.index, offset + node.end_mark.index
        values[key.value] = Value(*span, line, None if null else node)
    return values, " " * root.start_mark.column


def _compose(source: str) -> Any:
    """The YAML tree with every scalar as the text it is (`no` is a state, not False)."""
    fast = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    loader = fast if is_shallow(source) else yaml.BaseLoader
    try:
        return yaml.compose(source, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be read"
        raise Unreadable((mark.line if mark else 0) + 2, f"not valid YAML: {problem}") from error
    except yaml.YAMLError as error:
        raise Unreadable(2, f"not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise Unreadable(2, "the front matter is nested too deeply") from error


def text_of(front: Front, key: str) -> str | None:
    """The value of a key that holds one text; None when it is absent or empty.

    Raises:
        Unreadable: it holds a list or a map.
    """
    value = front.values.get(key)
    if value is None or value.node is None:
        return None
    if not isinstance(value.node, yaml.ScalarNode):
        raise Unreadable(value.line, f"`{key}` must be one text, not a list or a map")
    return value.node.value.strip() or None


def list_of(front: Front, key: str) -> tuple[str, ...]:
    """The texts of a key that holds a list; a single text counts as a list of one.

    Raises:
        Unreadable: it holds a map, nested lists, empty entries, or several texts without brackets.
    """
    value = front.values.get(key)
    if value is None or value.node is None:
        return ()
    if isinstance(value.node, yaml.ScalarNode):
        if not value.node.style and "," in value.node.value:
            raise Unreadable(value.line, f"`{key}` must be a list: `[{value.node.value}]`")
        return (value.node.value.strip(),) if value.node.value.strip() else ()
    entries = []
    for node in _entries(value, key):
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            line = node.start_mark.line + 2
            raise Unreadable(line, f"`{key}` must be a list of texts; an entry is none")
        entries.append(node.value.strip())
    return tuple(entries)


def _entries(value: Value, key: str) -> list[Any]:
    if not isinstance(value.node, yaml.SequenceNode):
        raise Unreadable(value.line, f"`{key}` must be a list of texts, not a map")
    return list(value.node.value)
