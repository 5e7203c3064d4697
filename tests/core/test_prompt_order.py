"""Where prompts begin to differ, and what static text that leaves for each to pay anew (row W5)."""

from __future__ import annotations

from symphony_cli.core.prompt_order import Order, Piece, order


def said(line: int, text: str) -> Piece:
    return Piece(line, text, static=True)


def value(line: int, text: str) -> Piece:
    return Piece(line, text, static=False)


def test_static_text_behind_a_value_is_not_shared_and_the_line_of_the_value_is_named() -> None:
    one = [said(1, "Rules.\n"), value(2, "A-1"), said(2, "\nMore rules.\n")]
    other = [said(1, "Rules.\n"), value(2, "B-1"), said(2, "\nMore rules.\n")]
    found = order([one, other], static=20)
    assert found == Order(line=2, shared=7, held=7, static=20)
    assert (found.share, found.after) == (0.35, 13)


def test_the_rendering_that_differs_soonest_counts() -> None:
    first = [said(1, "abcd\nefgh"), value(2, "x")]
    later = [said(1, "abcd\nefgh"), value(2, "y")]
    soon = [said(1, "abcd\n"), value(2, "again"), said(2, "efgh")]
    assert order([first, later, soon], static=9) == Order(line=2, shared=5, held=5, static=9)


def test_a_condition_that_is_left_out_in_one_is_where_they_differ() -> None:
    with_labels = [said(1, "Top\n"), said(2, "Labels: "), value(2, "ui"), said(5, "End")]
    without = [said(1, "Top\n"), said(5, "End")]
    assert order([with_labels, without], static=15).line == 2


def test_one_that_only_goes_on_differs_where_it_goes_on() -> None:
    short, long = [said(1, "Same.\n")], [said(1, "Same.\n"), said(4, "Attempt 2.")]
    assert order([short, long], static=16) == Order(line=4, shared=6, held=6, static=16)


def test_values_that_begin_alike_share_their_beginning_and_sizes_are_bytes() -> None:
    one, other = ([said(1, "é"), value(3, name)] for name in ("A-1", "A-2"))
    assert order([one, other], static=2) == Order(line=3, shared=4, held=2, static=2)


def test_a_line_far_into_static_text_is_counted() -> None:
    one = [said(1, "a\nb\nc\nd")]
    other = [said(1, "a\nb\nX\nd")]
    assert order([one, other], static=7).line == 3


def test_prompts_that_never_differ_name_no_line() -> None:
    same = [said(1, "Do it.")]
    assert order([same, same], static=6) == Order(line=0, shared=6, held=6, static=6)
    assert order([[], []], static=0).share == 1.0
