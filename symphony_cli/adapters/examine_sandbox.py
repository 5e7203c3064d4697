"""Whether Codex can wall in commands here: namespaces are made as its sandbox makes them.

Codex uses the bubblewrap on PATH, else its own. The first is tried as it is; for the second a
Python of ours makes the same namespaces and one mount in them, which is what a kernel, a container
or AppArmor refuses where the sandbox does not work.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from symphony_cli.adapters.asking import ask
from symphony_cli.core.examined import Sandbox
from symphony_cli.core.run import CodexSettings

_WALLS = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--cap-drop", "ALL")

_TRIAL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def must(step, result):
    if result != 0:
        sys.exit(f"{step}: {os.strerror(ctypes.get_errno())}")
maps = {"setgroups": "deny", "uid_map": f"0 {os.getuid()} 1", "gid_map": f"0 {os.getgid()} 1"}
must("making namespaces", libc.unshare(0x10000000 | 0x20000000 | 0x40000000 | 0x8000000 | 0x20000))
try:
    for name, text in maps.items():
        with open(f"/proc/self/{name}", "w") as stream:
            stream.write(text)
except OSError as error:
    sys.exit(f"becoming root in them: {error.strerror}")
must("a mount in them", libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None))
"""
"""unshare(2) of user, pid, network, ipc and mount; user_namespaces(7); mount(2), MS_REC and
MS_PRIVATE."""


def sandbox(settings: CodexSettings, environ: Mapping[str, str]) -> Sandbox:
    """The wall around agents, tried out where there is anything to try; `environ` is an agent's."""
    walled = kind(settings)
    if walled in ("danger-full-access", "external-sandbox") or sys.platform != "linux":
        return Sandbox(walled)
    program = shutil.which("bwrap", path=environ.get("PATH"))
    if program is not None:
        call = (program, *_WALLS, "--ro-bind", "/", "/", "--", "/bin/sh", "-c", ":")
        return Sandbox(
            walled, f"`{program}` with namespaces of its own", ask(call, environ).trouble
        )
    reply = ask((sys.executable, "-I", "-c", _TRIAL), environ)
    return Sandbox(walled, "making namespaces of its own", reply.trouble)


def kind(settings: CodexSettings) -> str:
    """By the policy of turns, which wins over the thread's, in kebab case."""
    turn = settings.turn_sandbox_policy
    named = str(turn["type"]) if isinstance(turn, dict) and "type" in turn else ""
    spelled = "".join(f"-{c.lower()}" if c.isupper() else c for c in named)
    return spelled or settings.thread_sandbox
