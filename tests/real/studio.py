"""A house whose agents are the real Codex, and the scripted model that they listen to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real import model as models
from tests.real.house import PROMPT, House, Options, furnish, write_workflow
from tests.real.model import Entry, Model


@dataclass
class Studio:
    """All of it; `home` is the agents' CODEX_HOME, `sections` are those of WORKFLOW.md."""

    house: House
    model: Model
    home: Path
    sections: Options
    prompt: str = PROMPT
    older: list[Model] = field(default_factory=list)

    def mend(self, entries: Sequence[Entry]) -> None:
        """Let the agents' CODEX_HOME lead to another model, as an operator would mend it."""
        self.older.append(self.model)
        self.model = models.start(self.home.parent / f"model-{len(self.older)}", entries)
        models.stand_in("codex_home").make(self.home, self.model.url)

    def edit(self, **codex: Any) -> None:
        """Change keys of the section `codex` in WORKFLOW.md, as an operator would."""
        told = {**self.sections["codex"], **codex}
        write_workflow(self.house, {**self.sections, "codex": told}, self.prompt)

    def end(self) -> None:
        """End what runs here, by pid."""
        self.house.end()
        for model in (self.model, *self.older):
            model.end()


def open_studio(
    folder: Path,
    codex: str,
    entries: Sequence[Entry],
    sections: Options,
    extra: str = "",
    prompt: str = PROMPT,
) -> Studio:
    """Make it in a folder; `codex` is the binary, `extra` is TOML for its config."""
    model = models.start(folder / "model", entries)
    home = models.stand_in("codex_home").make(folder / "codex", model.url, extra=extra)
    told = {"command": f"{codex} app-server", "home": str(home)}
    whole = {**sections, "codex": {**told, **sections.get("codex", {})}}
    return Studio(furnish(folder / "house", whole, prompt), model, home, whole, prompt)
