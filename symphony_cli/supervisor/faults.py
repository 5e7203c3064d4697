"""What a failed turn or a refused request means: whose fault it is, and whether to try again.

Failures are told apart by Codex's kind of error and the HTTP status behind it, not by their text;
the one exception is a stream that broke, which Codex calls "other" (measured with 0.163, 0.169).
"""

from __future__ import annotations

from typing import NamedTuple

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.clocks import What
from symphony_cli.supervisor.notices import TurnError
from symphony_cli.supervisor.protocol import Refusal

CONTEXT = "context"
USAGE_LIMIT = "usage_limit"


class Fault(NamedTuple):
    """How a run ends because of it: outcome, a word, and a sentence for a person."""

    outcome: Outcome
    reason: str
    detail: str


_USAGE_LIMIT = (Outcome.PROVIDER, USAGE_LIMIT, "the provider's usage limit is reached")
_OVERLOAD = (Outcome.PROVIDER, "overload", "the provider is overloaded")
_NETWORK = (Outcome.PROVIDER, "network", "the provider could not be reached")
_LOGIN = (
    Outcome.ENVIRONMENT,
    "unauthorized",
    "the provider does not accept the login: run `codex login` for the agents' CODEX_HOME, or set "
    "the provider's key",
)
_MODEL = (
    Outcome.ENVIRONMENT,
    "model",
    "the provider does not know the model: check `model` in Codex's config.toml",
)
_REQUEST = (
    Outcome.ENVIRONMENT,
    "bad_request",
    "the provider refused the request: check model and provider in Codex's config.toml",
)
_SANDBOX = (
    Outcome.FAILED,
    "sandbox",
    "the sandbox does not work here: allow user namespaces, or set `codex.turn_sandbox_policy` to "
    "{type: externalSandbox} inside a container or {type: dangerFullAccess}",
)
_CONTEXT = (Outcome.FAILED, CONTEXT, "the conversation is longer than the model's context")
_OTHER = (Outcome.FAILED, "turn", "the turn failed")

_BY_KIND = {
    "usageLimitExceeded": _USAGE_LIMIT,
    "rateLimitExceeded": _OVERLOAD,
    "serverOverloaded": _OVERLOAD,
    "internalServerError": _OVERLOAD,
    "policyCapacityUnavailable": _OVERLOAD,
    "contextWindowExceeded": _CONTEXT,
    "unauthorized": _LOGIN,
    "modelNotFound": _MODEL,
    "badRequest": _REQUEST,
    "sandboxError": _SANDBOX,
}
_CONNECTION = frozenset(
    {
        "httpConnectionFailed",
        "responseStreamConnectionFailed",
        "responseStreamDisconnected",
        "responseTooManyFailedAttempts",
    }
)
_BY_STATUS = {400: _REQUEST, 401: _LOGIN, 403: _LOGIN, 404: _MODEL, 429: _OVERLOAD}


def of_turn(error: TurnError | None) -> Fault:
    """What a failed turn means."""
    if error is None:
        return Fault(Outcome.FAILED, "turn", "The turn failed, and Codex does not say why.")
    outcome, reason, sentence = _row(error)
    said = ": ".join(part for part in (error.message, error.details) if part)
    return Fault(outcome, reason, f"{sentence[0].upper()}{sentence[1:]} ({said[:2000]}).")


def of_context(why: str) -> Fault:
    """The conversation is too long, and making it shorter failed."""
    return of_turn(TurnError(why, "contextWindowExceeded"))


def _row(error: TurnError) -> tuple[Outcome, str, str]:
    if error.kind in _CONNECTION:
        if error.status is None:
            return _NETWORK
        return _BY_STATUS.get(error.status, _OVERLOAD if error.status >= 500 else _NETWORK)
    if error.kind in ("", "other") and error.message.startswith("stream disconnected"):
        return _NETWORK
    return _BY_KIND.get(error.kind, _OTHER)


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
