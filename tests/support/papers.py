"""Tokens and ciphertexts that are kept, and read at every age by every process."""

from dataclasses import dataclass

from journal_keys.domain.errors import JournalKeysError, KeyUnavailableError, ViewStaleError
from journal_keys.domain.keys import Family, Kid
from tests.support.crash_rules import require
from tests.support.process import Process
from tests.support.reference_ring import CS, CV, LEEWAY, LIFE, Answer, ReferenceRing
from tests.support.views import MAX_STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One text, when it was made, and what the maker's wall clock said."""

    family: Family
    kid: Kid
    text: str
    made_s: float
    made_unix_s: float

    def is_dead(self, now_s: float) -> bool:
        """Whether nobody needs it any more, as time really passed."""
        return self.family is Family.JWT and now_s - self.made_s >= LIFE + LEEWAY

    def is_good_at(self, unix_s: float) -> bool:
        """Whether a wall clock says that it is inside its life."""
        issued_s = int(self.made_unix_s)
        return self.family is Family.AES or issued_s - LEEWAY <= unix_s < issued_s + LIFE + LEEWAY


@dataclass(slots=True, kw_only=True)
class Reader:
    """A process and when its views were last confirmed, as it really was; None for never since its start."""

    process: Process
    confirmed_s: float | None = None

    def must_write(self, family: Family, now_s: float) -> bool:
        """Whether its view is confirmed, and holds the material that it needs."""
        board = self.process.board
        has_key = (
            board.signing and board.signing.signing if family is Family.JWT else board.cipher and board.cipher.sealing
        )
        return has_key is not None and self.confirmed_s is not None and now_s - self.confirmed_s <= CS

    def refusal(self, paper: Paper) -> JournalKeysError | None:
        """Why the process does not accept the text; None where it does."""
        try:
            self.process.read(paper.family, paper.text)
        except JournalKeysError as refusal:
            return refusal
        return None

    def judge(self, paper: Paper, ring: ReferenceRing, now_s: float) -> bool:
        """Hold the answer to the reference; True where it was an acceptance."""
        refusal = self.refusal(paper)
        board = self.process.board
        view = board.signing if paper.family is Family.JWT else board.cipher
        if view is None or not paper.is_good_at(self.process.clock.unix_s()):
            require(refusal is not None, "a text is accepted without a view, or out of its time")
            return False
        answer = ring.answer(paper.kid, view.ring.generation)
        age_s = self.process.clock.uptime_s() - view.confirmed_s
        require(refusal is not None or age_s <= MAX_STALE.total_seconds(), f"a view of {age_s:g} s is used")
        if refusal is None:
            require(answer is not Answer.NEVER, f"a text under {paper.kid} is accepted, whose key is compromised")
        elif answer is Answer.MUST and not paper.is_dead(now_s):
            excused = self._is_excused(refusal, paper.kid in view.missing, now_s)
            require(excused, f"a good text under {paper.kid} is refused by a view of {age_s:g} s: {refusal!r}")
        return refusal is None

    def _is_excused(self, refusal: JournalKeysError, is_missing: bool, now_s: float) -> bool:  # noqa: FBT001
        """A view older than it may be says so; material that the store did not give is told, and not for ever."""
        if isinstance(refusal, ViewStaleError):
            return self.confirmed_s is None or now_s - self.confirmed_s > CV
        return is_missing and isinstance(refusal, KeyUnavailableError)
