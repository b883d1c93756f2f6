"""The waits of a rotation, derived from settings and never typed in twice (design: publish → promote → retire)."""

from dataclasses import dataclass
from datetime import timedelta

from journal_keys.domain.errors import PolicyError
from journal_keys.domain.keys import Family
from journal_keys.domain.policy import RotationPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How stale anybody's knowledge may be, and what follows from it.

    Raises:
        PolicyError: at construction, when a duration is negative or no view could ever be fresh.
    """

    jwks_max_age: timedelta
    view_ttl: timedelta
    """How long a view counts as fresh that was not confirmed."""
    poll: timedelta
    """How often the ledger is read: the longest time that a change takes to arrive (P)."""
    longest_token: timedelta
    leeway: timedelta
    skew: timedelta
    sign_max_stale: timedelta | None = None
    """How long a process may sign and encrypt on a view that it has not confirmed; None: for the view TTL."""

    def __post_init__(self) -> None:
        named = {
            "JWKS max-age": self.jwks_max_age,
            "view TTL": self.view_ttl,
            "poll interval": self.poll,
            "longest token lifetime": self.longest_token,
        }
        for name, value in named.items():
            if value <= timedelta(0):
                raise PolicyError(f"{name} is {_s(value)}, not > 0 s")
        for name, value in {"leeway": self.leeway, "clock skew": self.skew}.items():
            if value < timedelta(0):
                raise PolicyError(f"{name} is {_s(value)}, not ≥ 0 s")
        if self.oldest_signer_view < self.view_ttl:
            raise PolicyError(
                f"signing stops {_s(self.oldest_signer_view)} after the last confirmation, before the view TTL"
                f" {_s(self.view_ttl)} ends: leave JOURNAL_SIGN_MAX_STALE out, or set it to no less"
            )
        if self.poll * 2 > self.view_ttl:
            raise PolicyError(
                f"twice the poll interval {_s(self.poll)} = {_s(self.poll * 2)} is more than the view TTL"
                f" {_s(self.view_ttl)}: one missed poll would stop signing"
            )

    @property
    def oldest_signer_view(self) -> timedelta:
        """Cs: the oldest view with which anybody may still sign or encrypt."""
        return self.view_ttl if self.sign_max_stale is None else self.sign_max_stale

    @property
    def signs_through_outages(self) -> bool:
        """Whether signing and encrypting outlive the view TTL, so that a process that starts anew may need the keys."""
        return self.oldest_signer_view > self.view_ttl

    @property
    def oldest_verifier_view(self) -> timedelta:
        """Cv: the oldest view with which anybody may still verify or decrypt, JWKS caches included."""
        return max(self.jwks_max_age, self.view_ttl)

    @property
    def publish_to_promote(self) -> timedelta:
        """W1 = Cv + P + δ."""
        return self.oldest_verifier_view + self.poll + self.skew

    @property
    def promote_to_retire(self) -> timedelta:
        """W2 = Cs + P + L + δ, where L is the longest token lifetime and its leeway."""
        return self.oldest_signer_view + self.poll + self.longest_token + self.leeway + self.skew

    def check(self, policy: RotationPolicy) -> None:
        """Refuse an interval that the waits cannot meet.

        Raises:
            PolicyError: the interval is shorter than W1, or keeps more than 64 retained signing keys; the message
                shows the arithmetic.
        """
        w1 = self.publish_to_promote
        if policy.interval < w1:
            raise PolicyError(
                f"the {policy.family} rotation interval {_s(policy.interval)} is shorter than W1 = {_s(w1)}"
                f" = verifier view {_s(self.oldest_verifier_view)} + poll {_s(self.poll)} + skew {_s(self.skew)}:"
                " a successor could never be ready in time"
            )
        if policy.family is Family.JWT and self.promote_to_retire > policy.interval * _MOST_RETAINED:
            raise PolicyError(
                f"W2 = {_s(self.promote_to_retire)} = signer view {_s(self.oldest_signer_view)}"
                f" + poll {_s(self.poll)} + longest token {_s(self.longest_token)} + leeway {_s(self.leeway)}"
                f" + skew {_s(self.skew)} is more than {_MOST_RETAINED} times the jwt rotation interval"
                f" {_s(policy.interval)}: the JWK Set would grow past {_MOST_RETAINED} keys"
            )


_MOST_RETAINED = 64


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
