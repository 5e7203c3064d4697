"""`tick.json` and the count of ticks that found the lock held."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli import files
from symphony_cli.core.secrets import redact_json
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.core.tickfile import TickFile
from symphony_cli.errors import ExitCode, StateError
from symphony_cli.paths import StatePaths


@dataclass(frozen=True, slots=True)
class FileBulletin:
    """`ports.Bulletin` on disk. A cache: one that cannot be read counts as none."""

    paths: StatePaths
    secrets: tuple[str, ...] = ()

    def last(self) -> TickFile:
        """The last tick; an empty one before the first."""
        data = files.read(self.paths.tick)
        try:
            return TickFile() if data is None else decode(TickFile, json.loads(data))
        except (ValueError, Malformed):
            return TickFile()

    def post(self, tick: TickFile) -> None:
        """Replace it, and forget the ticks that found the lock held before this one."""
        clean = redact_json(encode(tick), self.secrets)
        text = json.dumps(clean, ensure_ascii=False, indent=1)
        files.replace(self.paths.tick, text.encode("utf-8", "replace") + b"\n", durable=False)
        if self.paths.bounces.exists():
            with files.translated(self.paths.bounces, "removed"):
                self.paths.bounces.unlink(missing_ok=True)

    def post_failure(self, began: datetime, now: datetime, code: ExitCode, sentence: str) -> None:
        """Say that a tick ended early, and why; what the ticks before it found out stays.

        Never raises for `state/`: what ended that tick may well keep this from being written.
        """
        with contextlib.suppress(StateError):
            failed = replace(
                self.last(),
                started_at=began,
                ended_at=now,
                exit_code=int(code),
                summary=f"tick exit {int(code)}: it ended early",
                requests=0,
                errors=(sentence,),
                warnings=(),
            )
            self.post(failed)


def bounced(paths: StatePaths) -> int:
    """Count one more tick that found the lock held; how many there were in a row."""
    files.append(paths.bounces, b"\n", durable=False)
    return len(files.read(paths.bounces) or b"")
