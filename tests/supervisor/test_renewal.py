"""A model that is taken away poisons no thread."""

from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.run import ThreadRef

from .play import THREAD, Play

OLD = ThreadRef(THREAD, "/home/me/.codex", "0.163.0", ("issue_update",))


GONE = "modelNotFound"
GONE_TO_0163 = {"httpConnectionFailed": {"httpStatusCode": 404}}


def refused(kind: Any = GONE) -> Play:
    """A resumed thread whose model is not served any more."""
    play = Play(thread=OLD)
    play.initialized()
    play.reply("thread/resume", thread={"id": THREAD}, model="old")
    play.turn_starts()
    play.turn_ends("failed", kind, "The model `old` does not exist")
    return play


def models(play: Play) -> list[Any]:
    """The model that each of our turns names."""
    turns = [message for message in play.sent if message.get("method") == "turn/start"]
    return [message["params"].get("model") for message in turns]


@pytest.mark.parametrize("kind", [GONE, GONE_TO_0163])
def test_the_thread_goes_on_with_the_model_that_is_configured_now(kind: Any) -> None:
    play = refused(kind)
    play.reply("config/read", config={"model": "new"})
    play.turn_starts()
    play.turn_ends()
    play.tracker("go_on", state="Todo")
    assert (models(play), play.ending()) == ([None, "new", None], ("", ""))
    assert play.prompts()[1].startswith("The model that held this conversation so far")


def test_without_a_configured_model_the_one_of_the_catalogue_is_taken() -> None:
    play = refused()
    play.reply("config/read", config={"model": None})
    play.reply("model/list", data=[{"model": "a"}, {"model": "b", "isDefault": True}])
    assert models(play) == [None, "b"]


def test_when_the_configuration_still_names_it_the_machine_is_not_fit() -> None:
    play = refused()
    play.reply("config/read", config={"model": "old"})
    assert (models(play), play.ending()) == ([None], ("environment", "model"))


def test_another_model_is_tried_once() -> None:
    play = refused()
    play.reply("config/read", config={"model": "new"})
    play.turn_starts()
    play.turn_ends("failed", "modelNotFound", "The model `new` does not exist")
    assert (models(play), play.ending()) == ([None, "new"], ("environment", "model"))


def test_a_codex_that_does_not_say_is_not_waited_for() -> None:
    unknown, silent, empty = refused(), refused(), refused()
    unknown.refuse("config/read", "Invalid request: unknown variant `config/read`")
    silent.wait(60)
    empty.reply("config/read", config={})
    empty.reply("model/list", data="nonsense")
    endings = [play.ending() for play in (unknown, silent, empty)]
    assert endings == [("environment", "model")] * 3
