"""Which secrets of the webhook count, as a table: names from old to new, with the hour of each one's first use."""

from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.domain.changes import AuditFact
from journal_keys.domain.webhook_secrets import (
    OVERLAP,
    SecretsPage,
    WebhookSecret,
    former_until,
    secret_made,
    secret_used,
)

START = datetime(2026, 11, 26, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEVER = None
BOUND = OVERLAP // HOUR


def page(now_h: float, *made: tuple[str, float, float | None]) -> SecretsPage:
    """Secrets by name, hour of making and hour of first use."""
    secrets = [
        WebhookSecret(
            name=name, made_at=START + made_h * HOUR, used_at=None if used_h is None else START + used_h * HOUR
        )
        for name, made_h, used_h in made
    ]
    return SecretsPage(now=START + now_h * HOUR, made=tuple(secrets))


@pytest.mark.parametrize(
    ("found", "counting", "over"),
    [
        pytest.param(page(9), [None, "x"], [], id="nothing was rotated"),
        pytest.param(page(2, ("a", 1, NEVER)), [None, "x", "a"], [], id="a new one that is not used yet"),
        pytest.param(page(2, ("a", 1, 2)), ["a"], [None, "x"], id="a new one that was used just now"),
        pytest.param(page(1 + BOUND - 0.01, ("a", 1, NEVER)), [None, "a"], [], id="a moment before the bound"),
        pytest.param(page(1 + BOUND, ("a", 1, NEVER)), ["a"], [None], id="at the bound"),
        pytest.param(page(4, ("a", 1, 2), ("b", 3, NEVER)), ["a", "b"], [None], id="the next one, not used yet"),
        pytest.param(page(4, ("a", 1, NEVER), ("b", 3, NEVER)), [None, "a", "b"], [], id="two that are not used yet"),
        pytest.param(page(4, ("a", 1, NEVER), ("b", 3, 4)), ["b"], [None, "a"], id="the second was used alone"),
        pytest.param(page(4, ("a", 1, 4), ("b", 3, NEVER)), ["a", "b"], [None], id="the first is used after all"),
        pytest.param(page(99, ("a", 1, NEVER), ("b", 3, NEVER)), ["b"], [None, "a"], id="both bounds are over"),
    ],
)
def test_the_newest_counts_and_those_before_it_until_it_is_used_or_the_bound_is_over(
    found: SecretsPage, counting: list[str | None], over: list[str | None]
) -> None:
    assert [name for name in counting if found.superseded_at(name) is not None] == []
    assert [name for name in over if found.superseded_at(name) is None] == []


@pytest.mark.parametrize(
    ("made", "hour"),
    [
        pytest.param([("a", 1, NEVER)], 1 + BOUND, id="the first rotation of all"),
        pytest.param([("a", 1, NEVER), ("b", 3, NEVER)], 1 + BOUND, id="the one before is not used either"),
        pytest.param([("a", 1, 2), ("b", 3, NEVER)], 3 + BOUND, id="the one before was used"),
        pytest.param([("a", 1, NEVER), ("b", 2, 2.5), ("c", 3, NEVER)], 3 + BOUND, id="used over an unused one"),
        pytest.param([("a", 1, NEVER), ("b", 5, NEVER), ("c", 2 + BOUND, NEVER)], 5 + BOUND, id="one end is over"),
        pytest.param([("a", 1, NEVER), ("b", 2 + BOUND, NEVER)], 2 + 2 * BOUND, id="all ends are over"),
        pytest.param([("a", 1, 1)], 1, id="used at the moment of its making"),
    ],
)
def test_former_secrets_count_until_the_first_of_them_ends(
    made: list[tuple[str, float, float | None]], hour: float
) -> None:
    found = page(99, *made)
    assert former_until(found.made) == found.former_until(made[-1][0]) == START + hour * HOUR


def test_the_moment_since_when_a_secret_is_over_is_the_first_that_ended_it() -> None:
    found = page(99, ("a", 1, 2), ("b", 3, NEVER))
    assert found.superseded_at(None) == START + 2 * HOUR
    assert found.superseded_at("a") == START + 3 * HOUR + OVERLAP


@pytest.mark.parametrize(
    ("found", "name", "awaits"),
    [
        (page(1), None, False),
        (page(1), "a", False),
        (page(2, ("a", 1, NEVER)), "a", True),
        (page(2, ("a", 1, NEVER)), None, False),
        (page(2, ("a", 1, 2)), "a", False),
        (page(4, ("a", 1, NEVER), ("b", 3, NEVER)), "a", False),
        (page(4, ("a", 1, NEVER), ("b", 3, NEVER)), "b", True),
    ],
)
def test_the_first_use_of_the_newest_alone_is_waited_for(found: SecretsPage, name: str | None, awaits: bool) -> None:  # noqa: FBT001
    assert found.awaits_use(name) is awaits


def test_a_secret_is_known_by_its_name() -> None:
    found = page(9, ("a", 1, NEVER), ("b", 3, NEVER))
    assert [found.has(name) for name in ("a", "b", "c")] == [True, True, False]
    assert not page(9, ("a", 1, NEVER)).has("b")


def test_that_a_secret_was_made_is_a_fact_with_the_end_of_those_before_it() -> None:
    made = page(9, ("a", 1, 2), ("b", 3, NEVER)).made
    assert secret_made(made, actor="operator:ada", reason="it leaked") == AuditFact(
        at=START + 3 * HOUR,
        actor="operator:ada",
        action="webhook_secret_made",
        family=None,
        kid=None,
        reason="it leaked",
        detail={"secret": "b", "former_until": (START + (3 + BOUND) * HOUR).isoformat()},
    )


def test_that_a_secret_was_used_is_a_fact_of_the_webhook() -> None:
    assert secret_used("b", START) == AuditFact(
        at=START,
        actor="webhook",
        action="webhook_secret_used",
        family=None,
        kid=None,
        reason="the first delivery signed with it came",
        detail={"secret": "b"},
    )
