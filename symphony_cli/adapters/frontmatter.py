"""The two halves of WORKFLOW.md: YAML between lines of three dashes, and the prompt below.

Every error names the file and the line. Only the syntax is judged here; `config` knows the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from symphony_cli.adapters.regular import read_regular
from symphony_cli.adapters.yaml_depth import is_shallow
from symphony_cli.errors import ConfigError

_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FENCE = "---"
_DEPTH = 3
"""Section, key, and the names in a map: so deep keys are texts and null counts as absent."""


@dataclass(frozen=True, slots=True)
class Document:
    """WORKFLOW.md, taken apart. `prompt_line` is where the prompt begins in the file."""

    path: Path
    data: bytes
    front: dict[str, object]
    prompt: str
    prompt_line: int
    has_front: bool
    root: yaml.Node | None = None

    @property
    def text_hash(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def line(self, where: Sequence[str | int]) -> int:
        """The line of a key, or of the nearest one above it that is there."""
        here, found = self.root, self.root
        for step in where:
            name, here = _child(here, step)
            if here is None:
                break
            found = name
        return found.start_mark.line + 1 if found is not None else 1

    def value_line(self, where: Sequence[str | int]) -> int:
        """The line at which the text of a value begins (below the `|` of a block)."""
        here = self.root
        for step in where:
            _, here = _child(here, step)
        if not isinstance(here, yaml.ScalarNode):
            return self.line(where)
        return here.start_mark.line + (2 if here.style in ("|", ">") else 1)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(step):
                return name, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None, None


def read_document(path: Path) -> Document:
    """Read and take apart a WORKFLOW.md.

    Raises:
        ConfigError: it is missing, unreadable, not UTF-8, not YAML, has no end of the front matter,
            or its front matter is no map.
    """
    try:
        data, _ = read_regular(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist: create it, or name another file with --workflow."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): check the file.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8; save the file as UTF-8.") from error
    return _take_apart(path, data, text.replace("\r\n", "\n").split("\n"))


def _take_apart(path: Path, data: bytes, lines: list[str]) -> Document:
    if lines[0].rstrip() != _FENCE:
        prompt, line = _prompt(lines, 0)
        return Document(path, data, {}, prompt, line, has_front=False)
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == _FENCE), None)
    if end is None:
        raise ConfigError(
            f"{path}, line 1: the front matter has no end; put a line of three dashes (---)"
            " between the settings and the prompt."
        )
    root, front = _parse(path, "\n".join(["", *lines[1:end], ""]))
    prompt, line = _prompt(lines, end + 1)
    return Document(path, data, front, prompt, line, has_front=True, root=root)


def _prompt(lines: list[str], start: int) -> tuple[str, int]:
    first = next((n for n in range(start, len(lines)) if lines[n].strip()), start)
    return "\n".join(lines[first:]).strip(), first + 1


def _parse(path: Path, text: str) -> tuple[yaml.Node | None, dict[str, object]]:
    root: yaml.Node | None = None
    try:
        loader = _FastLoader(text) if is_shallow(text) else yaml.SafeLoader(text)
        root = loader.get_single_node()
        _refuse_twins(path, root)
        value = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = error.problem or "it cannot be understood"
        raise ConfigError(f"{path}, line {line}: not valid YAML: {problem}.") from error
    except ValueError as error:
        line = _misshapen(root)
        raise ConfigError(f"{path}, line {line}: not valid YAML: {error}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path}, line 2: the front matter is nested too deeply.") from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{path}, line 2: not valid YAML: {first}.") from error
    if value is None:
        return root, {}
    if not isinstance(value, dict):
        raise ConfigError(
            f"{path}, line 2: the front matter is no map; write `section:` and indented keys."
        )
    return root, _tidy(value, _DEPTH)


def _misshapen(root: yaml.Node | None) -> int:
    """Line of the scalar that looks like a date or a number and is none: PyYAML does not tell."""
    front, seen = [root], {id(root)}
    while front:
        node = front.pop()
        if isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_object(node)
            except ValueError:
                return node.start_mark.line + 1
        elif isinstance(node, yaml.CollectionNode):
            pairs = (child if isinstance(child, tuple) else (child,) for child in node.value)
            new = [part for pair in pairs for part in pair if id(part) not in seen]
            seen.update(map(id, new))
            front += reversed(new)
    return 1


def _refuse_twins(path: Path, root: yaml.Node | None) -> None:
    """YAML forbids a key twice, PyYAML takes the last: half of somebody's settings would go."""
    if not isinstance(root, yaml.MappingNode):
        return
    for mapping in (root, *(v for _, v in root.value if isinstance(v, yaml.MappingNode))):
        seen: set[str] = set()
        for name, _ in mapping.value:
            if not isinstance(name, yaml.ScalarNode) or name.value == "<<":
                continue
            if name.value in seen:
                line = name.start_mark.line + 1
                raise ConfigError(f"{path}, line {line}: {name.value} is given a second time.")
            seen.add(name.value)


def _tidy(value: dict[object, object], depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, item in value.items():
        if item is None and depth > 1:
            continue
        nested = isinstance(item, dict) and depth > 1
        found[str(name)] = _tidy(item, depth - 1) if nested else item  # type: ignore[arg-type]
    return found
