"""The condition of a store that is in this process, or in a file of this host."""

from journal_keys.ports.store_condition import StoreCondition


class NoTrouble(StoreCondition):
    """Nothing stands between this process and such a store."""

    def trouble(self) -> str:
        """Say nothing."""
        return ""

    def is_silent(self) -> bool:
        """Say no."""
        return False
