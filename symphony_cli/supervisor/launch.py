"""How Codex is started and asked to begin: command line and the parameters of our requests.

Parameter names and values: Codex app-server protocol v2, measured with Codex 0.163 and 0.169.
"""

from __future__ import annotations

from collections.abc import Sequence

from symphony_cli import __version__
from symphony_cli.core.run import Brief, CodexSettings, Order
from symphony_cli.core.shape import Json
from symphony_cli.supervisor.tools import offered

UNUSED = (
    "turn/diff/updated",
    "thread/readState/changed",
    "thread/started",
    "thread/name/updated",
    "remoteControl/status/changed",
    "configWarning",
    "skills/changed",
    "app/list/updated",
    "fs/changed",
)
"""Notices that we ask not to get: large, or about no thread. Deltas stay, as signs of life."""

_SANDBOX_NAMES = {
    "readonly": ("read-only", "readOnly"),
    "workspacewrite": ("workspace-write", "workspaceWrite"),
    "dangerfullaccess": ("danger-full-access", "dangerFullAccess"),
    "externalsandbox": ("danger-full-access", "externalSandbox"),
}


def command(settings: CodexSettings, brief: Brief) -> tuple[str, ...]:
    """The command line: the native binary that prepare found, else what WORKFLOW.md says."""
    return brief.argv or ("bash", "-lc", settings.command)


def initialize_params() -> Json:
    """Who we are and what we understand."""
    return {
        "clientInfo": {"name": "symphony", "title": "Symphony", "version": __version__},
        "capabilities": {"experimentalApi": True, "optOutNotificationMethods": list(UNUSED)},
    }


def version_of(user_agent: str) -> str:
    """The version of the binary, from `NAME/0.169.0 (...)`: it is told nowhere else."""
    return user_agent.partition("/")[2].partition(" ")[0]


def start_params(order: Order, brief: Brief) -> Json:
    """A new thread."""
    return {**_common(order, brief), "dynamicTools": offered(brief.tools)}


def resume_params(thread: str, order: Order, brief: Brief) -> Json:
    """The thread of an earlier run; its tools come back with it."""
    return {"threadId": thread, **_common(order, brief), "excludeTurns": True}


def _common(order: Order, brief: Brief) -> dict[str, Json]:
    codex = order.settings.codex
    return {
        "cwd": brief.workspace,
        "approvalPolicy": approval_policy(codex.approval_policy),
        "sandbox": sandbox_names(codex.thread_sandbox)[0],
    }


def turn_params(thread: str, text: str, order: Order, brief: Brief, model: str = "") -> Json:
    """A turn with this text; with a `model`, for this and all later turns."""
    codex = order.settings.codex
    roots = [
        brief.workspace,
        f"{brief.workspace}/.git",
        *brief.writable,
        *order.settings.workspace.shared_dirs,
    ]
    return {
        "threadId": thread,
        "input": [{"type": "text", "text": text}],
        "cwd": brief.workspace,
        "approvalPolicy": approval_policy(codex.approval_policy),
        "sandboxPolicy": sandbox_policy(codex, roots),
        **({"model": model} if model else {}),
    }


def approval_policy(value: Json) -> Json:
    """`codex.approval_policy` as Codex understands it today.

    `on-failure` became `on-request`; `{reject: {...}}` became `{granular: {...}}` with the opposite
    booleans, where a missing one was "not rejected".
    """
    if value == "on-failure":
        return "on-request"
    if isinstance(value, dict) and isinstance(value.get("reject"), dict):
        rejected = value["reject"]
        names = ["sandbox_approval", "rules", "mcp_elicitations", *rejected]
        return {"granular": {name: not rejected.get(name, False) for name in names}}
    return value


def sandbox_names(name: str) -> tuple[str, str]:
    """A sandbox as a thread and as a turn call it; an unknown name is passed on as it is."""
    return _SANDBOX_NAMES.get(name.replace("-", "").replace("_", "").lower(), (name, name))


def sandbox_policy(codex: CodexSettings, roots: Sequence[str]) -> Json:
    """The sandbox of a turn. It replaces the whole of Codex's own section, so all is said.

    `.git` is read-only in Codex's sandbox unless it is a root of its own.
    """
    given = codex.turn_sandbox_policy
    if isinstance(given, str):
        given = {"type": given}
    if not isinstance(given, dict):
        given = {"type": codex.thread_sandbox}
    kind = sandbox_names(str(given.get("type", "workspaceWrite")))[1]
    policy = {**given, "type": kind}
    if kind != "workspaceWrite":
        return policy
    named = given.get("writableRoots")
    first = [str(root) for root in named] if isinstance(named, list) else []
    return {
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
        **policy,
        "writableRoots": list(dict.fromkeys([*first, *roots])),
    }


STALL_TEXT = (
    "Symphony interrupted your last turn because nothing was heard from it for {seconds} seconds. "
    "Commands that were still running have been ended. Look at the state of the workspace and go "
    "on with the task; run what takes long so that it prints its progress."
)


def after_stall(seconds: float) -> str:
    """The text of the turn after one that was interrupted for its silence."""
    return STALL_TEXT.format(seconds=round(seconds))


def continuation(text: str, turn: int, most: int) -> str:
    """The text of a later turn, with its number filled in."""
    return text.replace("{turn}", str(turn)).replace("{max_turns}", str(most))
