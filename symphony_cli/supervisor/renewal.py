"""A thread keeps the model it was born with, and providers take models away.

When a turn fails because the model is not served any more, Codex is asked which one its
configuration names by now, and the thread goes on with that one: `turn/start` takes a model, which
sticks for all later turns and resumes, and the conversation before it stays as it was. Passing a
model at every resume would instead cost each living thread its cache. Measured with Codex 0.163 and
0.169, where `config/read` tells what the file says at that moment.
"""

from __future__ import annotations

from symphony_cli.core.shape import Json
from symphony_cli.supervisor.notices import child, text
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.protocol import Refusal, Reply

METHODS = frozenset({"config/read", "model/list"})
"""The requests of ours that belong here."""

TEXT = (
    "The model that held this conversation so far is not available any more; you take over from it."
    " The task and the workspace are the same: look at what was done and go on."
)
"""What the new model is told. The last message to the old one stays in the thread."""


class Renewal:
    """Finds another model for a thread, once in a run."""

    def __init__(self, out: Outgoing, workspace: str) -> None:
        self._out, self._workspace = out, workspace
        self.asked = False

    def begin(self) -> None:
        """Ask for the model that is configured now."""
        self.asked = True
        self._out.request("config/read", {"cwd": self._workspace})

    def replied(self, method: str, message: Reply | Refusal, old: str) -> str | None:
        """The model to go on with; empty when there is no other, None while it is asked for."""
        if not isinstance(message, Reply):
            return ""
        if method == "config/read":
            name = text(child(message.result, "config"), "model")
            if not name:  # none is configured: Codex takes the one that its catalogue prefers
                self._out.request("model/list", {})
                return None
        else:
            name = _preferred(message.result.get("data"))
        return name if name != old else ""


def _preferred(models: Json) -> str:
    listed = [one for one in models if isinstance(one, dict)] if isinstance(models, list) else []
    return next((text(one, "model") for one in listed if one.get("isDefault") is True), "")
