"""Notices that the sandbox for an agent's commands does not work on this machine.

Codex does not tell: each command "fails" with what its sandbox printed in place of the command's
own output, the agent despairs, and the turn completes. Measured with 0.163 and 0.169 on a machine
without user namespaces, in a chroot, and with a kernel that refuses them:

    commandExecution  failed, status 1, "bwrap: Creating new namespace failed: ..."
                      failed, status 1, "bwrap: No permissions to create a new namespace, ..."
    fileChange        failed; a patch that is refused or does not fit gives no item at all

Where the sandbox's words look like a denial ("Permission denied", "sandbox"), Codex shows no item
for the command, and only changes of files tell. `configWarning` is no sign: Codex warns of the
bubblewrap on PATH and then works with its own.
"""

from __future__ import annotations

from symphony_cli.supervisor.faults import SANDBOX, Fault
from symphony_cli.supervisor.notices import ItemCompleted

COMMAND, CHANGE = "commandExecution", "fileChange"

_ENOUGH = 2
"""So many refusals before anything worked: one may be an odd file, or a command about bwrap."""

_WORDS = ("bwrap: ", "codex-linux-sandbox: ")
_PANIC = "panicked at linux-sandbox"


class SandboxWatch:
    """Sees a run's commands and changes of files end, until one of them works."""

    def __init__(self) -> None:
        self._refused = 0
        self._told = ""
        self._settled = False

    def take(self, item: ItemCompleted) -> Fault | None:
        """The fault, once, when the sandbox has refused everything from the first on."""
        if self._settled or item.status not in ("completed", "failed"):
            return None
        if item.kind not in (COMMAND, CHANGE):
            return None
        if not _is_refusal(item):
            self._settled = True
            return None
        self._refused += 1
        self._told = self._told or item.output.strip()[:300]
        if self._refused < _ENOUGH or not self._told:
            return None  # patches fail for reasons of their own: a command must have said so, too
        self._settled = True
        return SANDBOX.fault(self._told)


def _is_refusal(item: ItemCompleted) -> bool:
    if item.status != "failed":
        return False
    if item.kind == CHANGE:
        return True
    return item.output.startswith(_WORDS) or _PANIC in item.output
