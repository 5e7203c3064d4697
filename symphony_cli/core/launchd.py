"""A job of launchd that starts ticks (launchd.plist(5))."""

from __future__ import annotations

import plistlib

from symphony_cli.core.schedule import Job, Text


def agent(job: Job, folder: str) -> Text:
    """The property list of a user's agent, in `folder`.

    `AbandonProcessGroup`: launchd ends nothing that a tick leaves behind.
    """
    label = f"dev.symphony.{job.name}"
    said = {
        "Label": label,
        "ProgramArguments": [*job.command, "tick"],
        "WorkingDirectory": job.folder,
        "StartInterval": max(1, round(job.interval)),
        "RunAtLoad": True,
        "AbandonProcessGroup": True,
        "ProcessType": "Background",
    }
    return Text(f"{folder}/{label}.plist", plistlib.dumps(said, sort_keys=False).decode())
