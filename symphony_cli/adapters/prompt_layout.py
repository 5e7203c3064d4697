"""What of a rendered prompt is the template's own text, and which line of it each piece is from.

Jinja2 does not tell, so marks are set into the template before it is rendered: characters that no
text of people has (private use, which filters leave alone), before each piece of text and each
expression. They are taken out again here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symphony_cli.adapters.prompt import lexed
from symphony_cli.core.prompt_order import Piece

_STATIC, _DYNAMIC = "\ue000", "\ue001"
_DIGITS = {str(digit): chr(0xE010 + digit) for digit in range(10)}
_ENCODED = str.maketrans(_DIGITS)
_DECODED = str.maketrans({mark: digit for digit, mark in _DIGITS.items()})
_MARK = re.compile("([\ue000\ue001])([\ue010-\ue019]+)")


def marked(template: str) -> tuple[str, int]:
    """The template with marks, and the size of its static text in bytes."""
    parts: list[str] = []
    static = 0
    for line, kind, text in lexed(template):
        if kind == "data":
            parts += [_mark(_STATIC, line), text]
            static += len(text.encode())
        elif kind == "variable_begin":
            parts += [_mark(_DYNAMIC, line), text]
        else:
            parts.append(text)
    return "".join(parts), static


def pieces(rendered: str, first_line: int) -> tuple[Piece, ...]:
    """The pieces of a prompt that was rendered from a marked template, which begins in this line
    of its file."""
    return tuple(_pieces(rendered, first_line))


def _pieces(rendered: str, first_line: int) -> Iterator[Piece]:
    found = [*_MARK.finditer(rendered)]
    if rendered[: found[0].start() if found else None]:
        yield Piece(first_line, rendered[: found[0].start() if found else None], False)
    for at, mark in enumerate(found):
        end = found[at + 1].start() if at + 1 < len(found) else len(rendered)
        line = int(mark[2].translate(_DECODED)) + first_line - 1
        yield Piece(line, rendered[mark.end() : end], mark[1] == _STATIC)


def _mark(kind: str, line: int) -> str:
    return kind + str(line).translate(_ENCODED)
