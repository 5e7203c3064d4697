from __future__ import annotations

from symphony_cli.core.environment import agent_environment
from symphony_cli.core.run import (
    CodexSettings,
    PromptSettings,
    Settings,
    ThreadRef,
    TrackerRef,
    WorkspaceSettings,
)
from symphony_cli.ids import RunId

RUN = RunId("run_1")


def settings(home: str = "") -> Settings:
    return Settings(
        workspace=WorkspaceSettings("/r", env={"CARGO_HOME": "/c", "LINEAR_API_KEY": "again"}),
        tracker=TrackerRef("linear", "s", "w", ("LINEAR_API_KEY",)),
        prompt=PromptSettings("x"),
        codex=CodexSettings(home=home, env_exclude=("OPENAI_API_KEY",)),
    )


BASE = {"PATH": "/bin", "LINEAR_API_KEY": "k", "OPENAI_API_KEY": "o", "SYMPHONY_RUN": "run_0"}


def test_an_agent_gets_everything_but_keys_and_knows_its_run() -> None:
    assert agent_environment(BASE, settings(), RUN, None) == {
        "PATH": "/bin",
        "CARGO_HOME": "/c",
        "SYMPHONY_RUN": "run_1",
    }


def test_a_thread_keeps_the_home_it_was_born_in() -> None:
    born = agent_environment(BASE, settings("/new"), RUN, ThreadRef("t", home="/old"))
    fresh = agent_environment(BASE, settings("/new"), RUN, None)
    assert (born["CODEX_HOME"], fresh["CODEX_HOME"]) == ("/old", "/new")
