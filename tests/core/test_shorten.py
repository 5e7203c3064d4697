"""A long line of the protocol still says what it is about."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.shorten import beginning, left_out, shorten

TEXTS = st.lists(st.sampled_from(["a", '"', "\\", "\n", "é", "😀", "\ud83d", "\0", "\\u00e9"])).map(
    lambda bits: "".join(bits * 400)
)


@given(TEXTS, TEXTS, st.booleans())
def test_whatever_is_cut_it_stays_json_with_its_short_members(
    one: str, two: str, ascii_only: bool
) -> None:
    message = {"method": "item/completed", "params": {"id": "c", "out": one, two: 1, "exit": 3}}
    line = json.dumps(message, ensure_ascii=ascii_only).encode("utf-8", "replace")
    short = shorten(line, 700)
    kept = json.loads(short)
    assert len(short) <= 700
    assert (kept["method"], kept["params"]["id"], kept["params"]["exit"]) == (
        "item/completed",
        "c",
        3,
    )


def test_the_beginning_and_the_end_of_a_long_text_stay_and_the_rest_is_counted() -> None:
    text = json.loads(shorten(json.dumps({"t": "a" * 50_000 + "z" * 50_000}).encode(), 13_000))["t"]
    assert (text[:4096], text[-4096:]) == ("a" * 4096, "z" * 4096)
    assert (left_out(text), left_out("no gap")) == (100_000 - 2 * 4096, 0)


def test_what_was_left_out_is_counted_also_when_it_took_more_than_one_cut() -> None:
    texts = {str(n): "x" * 100_000 for n in range(9)}
    kept = json.loads(shorten(json.dumps(texts).encode(), 60_000))
    lengths = {text.count("x") + left_out(text) for text in kept.values()}
    assert (lengths, len(kept)) == ({100_000}, 9)


def test_of_many_small_members_the_first_stay() -> None:
    changes = [{"path": f"f{n}", "diff": "+x\n"} for n in range(10_000)]
    line = json.dumps({"method": "item/started", "params": {"changes": changes}}).encode()
    kept = json.loads(shorten(line, 10_000))
    assert kept == {"method": "item/started", "params": {"changes": changes[:40]}}


@pytest.mark.parametrize("most", [2, 3, 6, 20, 100, 3000])
@pytest.mark.parametrize("line", [b"\0" * 5000, "é".encode() * 2500, b'{"a": ' * 2000], ids=str)
def test_what_cannot_be_shortened_becomes_a_text(line: bytes, most: int) -> None:
    for short in (shorten(line, most), beginning(line, most)):
        assert isinstance(json.loads(short), str)
        assert len(short) <= most
