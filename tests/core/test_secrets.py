"""A secret is hidden wherever it stands and however it was escaped (row O12)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.secrets import HIDDEN, SHORTEST, redact, redact_bytes

KEY = "lin_api_0123456789abcdef"
AWKWARD = 'pa"ss\\wörd\ttab'

secrets = st.builds(
    "{}{}{}".format,
    # A key begins with a word; one of hexadecimal digits alone could be taken for a JSON escape.
    st.sampled_from(["lin_", "sk-", "k"]),
    st.text(alphabet='abcXYZ0189_"\\/é\t\n☃', min_size=SHORTEST, max_size=20),
    st.sampled_from("abXY09"),
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("nothing to hide", "nothing to hide"),
        (KEY, HIDDEN),
        (f"{KEY}{KEY} and {KEY}.", f"{HIDDEN}{HIDDEN} and {HIDDEN}."),
        (f"Authorization: {KEY}\n", f"Authorization: {HIDDEN}\n"),
        ("lin_api_0123", "lin_api_0123"),
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_left(text: str, left: str) -> None:
    assert redact(text, [KEY]) == left
    assert redact_bytes(text.encode(), [KEY]) == left.encode()


def test_several_secrets_are_hidden_also_when_one_holds_another() -> None:
    longer = KEY + "-and-more"
    assert redact(f"{longer} {KEY}", [KEY, longer]) == f"{HIDDEN} {HIDDEN}"


def test_values_that_are_too_short_to_be_secrets_stay() -> None:
    text = "a b dev"
    assert redact(text, ["", "a", "dev", "1234567"]) == text
    assert redact_bytes(text.encode(), ["", "a", "dev", "1234567"]) == text.encode()


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_secret_is_hidden_where_json_has_escaped_it(ensure_ascii: bool) -> None:
    text = json.dumps({"title": f"<{AWKWARD}>"}, ensure_ascii=ensure_ascii)
    assert json.loads(redact(text, [AWKWARD])) == {"title": f"<{HIDDEN}>"}
    assert json.loads(redact_bytes(text.encode(), [AWKWARD])) == {"title": f"<{HIDDEN}>"}


@given(secret=secrets, before=st.text(), after=st.text(), ensure_ascii=st.booleans())
def test_no_secret_comes_through_json(
    secret: str, before: str, after: str, ensure_ascii: bool
) -> None:
    text = json.dumps(before + secret + after, ensure_ascii=ensure_ascii)
    hidden = json.loads(redact(text, [secret]))
    assert secret not in hidden
    assert json.loads(redact_bytes(text.encode(), [secret])) == hidden
