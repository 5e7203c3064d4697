"""The only I/O of a supervisor: it moves bytes between Codex, errands, files and the session.

One thread, one selector. Nothing here decides anything about the run; `session` does. Whatever
happens, Codex is not left behind: `run` returns or raises only after its process was ended or given
up to finish, which sweeps.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from symphony_cli import clock, processes, runfolder
from symphony_cli.core import report
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.run import BEAT_EVERY, Brief, Order, PidFile, RunLimits, ThreadRef
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import children, launch, protocol
from symphony_cli.supervisor.actions import (
    Action,
    AskRefresh,
    CloseStdin,
    Moment,
    Relaunch,
    RunTool,
    Send,
    SignalCodex,
    Tell,
)
from symphony_cli.supervisor.children import ErrandCommand, Outbox, Process, Signals
from symphony_cli.supervisor.errand import TIME_LIMIT, Errand, refresh_answer, tool_answer
from symphony_cli.supervisor.records import AgentLog, Transcript
from symphony_cli.supervisor.reporting import ReportFile
from symphony_cli.supervisor.session import Session
from symphony_cli.supervisor.states import State

POLL_EVERY = 5.0
"""Seconds between looks for a stop file and for new limits."""

FRESH = 2.0
"""Seconds that what `status` shows of a working agent may be old."""

_DEAF_AFTER = 2.0
_HELD_FOR = 0.5
"""Seconds after the end of Codex at which its output counts as ended too: whoever inherited the
pipe may hold it for ever, and what Codex itself wrote is in it already."""
_PIPE_READS = 16
_LAST_WAIT = 1.0


def run(
    paths: RunPaths,
    secrets: Sequence[str],
    signals: Signals,
    environ: Mapping[str, str],
    errands: ErrandCommand = children.errand_command,
) -> report.Closing:
    """Lead a run from the launch of Codex to its end; how it ended is in the report, too.

    Raises:
        StateError: the order or the brief cannot be read, or the report not be written at the end.
    """
    order, brief = runfolder.order(paths), runfolder.brief(paths)
    if brief is None:
        raise StateError(f"{paths.brief} is missing: prepare did not end well.")
    loop = Loop(paths, order, brief, secrets, signals, errands)
    try:
        return loop.run(environ)
    finally:
        loop.close()


def resumable(order: Order) -> tuple[ThreadRef | None, str]:
    """The thread to resume, or why the order's cannot be: the home it was born in is gone."""
    thread = order.thread
    if thread is not None and thread.home and not Path(thread.home).is_dir():
        return None, f"the CODEX_HOME it was born in, {thread.home}, is gone"
    return thread, ""


class Loop:
    """One run's descriptors, files and dates."""

    def __init__(
        self,
        paths: RunPaths,
        order: Order,
        brief: Brief,
        secrets: Sequence[str],
        signals: Signals,
        errands: ErrandCommand,
    ) -> None:
        self._paths, self._order, self._brief = paths, order, brief
        self._secrets, self._signals, self._errand_command = tuple(secrets), signals, errands
        self._errand_secrets = self._secrets if order.settings.tracker.secret_names else ()
        self._thread, why = resumable(order)
        self._session = Session(order, brief, self._thread, why)
        self._report = ReportFile(paths, secrets)
        self._transcript = Transcript(paths, order.settings.codex.transcript_max_bytes, secrets)
        self._log = AgentLog(paths, secrets)
        self._lines = protocol.Lines()
        self._selector = selectors.DefaultSelector()
        self._environ: Mapping[str, str] = {}
        self._codex: Process | None = None
        self._stdin: Outbox | None = None
        self._eof_at: float | None = None
        self._held_until: float | None = None
        self._errands: list[Errand] = []
        self._complaints: set[int] = set()
        self._own: dict[int, Process] = {}
        self._me = processes.myself()
        self._groups = _groups(paths)
        self._beat_at = self._poll_at = 0.0
        self._beaten: tuple[object, ...] = ()
        self._shown: datetime | None = None

    def run(self, environ: Mapping[str, str]) -> report.Closing:
        """See `run` of this module."""
        self._environ = environ
        self._watch(self._signals.reader, self._signalled)
        self._launch()
        while self._session.state is not State.OVER:
            self._attend()
        self._report.finish()
        assert self._session.closing is not None, "a session that is over has said how"
        return self._session.closing

    # Codex.

    def _launch(self) -> None:
        codex = self._order.settings.codex
        argv = launch.command(codex, self._brief)
        workspace = Path(self._brief.workspace)
        if not workspace.is_dir():
            self._do(self._session.launch_failed(f"The workspace {workspace} is gone.", _now()))
            return
        env = agent_environment(self._environ, self._order.settings, self._order.run, self._thread)
        try:
            process = children.start(argv, env, own_session=True)
        except OSError as error:
            sentence = (
                f"{argv[0]} cannot be started ({error.strerror}): install Codex (the extra "
                "`codex`, or npm), or set `codex.command`."
            )
            self._do(self._session.launch_failed(sentence, _now()))
            return
        self._codex, self._own[process.pid] = process, process
        self._stdin = Outbox(process.stdin)
        self._groups = tuple(dict.fromkeys([*self._groups, process.pid]))
        self._watch(process.stdout, self._codex_spoke)
        self._watch_errors(process)
        self._do(self._session.begin(process.pid, _now()))

    def _relaunch(self) -> None:
        """Let go of the Codex that is gone, and start the next with empty pipes."""
        if self._stdin is not None:
            self._unwatch_writing(self._stdin)
            self._stdin.close()
        if self._codex is not None:
            os.close(self._codex.stdout)
        self._codex = self._stdin = None
        self._lines = protocol.Lines()
        self._log.add(b"Codex ended before it answered; Symphony starts it once more.\n")
        self._log.tail = ""  # what the next one says is what counts
        self._launch()

    def _codex_spoke(self) -> None:
        assert self._codex is not None, "it spoke"
        descriptor = self._codex.stdout
        data = children.read_some(descriptor)
        if data is None:
            self._selector.unregister(descriptor)
            self._eof_at = clock.monotonic()
            self._codex.poll()
            self._look_whether_gone()
            return
        now = _now()
        for line in self._lines.feed(data):
            kept = line if isinstance(line, bytes) else b"[a line of %d bytes]" % line.size
            message = protocol.parse(line)
            is_json = not isinstance(message, protocol.Noise)
            self._transcript.add("in", kept, now.at, is_json=is_json)
            self._do(self._session.receive(message, now))

    def _look_whether_gone(self) -> None:
        if self._codex is None or self._codex.returncode is None or self._stdout_held():
            return
        self._eof_at = self._held_until = None
        self._hear_last_words(self._codex)
        self._log.flush()
        self._do(self._session.gone(self._codex.returncode, self._log.tail, _now()))

    def _stdout_held(self) -> bool:
        """Whether more may come from a Codex that has ended. What holds its pipe is not listened to
        for long, and then never again."""
        assert self._codex is not None, "it has ended"
        if self._codex.stdout not in self._selector.get_map():
            return self._eof_at is None
        now = clock.monotonic()
        self._held_until = self._held_until or now + _HELD_FOR
        if now < self._held_until:
            return True
        self._selector.unregister(self._codex.stdout)
        return False

    def _watch_errors(self, process: Process) -> None:
        self._complaints.add(process.stderr)
        self._watch(process.stderr, partial(self._complained, process.stderr))

    def _complained(self, descriptor: int) -> None:
        data = children.read_some(descriptor)
        if data is None:
            self._selector.unregister(descriptor)
            self._complaints.discard(descriptor)
            os.close(descriptor)
        else:
            self._log.add(data)

    def _hear_last_words(self, process: Process) -> None:
        """Its end may be seen before what it wrote last; one pipe holds no more than this."""
        for _ in range(_PIPE_READS):
            if process.stderr in self._complaints:
                self._complained(process.stderr)

    # What the session wants.

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            self._do_one(action)

    def _do_one(self, action: Action) -> None:
        match action:
            case Tell(line=line):
                self._report.tell(line, clock.monotonic())
            case Relaunch():
                self._relaunch()
            case Send(line=line) if self._stdin is not None:
                self._transcript.add("out", line[:-1], clock.now())
                self._stdin.send(line)
                self._watch_writing(self._stdin)
            case CloseStdin() if self._stdin is not None:
                self._unwatch_writing(self._stdin)
                self._stdin.close()
            case SignalCodex(name=name) if self._codex is not None:
                children.signal_group(self._codex, name)
            case AskRefresh():
                self._start_errand("refresh", b"", self._refreshed)
            case RunTool(request=request, tool=tool, arguments=arguments):
                told = json.dumps({"tool": tool, "arguments": arguments}).encode()
                self._start_errand("tool", told, partial(self._tool_done, request, tool))

    def _start_errand(self, name: str, told: bytes, done: Callable[[bytes], None]) -> None:
        argv = self._errand_command(name, self._paths.folder)
        argv += ["--asked", str(clock.monotonic())]
        try:
            process = children.start_errand(argv, self._errand_secrets)
        except OSError as error:
            self._log.add(f"errand {name} cannot be started: {error}\n".encode())
            done(b"")
            return
        self._own[process.pid] = process
        errand = Errand(process, told, clock.monotonic() + TIME_LIMIT, done)
        self._errands.append(errand)
        self._watch(errand.stdout, partial(self._errand_spoke, errand))
        self._watch_writing(errand.stdin)
        self._watch_errors(process)

    def _errand_spoke(self, errand: Errand) -> None:
        if errand.read():
            self._end_errand(errand)

    def _end_errand(self, errand: Errand) -> None:
        self._errands.remove(errand)
        self._selector.unregister(errand.stdout)
        self._unwatch_writing(errand.stdin)
        errand.finish()

    def _refreshed(self, said: bytes) -> None:
        self._do(self._session.refreshed(refresh_answer(said), _now()))

    def _tool_done(self, request: protocol.RequestId, tool: str, said: bytes) -> None:
        success, text = tool_answer(tool, said)
        self._do(self._session.tool_done(request, success, text, _now()))

    # Waiting.

    def _attend(self) -> None:
        """Beat, look round, and wait for the next thing to happen."""
        now = _now()
        self._beat(now)
        if now.mono >= self._poll_at:
            self._poll_at = now.mono + POLL_EVERY
            self._look_for_notes(now)
        wait = max(0.0, self._next_date() - clock.monotonic())
        for key, _ in self._selector.select(wait):
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        now = _now()
        for errand in [one for one in self._errands if now.mono >= one.until]:
            errand.kill()
            self._end_errand(errand)
        if self._held_until is not None and now.mono >= self._held_until:
            self._look_whether_gone()
        if self._eof_at is not None and now.mono >= self._eof_at + _DEAF_AFTER:
            assert self._codex is not None, "its output ended"
            children.signal_group(self._codex, "kill")
        self._do(self._session.tick(now))

    def _next_date(self) -> float:
        dates = [self._beat_at, self._poll_at, *(errand.until for errand in self._errands)]
        deadline = self._session.deadline()
        if deadline is not None:
            dates.append(deadline)
        if self._held_until is not None:
            dates.append(self._held_until)
        if self._eof_at is not None:
            dates.append(max(self._eof_at + _DEAF_AFTER, clock.monotonic() + 0.1))
        return min(dates)

    def _signalled(self) -> None:
        arrived = self._signals.arrived()
        children.reap(self._own)
        self._own = {pid: one for pid, one in self._own.items() if one.returncode is None}
        self._look_whether_gone()
        if not children.KNOCKS.isdisjoint(arrived):
            note, now = runfolder.stop_note(self._paths), _now()
            if note is not None:
                self._do(self._session.stop(note, now))
            else:
                self._do(self._session.terminated(now))

    def _look_for_notes(self, now: Moment) -> None:
        note = runfolder.stop_note(self._paths)
        if note is not None:
            self._do(self._session.stop(note, now))
        try:
            limits = runfolder.load(RunLimits, self._paths.grant)
        except StateError as error:
            self._log.add(f"{error} It is passed over.\n".encode())
            return
        if limits is not None:
            self._do(self._session.granted(limits, now))

    def _watch(self, descriptor: int, react: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, react)

    def _watch_writing(self, box: Outbox) -> None:
        if box.waiting and not self._is_watched(box):
            react = partial(self._write_more, box)
            self._selector.register(box.descriptor, selectors.EVENT_WRITE, react)

    def _unwatch_writing(self, box: Outbox) -> None:
        if self._is_watched(box):
            self._selector.unregister(box.descriptor)

    def _is_watched(self, box: Outbox) -> bool:
        return box.descriptor >= 0 and box.descriptor in self._selector.get_map()

    def _write_more(self, box: Outbox) -> None:
        descriptor = box.descriptor
        box.flush()
        if not box.waiting:
            self._selector.unregister(descriptor)

    # Signs of life.

    def _beat(self, now: Moment) -> None:
        session = self._session
        thread = session.thread.id if session.thread is not None else ""
        tally = session.tally
        step = (session.phase, session.turn_number, thread, tally.answered)
        news = step != self._beaten or (
            tally.last_event_at != self._shown and now.mono >= self._beat_at - BEAT_EVERY + FRESH
        )
        if not news and now.mono < self._beat_at:
            return
        self._beaten, self._shown = step, tally.last_event_at
        self._beat_at = now.mono + BEAT_EVERY
        sign = PidFile(
            run=self._order.run,
            process=self._me,
            phase=session.phase,
            beat_at=now.at,
            groups=self._groups,
            answered=tally.answered,
            turns=session.turn_number,
            thread=thread,
            last_event=tally.last_event,
            last_event_at=tally.last_event_at,
            last_message=tally.last_message,
            spent=tally.meter.spent,
            limits=tally.limits,
        )
        # A full disk ends no run: the next sign of life may find room.
        with contextlib.suppress(StateError):
            runfolder.save(sign, self._paths.pid, self._secrets, durable=False)
        self._report.flush(now.mono)
        why = self._report.overdue(now.mono)
        if why:
            self._do(self._session.unwritable(why, now))

    def close(self) -> None:
        """End what is still there and let go of everything; called once, whatever happened."""
        for errand in self._errands:
            errand.kill()
        if self._stdin is not None:
            self._stdin.close()
        if self._codex is not None and not _ends(self._codex, _LAST_WAIT):
            children.signal_group(self._codex, "kill")
        self._log.close()
        self._transcript.close()
        self._selector.close()


def _ends(process: Process, seconds: float) -> bool:
    until = clock.monotonic() + seconds
    while process.poll() is None and clock.monotonic() < until:
        clock.sleep(0.02)
    return process.returncode is not None


def _groups(paths: RunPaths) -> tuple[int, ...]:
    """Groups and sessions of the run: those of the acts before us, and our own."""
    before = runfolder.pid_file(paths)
    known = before.groups if before is not None else ()
    return tuple(dict.fromkeys([*known, os.getpgid(0), os.getsid(0)]))


def _now() -> Moment:
    return Moment(clock.now(), clock.monotonic())
