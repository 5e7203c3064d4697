"""What a failed turn or a refused request means: whose fault it is, and what a person can do.

Failures are told apart by Codex's kind of error and the HTTP status behind it, not by their text.
Two kinds have only a text, because Codex calls them "other": a stream that broke, and a request
that was refused with status 400, whose text is the provider's answer as it came (JSON). All
measured with Codex 0.163 and 0.169; docs/codex.md has the same table for people.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.clocks import What
from symphony_cli.supervisor.notices import TurnError
from symphony_cli.supervisor.protocol import Refusal

CONTEXT, COMPACTION = "context", "compaction"
USAGE_LIMIT = "usage_limit"
MODEL = "model"


class Fault(NamedTuple):
    """How a run ends because of it: outcome, a word, and a sentence for a person."""

    outcome: Outcome
    reason: str
    detail: str
    state: str = ""
    """The issue's state, where that is why."""


class Trouble(NamedTuple):
    """A kind of error: how a run ends because of it, what happened, and what a person can do."""

    outcome: Outcome
    reason: str
    what: str
    cure: str

    def fault(self, said: str) -> Fault:
        """The end of a run; `said` are the words of Codex, the provider or a command."""
        quoted = f" ({said[:2000]})" if said else ""
        return Fault(self.outcome, self.reason, f"{self.what}{quoted}. {self.cure}.")


_USAGE_LIMIT = Trouble(
    Outcome.PROVIDER,
    USAGE_LIMIT,
    "The provider's usage limit is reached",
    "Everybody waits, and work goes on by itself after the reset",
)
_OVERLOAD = Trouble(
    Outcome.PROVIDER,
    "overload",
    "The provider is overloaded or wants fewer requests",
    "Work goes on by itself; if this happens often, lower `agent.max_concurrent_agents`",
)
_NETWORK = Trouble(
    Outcome.PROVIDER,
    "network",
    "The provider could not be reached, or it broke off its answer",
    "Work goes on by itself on the same thread; if it does not, check network, proxy and "
    "`base_url` in Codex's config.toml",
)
_LOGIN = Trouble(
    Outcome.ENVIRONMENT,
    "unauthorized",
    "The provider does not accept the login",
    "Run `codex login` for the agents' CODEX_HOME, or set the provider's key",
)
_MODEL = Trouble(
    Outcome.ENVIRONMENT,
    MODEL,
    "The provider does not know the model",
    "Check `model` in Codex's config.toml",
)
_REQUEST = Trouble(
    Outcome.ENVIRONMENT,
    "bad_request",
    "The provider refused the request",
    "Check model and provider in Codex's config.toml",
)
_CONVERSATION = Trouble(
    Outcome.FAILED,
    "conversation",
    "The provider answered before, and refused what the conversation has come to",
    "The next run tries the same thread once more, and the one after that begins a new one; if "
    "that fails too, make the issue smaller or say it differently",
)
_POLICY = Trouble(
    Outcome.FAILED,
    "content_policy",
    "The provider's policy forbids what the agent asked for",
    "Say the issue differently, or do it by hand",
)
_DENIED = Trouble(
    Outcome.FAILED,
    "denials",
    "Codex gave the turn up because too much of it was declined",
    "Widen `codex.approval_policy`, or tell the agent in the prompt what it may not do",
)
SANDBOX = Trouble(
    Outcome.ENVIRONMENT,
    "sandbox",
    "The sandbox for the agent's commands does not work here",
    "Allow unprivileged user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu "
    "`kernel.apparmor_restrict_unprivileged_userns=0`; a container must be started with them), or "
    "set `codex.turn_sandbox_policy` to {type: externalSandbox} in a container that is the "
    "sandbox, or to {type: dangerFullAccess}",
)
_CONTEXT = Trouble(
    Outcome.FAILED,
    CONTEXT,
    "The conversation is longer than the model's context, and could not be made shorter",
    "The next run begins a new thread and is told how far this one came; if it happens again, "
    "split the issue",
)
_COMPACTION = Trouble(
    Outcome.FAILED,
    COMPACTION,
    "The conversation is longer than the model's context, and making it shorter failed",
    "The next run tries the same thread once more, and the one after that begins a new one; "
    "`symphony logs` shows what went wrong",
)
_OTHER = Trouble(
    Outcome.FAILED,
    "turn",
    "The turn failed",
    "The issue is tried again; `symphony logs` shows what the agent did",
)

TROUBLES = (
    _USAGE_LIMIT,
    _OVERLOAD,
    _NETWORK,
    _LOGIN,
    _MODEL,
    _REQUEST,
    _CONVERSATION,
    _POLICY,
    _DENIED,
    SANDBOX,
    _CONTEXT,
    _COMPACTION,
    _OTHER,
)
"""All kinds of errors of a turn."""

_BY_KIND = {
    "usageLimitExceeded": _USAGE_LIMIT,
    "rateLimitExceeded": _OVERLOAD,
    "flexUnavailable": _OVERLOAD,
    "serverOverloaded": _OVERLOAD,
    "internalServerError": _OVERLOAD,
    "policyCapacityUnavailable": _OVERLOAD,
    "contextWindowExceeded": _CONTEXT,
    "unauthorized": _LOGIN,
    "inferenceHookDenied": _LOGIN,
    "modelNotFound": _MODEL,
    "badRequest": _REQUEST,
    "cyberPolicy": _POLICY,
    "misalignmentPolicyViolation": _POLICY,
    "tooManyDenials": _DENIED,
    "sandboxError": SANDBOX,
}
_CONNECTION = frozenset(
    {
        "httpConnectionFailed",
        "responseStreamConnectionFailed",
        "responseStreamDisconnected",
        "responseTooManyFailedAttempts",
    }
)
_BY_STATUS = {
    401: _LOGIN,
    402: _USAGE_LIMIT,
    403: _LOGIN,
    404: _MODEL,
    407: _NETWORK,
    408: _NETWORK,
    429: _OVERLOAD,
}


def of_turn(error: TurnError | None, answered: bool = False) -> Fault:
    """What a failed turn means; `answered`: the model has answered in this run before."""
    if error is None:
        return _OTHER.fault("Codex does not say why")
    trouble = _trouble(error)
    if trouble is _REQUEST and answered:
        trouble = _CONVERSATION
    return trouble.fault(_said(error))


def of_context(why: str) -> Fault:
    """The conversation is too long, and making it shorter failed."""
    return _CONTEXT.fault(why)


def of_compaction(error: TurnError | None) -> Fault:
    """What it means that Codex could not make a conversation shorter: the fault of whoever kept it
    from trying; the conversation's when it is too long for that as well, or refused for it."""
    if error is None:
        return of_context("Codex does not say why")
    trouble = _trouble(error)
    if trouble in (_CONTEXT, _REQUEST):
        return _CONTEXT.fault(_said(error))
    theirs = trouble.outcome in (Outcome.PROVIDER, Outcome.ENVIRONMENT)
    return (trouble if theirs else _COMPACTION).fault(_said(error))


def of_silence(silent: float, times: int, retried: TurnError | None) -> Fault:
    """What it means that nothing was heard for `silent` seconds, so many times. While all that is
    heard are errors of the model that Codex retries, the issue is not at fault."""
    if retried is None:
        sentence = f"Nothing was heard for {silent:.0f} seconds, {times} times."
        return Fault(Outcome.STALLED, "silence", sentence)
    trouble = _trouble(retried)
    theirs = trouble.outcome in (Outcome.PROVIDER, Outcome.ENVIRONMENT)
    said = f"for {silent:.0f} seconds Codex could only retry: {_said(retried)}"
    return (trouble if theirs else _NETWORK).fault(said)


def _said(error: TurnError) -> str:
    return ": ".join(part for part in (error.message, error.details) if part)


def _trouble(error: TurnError) -> Trouble:
    if error.kind in _CONNECTION:
        if error.status is None or error.status >= 500:
            return _NETWORK if error.status is None else _OVERLOAD
        return _BY_STATUS.get(error.status, _REQUEST if error.status >= 400 else _NETWORK)
    if error.kind in ("", "other"):
        if error.message.startswith("stream disconnected"):
            return _NETWORK
        return _REQUEST if is_refusal(error.message) else _OTHER
    return _BY_KIND.get(error.kind, _OTHER)


def is_refusal(message: str) -> bool:
    """Whether a message is the body of the provider's refusal."""
    if not message.startswith("{"):
        return False
    try:
        json.loads(message)
    except (ValueError, RecursionError):
        return False
    return True


def of_opening(method: str, refusal: Refusal) -> Fault:
    """What it means that Codex refuses to get ready: the machine is not fit, not the issue."""
    return Fault(
        Outcome.ENVIRONMENT, "launch", f"Codex refused {method}: {refusal.message[:2000]}."
    )


def of_turn_start(refusal: Refusal) -> Fault:
    """What it means that Codex refuses a turn on an open thread."""
    if refusal.input_error == "input_too_large":
        sentence = f"The prompt is too long for Codex: shorten it ({refusal.message[:500]})."
        return Fault(Outcome.FAILED, "prompt", sentence)
    return Fault(Outcome.FAILED, "turn", f"Codex refused a turn: {refusal.message[:2000]}.")


def of_exit(code: int | None, tail: str, answered: bool) -> Fault:
    """What it means that Codex is gone though nobody asked it to go.

    Before the model's first answer that is a matter of this machine; `tail` is the end of what
    Codex wrote to its error output.
    """
    how = "without a status" if code is None else f"with status {code}"
    if code is not None and code < 0:
        how = f"by signal {-code}"
    said = f": {tail.strip()[-1500:]}" if tail.strip() else ""
    if answered:
        return Fault(Outcome.FAILED, "codex_exit", f"Codex ended {how} in the middle{said}.")
    advice = " Check `codex.command` by hand."
    if code == 127:
        advice = " Install Codex (the extra `codex`, or npm), or set `codex.command`."
    return Fault(
        Outcome.ENVIRONMENT, "launch", f"Codex ended {how} before its first answer{said}.{advice}"
    )


def of_limit(what: What, codex: CodexSettings) -> Fault:
    """A limit other than silence was reached."""
    if what is What.START:
        sentence = (
            f"Codex was not ready after {codex.start_timeout:g} seconds: run `codex.command` by "
            "hand and look whether it speaks JSON on its output."
        )
        return Fault(Outcome.ENVIRONMENT, "start_timeout", sentence)
    seconds = codex.turn_limit if what is What.TURN else codex.run_limit
    sentence = f"The {what} reached its limit of {seconds} seconds."
    return Fault(Outcome.TIMED_OUT, what, sentence)
