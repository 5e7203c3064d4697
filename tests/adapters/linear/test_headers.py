"""What the headers of an answer say, and what counts as not said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.linear import headers
from symphony_cli.core.budget import Told


def test_headers_tell_of_the_allowance_and_never_of_the_reset() -> None:
    said = {
        "x-ratelimit-requests-limit": "2500",
        "x-ratelimit-requests-remaining": "2483",
        "x-ratelimit-requests-reset": "1763629200000",
        "x-complexity": "7",
        "x-ratelimit-complexity-limit": "3000000",
        "x-ratelimit-complexity-remaining": "2999993.5",
    }
    assert headers.told(said) == Told(2500, 2483, 3_000_000, 2_999_993.5)


@pytest.mark.parametrize("said", ["", "soon", "NaN", "inf", "-1", "2500, 2500", "1e999", "0x10"])
def test_a_header_that_is_no_count_counts_as_not_said(said: str) -> None:
    named = {"x-ratelimit-requests-limit": said, "retry-after": said, "date": said}
    found = headers.told(named), headers.retry_after(named), headers.moment(named)
    assert found == (Told(), None, None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("Thu, 20 Nov 2025 09:01:30 GMT", 90.0),
        ("Thu, 20 Nov 2025 08:00:00 GMT", 0.0),
        ("Thu, 99 Nov 2025 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    named = {"retry-after": said, "date": "Thu, 20 Nov 2025 09:00:00 GMT"}
    assert headers.retry_after(named) == seconds


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("Thu, 20 Nov 2025 09:00:00 GMT", datetime(2025, 11, 20, 9, tzinfo=UTC)),
        ("Thursday, 20-Nov-25 09:00:00 GMT", datetime(2025, 11, 20, 9, tzinfo=UTC)),
        ("Thu, 20 Nov 2025 11:00:00 +0200", datetime(2025, 11, 20, 9, tzinfo=UTC)),
        ("Thu, 20 Nov 2025 09:00:00 -0000", datetime(2025, 11, 20, 9, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("yesterday", None),
        ("\x00", None),
    ],
)
def test_the_servers_clock_is_read_or_not_known(said: str, moment: datetime | None) -> None:
    assert headers.moment({"date": said}) == moment
    assert headers.moment({}) is None
