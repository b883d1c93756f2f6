"""Read, through the rings, what the keys made before they were moved."""

from dataclasses import dataclass

from journal_keys.domain.errors import PortError
from journal_keys.domain.migration import Step
from journal_keys.ports.foreign_keys import ForeignKeys, Work, WorkReader
from journal_keys.ports.progress import Progress
from journal_keys.use_cases.plan_migration import MigrationPlan
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.refresh_views import RefreshViews


class MigrationUnprovedError(PortError):
    """Everything was moved, and something that was made before is not read: the migration is not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveMigration:
    """Read every value back past every cache, and with fresh views what was made before."""

    put: PutValues
    refresh: RefreshViews
    foreign: ForeignKeys
    reader: WorkReader

    async def __call__(self, plan: MigrationPlan, tell: Progress) -> None:
        """Find nothing wrong.

        Raises:
            MigrationUnprovedError: something made before is not read.
            SecretNotFoundError: a secret does not read back as it was set.
            PortError: store or ledger could not be read.
        """
        await self.put.check({one.path: one.value for one in plan.secrets if one.step is not Step.KEEP})
        await self.refresh()
        unread = []
        for number, work in enumerate(plan.works):
            tell("reading what the keys made before", number, len(plan.works))
            if not self._reads(plan, work):
                unread.append(work.kid)
        if unread:
            raise MigrationUnprovedError(
                f"what {', '.join(unread)} made before is not read through the rings: the migration is not complete;"
                " 'migration rollback' leads back"
            )

    def _reads(self, plan: MigrationPlan, work: Work) -> bool:
        """Read it; a token that ended while the migration ran is made once more, as the application would."""
        if self.reader.reads(work):
            return True
        key = next(one.key for one in plan.keys if one.kid == work.kid)
        return self.reader.reads(self.foreign.work(key, said=work.said))
