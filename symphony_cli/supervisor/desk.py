"""Where the server's requests are answered. Each is, whatever the run is doing at that moment."""

from __future__ import annotations

from symphony_cli.core import report
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import protocol, tools
from symphony_cli.supervisor.actions import Moment, RunTool, Send
from symphony_cli.supervisor.answers import TIME, answer, shortened
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.notices import ItemStarted, text
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.protocol import Request, RequestId

TOOL_CALL = "item/tool/call"
"""The one request that is carried out, not judged."""

_LONGEST_NAME = 200
"""Characters of a tool's name that are told; ours are shorter."""


class Desk:
    """Answers by policy; tool calls are carried out by errands and answered when they come back."""

    def __init__(self, codex: CodexSettings, out: Outgoing) -> None:
        self._codex, self._out = codex, out
        self._calls: dict[RequestId, str] = {}
        self._change = ItemStarted("", "", "")

    @property
    def busy(self) -> bool:
        """The agent waits for a tool of ours, so its silence is our doing."""
        return bool(self._calls)

    def started(self, item: ItemStarted) -> None:
        """Something began; when it changes files, a question about it may follow at once."""
        if item.paths:
            self._change = item

    def take(self, request: Request, ending: bool, now: Moment) -> Fault | None:
        """Answer, now or later. The fault is why the run must end: a person has to answer."""
        if request.method == TOOL_CALL:
            return self._tool_called(request, ending, now)
        ours = answer(self._with_files(request), self._codex, now.at, ending)
        if request.method != TIME:
            self._out.tell(report.Asked(now.at, ours.kind, ours.verdict, ours.question))
        if ours.result is None:
            line = protocol.refusal(request.id, protocol.METHOD_NOT_FOUND, ours.question)
        else:
            line = protocol.reply(request.id, ours.result)
        self._out.do(Send(line))
        return None if ours.block is None else Fault(Outcome.ASKED, ours.block, ours.question)

    def _with_files(self, request: Request) -> Request:
        """The question whether files may be changed names only the item that names the files; the
        protocol's first version named them in the question, and so do we."""
        if not self._change.item or text(request.params, "itemId") != self._change.item:
            return request
        files = dict.fromkeys(self._change.paths)
        return request._replace(params={**request.params, "fileChanges": files})

    def _tool_called(self, request: Request, ending: bool, now: Moment) -> Fault | None:
        tool = text(request.params, "tool")[:_LONGEST_NAME]
        arguments = request.params.get("arguments")
        if ending:
            self._answer(request.id, tool, False, "This run is ending.", now)
        elif tool == tools.BLOCK:
            reason = text(arguments, "reason").strip() if isinstance(arguments, dict) else ""
            said = "Your work ends here." if reason else "Give a `reason` for people to read."
            self._answer(request.id, tool, bool(reason), said, now)
            return Fault(Outcome.ASKED, BlockReason.AGENT, shortened(reason)) if reason else None
        elif tool in tools.SPECS:
            self._calls[request.id] = tool
            self._out.do(RunTool(request.id, tool, arguments))
        else:
            self._answer(request.id, tool, False, f"There is no tool {tool!r}.", now)
        return None

    def done(self, request: RequestId, success: bool, said: str, now: Moment) -> None:
        """A tool errand came back; its answer may be for a request that nobody waits for."""
        tool = self._calls.pop(request, None)
        if tool is not None:
            self._answer(request, tool, success, said, now)

    def _answer(self, request: RequestId, tool: str, success: bool, said: str, now: Moment) -> None:
        self._out.do(Send(protocol.reply(request, tools.content(success, said))))
        self._out.tell(report.ToolCalled(now.at, tool, success, "" if success else said[:500]))
