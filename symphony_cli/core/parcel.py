"""What may go into a parcel for a bug report: known secrets, and what looks like one, stay out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from symphony_cli.core.secrets import HIDDEN, SHORTEST, redact, spellings

_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE", re.IGNORECASE)
_SHAPES = re.compile(
    r"\blin_(?:api|oauth)_\w+|\bsk-[\w-]{12,}|\bgh[opsur]_\w{16,}|\bgithub_pat_\w+|\bglpat-[\w-]+"
    r"|\bxox[a-z]-[\w-]+|\bA[KS]IA[0-9A-Z]{16}\b|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|(?<=://)[^/@\s\"]+(?=@)"
    r"|(?<=[Bb]earer )[\w.~+/-]+=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
"""Keys of services by the forms that these give them, user and password in a URL, private keys."""

_SETTING = re.compile(
    r"""(?P<name>\b[\w.-]*(?:api_?key|token|secret|passw(?:or)?d)["']?\s*[:=]\s*)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s#,}\]]+)""",
    re.IGNORECASE,
)
"""A setting whose name says that it is secret, in YAML or of a shell."""

_REFERENCE = re.compile(r"""["']?\$\{?\w+\}?["']?""")


def looks_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret."""
    return _NAMES.search(name) is not None


def is_secret(name: str, value: str) -> bool:
    """Whether a variable is likely to hold a secret; a place in the file system is none."""
    return looks_secret(name) and len(value.strip()) >= SHORTEST and not value.startswith("/")


def secret_values(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables that look like secrets, as `is_secret` tells."""
    values = (value.strip() for name, value in variables.items() if is_secret(name, value))
    return tuple(dict.fromkeys(form for value in values for form in spellings(value)))


def cleaned(text: str, secrets: Iterable[str], homes: Iterable[str]) -> str:
    """`text` without secrets, and with `~` for the user's home."""
    text = redact(text, secrets)
    text = _SHAPES.sub(HIDDEN, text)
    for home in sorted({home.rstrip("/") for home in homes}, key=len, reverse=True):
        if home:
            text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return text


def cleaned_settings(text: str, secrets: Iterable[str], homes: Iterable[str]) -> str:
    """The same for a file of settings, where each value with a telling name goes: it may be broken,
    and then nobody knows its key."""
    return _SETTING.sub(_without_value, cleaned(text, secrets, homes))


def _without_value(found: re.Match[str]) -> str:
    keep = _REFERENCE.fullmatch(found["value"]) or HIDDEN in found["value"]
    return found[0] if keep else f"{found['name']}{HIDDEN}"


def last_lines(data: bytes, whole: bool) -> bytes:
    """The whole lines at the end of a file; what is cut before them may be half of a secret."""
    return data if whole else data.partition(b"\n")[2]
