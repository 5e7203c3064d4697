"""Rate limits as a person reads them; whatever is told of them."""

from __future__ import annotations

from symphony_cli.render.limits import provider

WHOLE = {
    "limitId": "codex",
    "primary": {"usedPercent": 43, "windowDurationMins": 300, "resetsAt": 1_900_000_000},
    "secondary": {"usedPercent": 7.5, "windowDurationMins": 10080},
}


def test_each_window_is_told_with_its_length_and_its_reset() -> None:
    assert provider({"codex": WHOLE}) == [
        "Provider (codex): 43% of 5 hours used, resets 2030-03-17 17:46 UTC, 7.5% of 7 days used"
    ]


def test_what_is_not_told_is_not_made_up() -> None:
    odd = {"primary": {"usedPercent": 1, "resetsAt": "soon"}, "secondary": None, "credits": {}}
    nothing = {"primary": {"usedPercent": None}}
    assert provider({"": odd, "x": nothing, "y": "text"}) == ["Provider: 1% of a window used"]


def test_odd_lengths_are_minutes() -> None:
    window = {"primary": {"usedPercent": 2, "windowDurationMins": 95}}
    assert provider({"a": window}) == ["Provider (a): 2% of 95 minutes used"]
