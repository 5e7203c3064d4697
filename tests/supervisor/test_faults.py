"""Whose fault an error is: each kind as Codex 0.163 and 0.169 were seen to tell it."""

from __future__ import annotations

import json

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.supervisor import faults
from symphony_cli.supervisor.notices import TurnError

CUT = "stream disconnected before completion: stream closed before response.completed"
BODY = json.dumps({"error": {"message": "No.", "type": "invalid_request_error", "code": None}})
DETAIL = (
    '{"detail":"The \'gpt-9\' model is not supported when using Codex with a ChatGPT account."}'
)
REFUSED = TurnError(
    "Reconnecting... waiting for network",
    "responseStreamDisconnected",
    None,
    "Connection failed: error sending request",
)

KINDS = [
    (TurnError("", "responseTooManyFailedAttempts", 429), "provider", "overload"),
    (TurnError("", "usageLimitExceeded"), "provider", "usage_limit"),
    (TurnError("", "httpConnectionFailed", 402), "provider", "usage_limit"),
    (TurnError("", "rateLimitExceeded"), "provider", "overload"),
    (TurnError("", "internalServerError"), "provider", "overload"),
    (TurnError("", "serverOverloaded"), "provider", "overload"),
    (TurnError("", "httpConnectionFailed", 503), "provider", "overload"),
    (TurnError(CUT, "other"), "provider", "network"),
    (TurnError("", "httpConnectionFailed"), "provider", "network"),
    (TurnError("", "httpConnectionFailed", 407), "provider", "network"),
    (TurnError(BODY, "other"), "environment", "bad_request"),
    (TurnError(DETAIL, "other"), "environment", "bad_request"),
    (TurnError("", "badRequest"), "environment", "bad_request"),
    (TurnError("", "httpConnectionFailed", 422), "environment", "bad_request"),
    (TurnError("", "httpConnectionFailed", 401), "environment", "unauthorized"),
    (TurnError("", "httpConnectionFailed", 403), "environment", "unauthorized"),
    (TurnError("", "unauthorized"), "environment", "unauthorized"),
    (TurnError("", "httpConnectionFailed", 404), "environment", "model"),
    (TurnError("", "modelNotFound"), "environment", "model"),
    (TurnError("", "sandboxError"), "environment", "sandbox"),
    (TurnError("", "contextWindowExceeded"), "failed", "context"),
    (TurnError("", "cyberPolicy"), "failed", "content_policy"),
    (TurnError("", "tooManyDenials"), "failed", "denials"),
    (
        TurnError("Incomplete response returned, reason: max_output_tokens", "other"),
        "failed",
        "turn",
    ),
    (TurnError("{ no JSON", "other"), "failed", "turn"),
    (TurnError("", "somethingNew"), "failed", "turn"),
]


@pytest.mark.parametrize(("error", "outcome", "reason"), KINDS)
def test_a_failed_turn_is_told_apart_by_its_kind_and_status(
    error: TurnError, outcome: str, reason: str
) -> None:
    assert faults.of_turn(error)[:2] == (outcome, reason)


def test_the_kinds_above_are_all_there_are() -> None:
    told = {reason for _, _, reason in KINDS} | {"conversation", "compaction"}
    assert {trouble.reason for trouble in faults.TROUBLES} == told


def test_a_request_that_is_refused_after_answers_is_the_conversations_trouble() -> None:
    error = TurnError(BODY, "other")
    found = [faults.of_turn(error, answered)[:2] for answered in (False, True)]
    assert found == [(Outcome.ENVIRONMENT, "bad_request"), (Outcome.FAILED, "conversation")]


def test_a_fault_says_what_happened_in_whose_words_and_what_to_do() -> None:
    assert faults.of_turn(TurnError("No.", "unauthorized", None, "Really.")).detail == (
        "The provider does not accept the login (No.: Really.). Run `codex login` for the agents' "
        "CODEX_HOME, or set the provider's key."
    )


def test_an_error_that_says_nothing_is_quoted_with_nothing() -> None:
    assert faults.of_turn(TurnError("", "usageLimitExceeded")).detail.startswith(
        "The provider's usage limit is reached. Everybody waits"
    )


@pytest.mark.parametrize("trouble", faults.TROUBLES)
def test_every_kind_tells_a_person_what_to_do_in_whole_sentences(trouble: faults.Trouble) -> None:
    detail = trouble.fault("said").detail
    assert detail == f"{trouble.what} (said). {trouble.cure}."
    assert trouble.what[0].isupper() and trouble.cure[0].isupper() and not detail.endswith("..")


# --- silence


def test_silence_without_a_word_is_the_runs_own() -> None:
    found = faults.of_silence(300.0, 4, None)
    told = "Nothing was heard for 300 seconds, 4 times."
    assert found == faults.Fault(Outcome.STALLED, "silence", told)


@pytest.mark.parametrize(
    ("retried", "reason"),
    [
        (REFUSED, "network"),
        (TurnError("Reconnecting... 1/5", "responseStreamDisconnected", 429), "overload"),
        (TurnError("Reconnecting... 1/5", "responseStreamDisconnected", 401), "unauthorized"),
        (TurnError("Reconnecting...", "other"), "network"),
    ],
    ids=["refused connection", "a Retry-After of an hour", "login", "unknown"],
)
def test_silence_in_which_codex_only_retries_is_not_the_issues_fault(
    retried: TurnError, reason: str
) -> None:
    found = faults.of_silence(300.0, 4, retried)
    assert found.reason == reason and found.outcome in (Outcome.PROVIDER, Outcome.ENVIRONMENT)
    assert f"(for 300 seconds Codex could only retry: {retried.message}" in found.detail


# --- compaction


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (TurnError("", "contextWindowExceeded"), (Outcome.FAILED, "context")),
        (TurnError(BODY, "other"), (Outcome.FAILED, "context")),
        (None, (Outcome.FAILED, "context")),
        (TurnError("", "tooManyDenials"), (Outcome.FAILED, "compaction")),
        (TurnError("incomplete", "other"), (Outcome.FAILED, "compaction")),
        (TurnError(CUT, "other"), (Outcome.PROVIDER, "network")),
        (TurnError("", "usageLimitExceeded"), (Outcome.PROVIDER, "usage_limit")),
        (TurnError("", "unauthorized"), (Outcome.ENVIRONMENT, "unauthorized")),
    ],
)
def test_a_compaction_that_the_provider_kept_from_happening_spoils_no_thread(
    error: TurnError | None, ending: tuple[Outcome, str]
) -> None:
    assert faults.of_compaction(error)[:2] == ending
