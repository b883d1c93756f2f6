"""What a view of a ring shows, for whoever counts."""

from datetime import UTC, datetime, timedelta
from typing import Final

from journal_keys.domain.keys import Family
from journal_keys.ports.meter import RingFigures

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
FIGURES: Final = RingFigures(
    family=Family.JWT,
    generation=3,
    confirmed_at=NOW,
    active_since=NOW - timedelta(days=23),
    due_at=NOW + timedelta(days=4),
    max_age=timedelta(seconds=300),
    window=timedelta(seconds=675),
)
