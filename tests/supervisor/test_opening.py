from __future__ import annotations

from dataclasses import replace

from symphony_cli.core import report
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.usage import Usage

from .play import THREAD, Play, brief

OLD = ThreadRef(THREAD, "/old/home", "0.163.0", ("issue_update",), Usage(100, 0, 10, 0, 110))


def began(play: Play) -> list[report.Line]:
    return play.lines(report.ThreadBegan)


def test_a_new_thread_is_told_once_its_first_message_is_on_record() -> None:
    play = Play()
    play.initialized()
    play.reply("thread/start", thread={"id": THREAD})
    play.reply("turn/start", turn={"id": "turn-1"})
    play.say("turn/started", threadId=THREAD, turn={"id": "turn-1"})
    before = began(play)
    play.item_ends("userMessage")
    thread = ThreadRef(THREAD, "/home/me/.codex", "0.169.0", ("issue_update", "symphony_block"))
    assert (before, began(play)) == ([], [report.ThreadBegan(play.now.at, thread)])


def test_the_conversation_opens_in_the_order_that_codex_wants() -> None:
    play = Play()
    play.open()
    assert play.methods == ["initialize", "initialized", "thread/start", "turn/start"]
    assert play.prompts() == ["Do it."]


def test_a_resumed_thread_counts_from_its_recorded_total_so_that_hidden_use_is_counted() -> None:
    play = Play(thread=OLD)
    play.initialized()
    play.reply("thread/resume", thread={"id": THREAD})
    play.tokens(150, 20)
    play.turn_starts()
    play.tokens(150, 20)
    thread = ThreadRef(THREAD, "/home/me/.codex", "0.169.0", ("issue_update",), OLD.total)
    assert began(play) == [report.ThreadBegan(play.now.at, thread, OLD.total, resumed=True)]
    assert play.session.tally.meter.spent == Usage(50, 0, 10, 0, 60)


def test_a_thread_that_had_used_nothing_when_its_run_was_killed_counts_from_nothing() -> None:
    play = Play(thread=ThreadRef(THREAD, "/home/me/.codex"))
    play.initialized()
    play.reply("thread/resume", thread={"id": THREAD})
    play.tokens(150, 20)
    play.turn_starts()
    play.tokens(250, 30)
    assert [line.base for line in began(play) if isinstance(line, report.ThreadBegan)] == [Usage()]
    assert play.session.tally.meter.spent == Usage(250, 0, 30, 0, 280)


def test_the_highest_total_that_is_known_of_the_main_thread_is_its_base() -> None:
    play = Play(thread=OLD, totals={THREAD: Usage(120, 0, 10, 0, 130)})
    play.initialized()
    play.reply("thread/resume", thread={"id": THREAD})
    play.turn_starts()
    play.tokens(150, 20)
    assert play.session.tally.meter.spent == Usage(30, 0, 10, 0, 40)


def test_a_thread_that_cannot_be_resumed_is_replaced_and_told_why() -> None:
    play = Play(thread=OLD)
    play.initialized()
    play.refuse("thread/resume", "no rollout found for thread id thread-1")
    play.reply("thread/start", thread={"id": "thread-2"})
    play.reply("turn/start", turn={"id": "u"})
    item = {"type": "userMessage", "id": "i"}
    play.say("item/completed", threadId="thread-2", item=item)
    (line,) = began(play)
    assert isinstance(line, report.ThreadBegan)
    assert (line.thread.id, line.base, line.resumed, line.fresh_because) == (
        "thread-2",
        Usage(),
        False,
        "no rollout found for thread id thread-1",
    )


REFUSED = "error resuming thread: required MCP servers failed to initialize: lab: timed out"


def test_a_refusal_that_passes_costs_no_conversation() -> None:
    play = Play(thread=OLD)
    play.initialized()
    play.refuse("thread/resume", REFUSED)
    play.wait(2)
    play.reply("thread/resume", thread={"id": THREAD})
    play.turn_starts()
    (line,) = began(play)
    assert isinstance(line, report.ThreadBegan)
    assert (line.thread.id, line.resumed) == (THREAD, True)


def test_a_refusal_that_stays_ends_the_run_and_keeps_the_conversation_for_the_next() -> None:
    play = Play(thread=OLD)
    play.initialized()
    for _ in range(4):
        play.refuse("thread/resume", REFUSED)
        play.wait(2)
    assert (play.ending(), "thread/start" in play.methods, began(play)) == (
        ("environment", "launch"),
        False,
        [],
    )


def test_a_conversation_that_three_runs_could_not_resume_is_given_up() -> None:
    play = Play(thread=OLD, environment_in_row=3)
    play.initialized()
    play.refuse("thread/resume", REFUSED)
    assert play.methods[-1] == "thread/start"


HELD = "thread thread-1 already has an active writer"


def test_a_thread_that_another_process_lets_go_of_is_resumed() -> None:
    play = Play(thread=OLD)
    play.initialized()
    for _ in range(3):
        play.refuse("thread/resume", HELD)
        play.wait(2)
    play.reply("thread/resume", thread={"id": THREAD})
    play.turn_starts()
    (line,) = began(play)
    assert isinstance(line, report.ThreadBegan)
    assert (line.thread.id, line.resumed, line.fresh_because) == (THREAD, True, "")


def test_a_thread_that_another_process_keeps_is_replaced_and_told_why() -> None:
    play = Play(thread=OLD)
    play.initialized()
    for _ in range(100):
        if "thread/start" in play.methods:
            break
        play.refuse("thread/resume", HELD)
        play.wait(2)
    play.reply("thread/start", thread={"id": "thread-2"})
    play.reply("turn/start", turn={"id": "u"})
    item = {"type": "userMessage", "id": "i"}
    play.say("item/completed", threadId="thread-2", item=item)
    (line,) = began(play)
    assert isinstance(line, report.ThreadBegan) and play.ending() == ("", "")
    assert line.fresh_because == f"another process has had it open for 40 s ({HELD})"


def test_a_machine_that_cannot_start_codex_is_no_fault_of_the_issue() -> None:
    play = Play()
    play.exits(127, "bash: codex: command not found\n")
    closing = play.session.closing
    assert closing is not None and (play.ending(), play.session.state) == (
        ("environment", "launch"),
        "over",
    )
    assert "command not found" in closing.detail and "Install Codex" in closing.detail


def test_codex_that_never_says_hello_is_given_up_after_the_start_limit() -> None:
    play = Play()
    play.wait(59)
    before = play.ending()
    play.wait(2)
    assert (before, play.ending()) == (("", ""), ("environment", "start_timeout"))


def test_a_refused_thread_is_a_matter_of_this_machine() -> None:
    play = Play()
    play.initialized()
    play.refuse("thread/start", "required MCP server lab cannot start")
    assert play.ending() == ("environment", "launch")


def test_a_prompt_that_is_too_long_is_the_fault_of_the_issue() -> None:
    play = Play()
    play.initialized()
    play.reply("thread/start", thread={"id": THREAD})
    play.refuse("turn/start", "too long", input_error_code="input_too_large")
    assert play.ending() == ("failed", "prompt")


def test_why_a_thread_is_new_is_told_when_its_home_is_gone() -> None:
    play = Play(fresh_because="its home is gone")
    play.open()
    (line,) = began(play)
    assert isinstance(line, report.ThreadBegan) and line.fresh_because == "its home is gone"


def test_a_thread_that_begins_anew_is_shown_what_the_old_one_had_been_shown() -> None:
    told = replace(brief(), fresh_prompt="Everything.")
    resumed, anew = Play(thread=OLD, told=told), Play(thread=OLD, told=told)
    for play in (resumed, anew):
        play.initialized()
    resumed.reply("thread/resume", thread={"id": THREAD})
    anew.refuse("thread/resume", "no rollout found for thread id thread-1")
    anew.reply("thread/start", thread={"id": "thread-2"})
    assert (resumed.prompts(), anew.prompts()) == (["Do it."], ["Everything."])
