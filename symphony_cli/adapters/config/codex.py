"""Section `codex`: how Codex is started, what it may do, and how long it may take.

Codex 0.163 and 0.169 refuse two older forms of `approval_policy` and take sandbox names in two
spellings (measured); the older forms are translated here, so that old files go on working.
"""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue

from symphony_cli.adapters.config.section import Names, Section, Whole, key

_KEBAB = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}
_CAMEL = {kebab: camel for camel, kebab in _KEBAB.items()} | {"external-sandbox": "externalSandbox"}
_SANDBOXES = (*_KEBAB.values(), "external-sandbox")
_TURN_SANDBOXES = (*_KEBAB, "externalSandbox")
_POLICIES = ("never", "on-request", "untrusted")
_REJECTABLE = ("sandbox_approval", "rules", "mcp_elicitations")


def _command(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"cannot be split into words ({error})") from error
    if not words:
        raise ValueError("cannot be blank")
    return text.strip()


def _approval_policy(value: JsonValue) -> JsonValue:
    """Reject says what is refused, granular what is asked: the same with opposite truth."""
    if isinstance(value, str):
        return "on-request" if value == "on-failure" else _one_of(value, _POLICIES)
    if not isinstance(value, dict):
        raise ValueError("must be a name such as never or on-request, or a map")
    if set(value) not in ({"reject"}, {"granular"}):
        raise ValueError("must be a name, or a map with granular as its only key")
    ((form, rejected),) = value.items()
    if not isinstance(rejected, dict) or not all(isinstance(v, bool) for v in rejected.values()):
        raise ValueError(f"has a {form} that is no map of names to true or false")
    if form == "granular":
        missing = [name for name in _REJECTABLE if name not in rejected]
        if missing:
            raise ValueError(f"has a granular without {', '.join(missing)}")
        return value
    names = (*_REJECTABLE, *(name for name in rejected if name not in _REJECTABLE))
    return {"granular": {name: not rejected.get(name, False) for name in names}}


def _turn_sandbox(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    kind = value.get("type")
    if not isinstance(kind, str):
        raise ValueError("needs a type, such as workspaceWrite")
    return {**value, "type": _one_of(_CAMEL.get(kind, kind), _TURN_SANDBOXES, "has a type that")}


def _thread_sandbox(name: str) -> str:
    return _one_of(_KEBAB.get(name, name), _SANDBOXES)


def _one_of(name: str, names: tuple[str, ...], what: str = "") -> str:
    """Codex would refuse another name as well, but only once a run has been made ready for it."""
    if name not in names:
        *first, last = names
        known = f"{', '.join(first)} or {last}"
        raise ValueError(f'{what} must be {known}, not "{name}"'.lstrip())
    return name


class CodexSection(Section):
    """Waits are in milliseconds."""

    command: Annotated[str, AfterValidator(_command)] = key(
        "codex app-server", "Command line of the app-server.", "command"
    )
    home: str | None = key(None, "CODEX_HOME of the agents.", "path", shown="the operator's")
    env_exclude: Names = key((), "Variables that agents do not get.", "names")
    approval_policy: Annotated[JsonValue, AfterValidator(_approval_policy)] = key(
        "never",
        "When Codex asks before it acts: `never`, `on-request`, `untrusted`, or a map; the old"
        " `on-failure` and `reject` are translated.",
        "name or map",
    )
    thread_sandbox: Annotated[str, AfterValidator(_thread_sandbox)] = key(
        "workspace-write", "`read-only`, `workspace-write` or `danger-full-access`."
    )
    turn_sandbox_policy: Annotated[dict[str, JsonValue], AfterValidator(_turn_sandbox)] | None = (
        key(
            None,
            "Sandbox of each turn, as Codex's `sandboxPolicy`.",
            shown="write in the workspace, read everywhere, no network",
        )
    )
    approval_answer: Literal["decline", "accept", "block"] | None = key(
        None,
        "What a request for approval gets; `block` ends the run and asks a person.",
        shown="`accept` when `approval_policy` is `never`, else `decline`",
    )
    input_answer: Literal["decline", "block"] = key(
        "block", "What a question to the user gets; `block` ends the run and asks a person."
    )
    elicitation_policy: Literal["decline", "block"] = key(
        "decline",
        "What a question of an MCP server gets, and the question whether one of its tools may run.",
    )
    read_timeout_ms: Whole = key(
        5_000, "How long a start-up may take; never less than 60 s are given.", "ms", gt=0
    )
    stall_timeout_ms: Whole = key(
        300_000,
        "Silence after which a turn is interrupted and goes on; with 0 only `turn_timeout_ms`"
        " counts.",
        "ms",
        ge=0,
    )
    command_timeout_ms: Whole = key(
        1_800_000, "The same while a command of the agent is open.", "ms", gt=0
    )
    max_stall_recoveries: Whole = key(3, "So many interruptions; then the run ends.", ge=0)
    turn_timeout_ms: Whole = key(
        3_600_000, "The most silence in a turn, whatever is open.", "ms", gt=0
    )
    turn_limit_ms: Whole = key(0, "What a turn may take in all; 0 is no limit.", "ms", ge=0)
    run_limit_ms: Whole = key(28_800_000, "What a run may take in all; 0 is no limit.", "ms", ge=0)
