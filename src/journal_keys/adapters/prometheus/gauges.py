"""What is shown as it is now. Each process shows its own, as long as it lives; zero seconds stand for "not at all".

Labels are never taken back, which files that processes share do not allow: what is no more is set to 0.
"""

from prometheus_client import CollectorRegistry, Gauge

from journal_keys.domain.keys import Family
from journal_keys.domain.status import AuditStatus, Obstacle
from journal_keys.ports.meter import LedgerFigures, RingFigures


def gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    """Make one that is told apart by process, and goes with it."""
    return Gauge(name, text, labels, registry=registry, multiprocess_mode="liveall")


class ViewGauges:
    """What the view of each ring shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def made(name: str, text: str) -> Gauge:
            return gauge(registry, f"journal_keys_{name}", text, "ring")

        self._generation = made("ring_generation", "Generation of the ring in view.")
        self._confirmed = made("view_confirmed_timestamp_seconds", "When the ledger last confirmed the view.")
        self._max_age = made("view_max_age_seconds", "How old a view may be and still count as fresh.")
        self._since = made("active_key_since_timestamp_seconds", "When it was promoted.")
        self._due = made("rotation_due_timestamp_seconds", "When the ACTIVE key is due.")
        self._window = made("rotation_window_seconds", "How long a key waits for its promotion at least (W1).")

    def show(self, figures: RingFigures) -> None:
        """Set them."""
        ring = figures.family.value
        self._generation.labels(ring).set(figures.generation)
        self._confirmed.labels(ring).set(figures.confirmed_at.timestamp())
        self._max_age.labels(ring).set(figures.max_age.total_seconds())
        self._since.labels(ring).set(figures.active_since.timestamp())
        self._due.labels(ring).set(figures.due_at.timestamp())
        self._window.labels(ring).set(figures.window.total_seconds())


class LedgerGauges:
    """What the ledger says of each ring."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._generation = gauge(
            registry, "journal_keys_ledger_ring_generation", "Generation of the ring in the ledger.", "ring"
        )
        self._behind = gauge(
            registry, "journal_keys_instances_behind", "Live instances that hold an older generation.", "ring"
        )
        self._waits = gauge(
            registry,
            "journal_keys_rotation_waiting_since_timestamp_seconds",
            "Since when a rotation waits for this; 0 where none does.",
            "ring",
            "because",
        )
        self._encryptions = gauge(
            registry, "journal_keys_ledger_aes_encryptions", "By the ACTIVE key, as all processes reported them."
        )

    def show(self, figures: LedgerFigures) -> None:
        """Set them."""
        ring = figures.family.value
        self._generation.labels(ring).set(figures.generation)
        self._behind.labels(ring).set(figures.behind)
        if figures.family is Family.AES:
            self._encryptions.set(figures.encryptions)
        since_s = figures.waits_since.timestamp() if figures.waits_since else 0
        for obstacle in Obstacle:
            self._waits.labels(ring, obstacle.value).set(since_s if obstacle is figures.obstacle else 0)


class AuditGauges:
    """What is known of the audit trail. Who does not follow it makes none: a 0 would say that it never was whole."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._head = gauge(registry, "journal_keys_audit_head_sequence", "The last audit entry that was followed.")
        self._broken = gauge(registry, "journal_keys_audit_broken", "1 where the audit chain does not hold.")
        self._whole = gauge(
            registry,
            "journal_keys_audit_whole_timestamp_seconds",
            "When the audit chain was last followed from its beginning; 0 where it never was.",
        )

    def show(self, status: AuditStatus) -> None:
        """Set them."""
        self._head.set(status.head.sequence)
        self._broken.set(1 if status.broken else 0)
        self._whole.set(status.whole_at.timestamp() if status.whole_at else 0)
