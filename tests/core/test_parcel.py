"""What goes into a bug report has no secret in it, known or not, and stays readable."""

from __future__ import annotations

import pytest

from symphony_cli.core.parcel import (
    cleaned,
    cleaned_settings,
    last_lines,
    looks_secret,
    secret_values,
)
from symphony_cli.core.secrets import HIDDEN

KEY = "zz-unusual-key-99"


def test_known_secrets_and_homes_are_taken_out() -> None:
    text = f'{{"key": "{KEY}", "at": "/home/ada/p", "in": "/home/adam/p", "h": "/home/ada"}}'
    assert cleaned(text, [KEY], ["/home/ada/"]) == (
        f'{{"key": "{HIDDEN}", "at": "~/p", "in": "/home/adam/p", "h": "~"}}'
    )


@pytest.mark.parametrize(
    "secret",
    [
        "lin_api_abcdef0123456789", "lin_oauth_abc123", "sk-proj-abcdef_0123456789",
        "ghp_abcdefghijklmnop0123", "github_pat_11ABC_def", "glpat-abc-123", "xoxb-1-abc",
        "AKIAABCDEFGHIJKLMNOP", "eyJhbGciOiJI.eyJzdWIi.c2ln",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off",
    ],
)  # fmt: skip
def test_what_has_the_form_of_a_key_is_taken_out_though_nobody_knows_it(secret: str) -> None:
    assert cleaned(f"before {secret}", [], []) == f"before {HIDDEN}"


def test_passwords_in_addresses_and_headers_are_taken_out() -> None:
    text = "https://ada:pass@example.org/a and Authorization: Bearer abc.def/ghi=="
    assert cleaned(text, [], []) == (
        f"https://{HIDDEN}@example.org/a and Authorization: Bearer {HIDDEN}"
    )


def test_ordinary_text_is_left() -> None:
    text = "risk-free task-list at https://example.org/a@b, token 5, mask-of-the-red-death"
    assert cleaned(text, [], ["/", ""]) == text


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("  api_key: abc", f"  api_key: {HIDDEN}"),
        ("  api_key: 'a b c' # mine", f"  api_key: {HIDDEN} # mine"),
        ("{kind: linear, api_key: abc}", f"{{kind: linear, api_key: {HIDDEN}}}"),
        ("MY_TOKEN=abc", f"MY_TOKEN={HIDDEN}"),
        ("  password: x", f"  password: {HIDDEN}"),
        ("  api_key: $LINEAR_API_KEY", "  api_key: $LINEAR_API_KEY"),
        ('  api_key: "${KEY}"', '  api_key: "${KEY}"'),
        ("  max_tokens_per_issue: 2000000", "  max_tokens_per_issue: 2000000"),
        ("  cached_token_weight: 0.1", "  cached_token_weight: 0.1"),
    ],
)
def test_settings_with_telling_names_lose_their_values_and_no_others(line: str, left: str) -> None:
    assert cleaned_settings(line, [], []) == left


def test_variables_with_telling_names_hold_secrets_but_places_and_short_values_are_none() -> None:
    variables = {
        "GH_TOKEN": "abcdefgh",
        "MY_KEY": "Bearer 12345678",
        "KEY_FILE": "/home/ada/key",
        "A_SECRET": "short",
        "EDITOR": "abcdefghijk",
    }
    assert secret_values(variables) == ("abcdefgh", "Bearer 12345678", "12345678")
    assert not looks_secret("SSH_AUTH_SOCK")


def test_of_a_file_that_was_cut_the_first_line_may_be_half_a_secret() -> None:
    assert last_lines(b"cret-99\nwhole\n", whole=False) == b"whole\n"
    assert last_lines(b"all\n", whole=True) == b"all\n"
