"""What you type. A command parses, calls one story, prints its result, ends with its exit code.

Heavy imports are inside the commands: `--help` and an idle tick must not pay for the others.
"""

from symphony_cli.cli import beginning, deciding, keeping, looking, ticks
from symphony_cli.cli.door import main
from symphony_cli.cli.shared import app

__all__ = ["ORDER", "app", "beginning", "deciding", "keeping", "looking", "main", "ticks"]

ORDER = (
    *("demo", "doctor", "schedule", "tick", "status", "logs", "metrics"),
    *("unblock", "retry", "stop", "block", "pause", "resume", "rescue", "gc"),
)
"""The commands as `--help` lists them: in the order in which people meet them."""

app.registered_commands.sort(
    key=lambda command: ORDER.index(command.name or getattr(command.callback, "__name__", ""))
)
