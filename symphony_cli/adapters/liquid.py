"""What to write in Jinja2 for what only Liquid has: prompts of other Symphonies are Liquid.

Most of such a prompt renders as it is. For the rest each sentence here ends an error message.
"""

from __future__ import annotations

import re

_TAGS = {
    "elsif": "write {% elif … %}",
    "elseif": "write {% elif … %}",
    "unless": "write {% if not … %} … {% endif %}",
    "endunless": "write {% endif %} (and {% if not … %} for unless)",
    "case": "write {% if x == … %} … {% elif x == … %} … {% endif %}",
    "when": "write {% elif x == … %}",
    "endcase": "write {% endif %}",
    "assign": "write {% set name = value %}",
    "capture": "write {% set name %} … {% endset %}",
    "endcapture": "write {% endset %}",
    "comment": "write {# … #}",
    "endcomment": "write {# … #}",
    "echo": "write {{ … }}",
    "liquid": "write each tag in its own {% … %}",
    "render": "there are no other files; put the text into this prompt",
    "include": "there are no other files; put the text into this prompt",
    "section": "there are no other files; put the text into this prompt",
    "extends": "there are no other files; put the text into this prompt",
    "import": "there are no other files; put the text into this prompt",
    "tablerow": "write {% for … %} … {% endfor %}",
    "endtablerow": "write {% endfor %}",
    "cycle": "write {{ loop.cycle(…) }} inside {% for … %}",
    "increment": "write {{ loop.index }} inside {% for … %}",
    "decrement": "write {{ loop.revindex }} inside {% for … %}",
    "ifchanged": "write {% if loop.changed(…) %} … {% endif %}",
}
_FILTERS = {
    "upcase": "| upper",
    "downcase": "| lower",
    "size": "| length",
    "strip": "| trim",
    "lstrip": ".lstrip()",
    "rstrip": ".rstrip()",
    "split": ".split(…)",
    "append": "a ~ b",
    "prepend": "b ~ a",
    "remove": '| replace("…", "")',
    "remove_first": '| replace("…", "", 1)',
    "replace_first": '| replace("…", "…", 1)',
    "strip_html": "| striptags",
    "strip_newlines": '| replace("\\n", "")',
    "newline_to_br": '| replace("\\n", "<br>")',
    "url_encode": "| urlencode",
    "escape_once": "| escape",
    "json": "| tojson",
    "uniq": "| unique | list",
    "compact": "| select | list",
    "concat": "a + b",
    "where": '| selectattr("name", "equalto", …) | list',
    "truncatewords": "| truncate(…)",
    "plus": "a + b",
    "minus": "a - b",
    "times": "a * b",
    "divided_by": "a // b",
    "modulo": "a % b",
    "ceil": '| round(0, "ceil") | int',
    "floor": '| round(0, "floor") | int',
    "at_least": "[a, b] | max",
    "at_most": "[a, b] | min",
    "sort_natural": "| sort",
    "slice": "[start:end]",
    "date": "the date as it is; it is ISO 8601",
}
_WORDS = {
    "nil": "none",
    "null": "none",
    "blank": "{% if x %} … {% endif %}, which is false for nothing and for empty text",
    "empty": "{% if x %} … {% endif %}, which is false for an empty list",
    "forloop": "loop.index, loop.first, loop.last …",
}
_MEMBERS = {"size": "| length", "first": "[0]", "last": "[-1]"}

_UNKNOWN_TAG = re.compile(r"unknown tag '(\w+)'")
_UNKNOWN_FILTER = re.compile(r"No filter named '(\w+)'")
_UNKNOWN_WORD = re.compile(r"'(\w+)' is undefined")
_UNKNOWN_MEMBER = re.compile(r"has no attribute '(\w+)'")
_FILTER_WITH_COLON = re.compile(r"\|\s*(\w+)\s*:")
_FOR_WITH_OPTION = re.compile(r"{%-?\s*for\b.*\b(limit|offset)\s*:")
_FOR_REVERSED = re.compile(r"{%-?\s*for\b[^%]*\breversed\b")


def tag_advice(tag: str) -> str:
    """What to write for a Liquid tag, or ""."""
    return _TAGS.get(tag, "")


def advice(message: str, line: str) -> str:
    """What to write instead, judged by Jinja2's message and the line it is about, or ""."""
    if match := _UNKNOWN_TAG.search(message):
        return tag_advice(match[1])
    if match := _UNKNOWN_FILTER.search(message):
        return _filter_advice(match[1])
    if match := _UNKNOWN_MEMBER.search(message):
        return f"write {_MEMBERS[match[1]]}" if match[1] in _MEMBERS else ""
    if match := _UNKNOWN_WORD.search(message):
        return f"write {_WORDS[match[1]]}" if match[1] in _WORDS else ""
    return _syntax_advice(line)


def _filter_advice(name: str) -> str:
    return f"write {_FILTERS[name]}" if name in _FILTERS else ""


def _syntax_advice(line: str) -> str:
    if match := _FOR_WITH_OPTION.search(line):
        return "write {% for x in list[start:end] %}"
    if _FOR_REVERSED.search(line):
        return "write {% for x in list | reverse %}"
    if match := _FILTER_WITH_COLON.search(line):
        return (
            _filter_advice(match[1]) or f"write | {match[1]}(…), with brackets instead of a colon"
        )
    if re.search(r"\bcontains\b", line):
        return "write {% if x in list %} for contains"
    if re.search(r"\(\s*\w+\s*\.\.\s*[\w.]+\s*\)", line):
        return "write range(first, last + 1) for (first..last)"
    if "<>" in line:
        return "write != for <>"
    return ""
