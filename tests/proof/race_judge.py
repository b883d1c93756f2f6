"""What the tales of the racers and the rings that they left say together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from tests.proof.homes import Rested
from tests.proof.race_turns import Tale, Turn, kind_of, ring_of
from tests.proof.ring_at_rest import Rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How many generations had one winner, how many keys are lost, and everything that is wrong, in words."""

    turns: int
    winners: int
    lost: int
    told: Counter[str]
    wrongs: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether each generation had exactly one winner and nothing is lost or wrong."""
        return self.winners == self.turns > 0 and not self.lost and not self.wrongs

    @property
    def figures(self) -> tuple[str, ...]:
        """What the processes were told, kind by kind."""
        return tuple(f"{what}: {count}" for what, count in sorted(self.told.items()))

    def line(self, racers: int) -> str:
        """Give the summary."""
        return f"races {self.turns} generations x {racers} processes, {self.winners} winners, keys lost {self.lost}"

    @classmethod
    def summed(cls, parts: Sequence[Self]) -> Self:
        """Give the judgement over several races."""
        return cls(
            turns=sum(part.turns for part in parts),
            winners=sum(part.winners for part in parts),
            lost=sum(part.lost for part in parts),
            told=sum((part.told for part in parts), Counter()),
            wrongs=tuple(wrong for part in parts for wrong in part.wrongs),
        )


def judge(tales: Sequence[Tale], rested: Rested) -> Judgement:
    """Hold what every process says against what every other says, and against what is left."""
    rounds = list(zip(*(tale.turns for tale in tales if tale.turns), strict=True))
    return Judgement(
        turns=len(rounds),
        winners=sum(len(_promoted(turns)) == 1 for turns in rounds),
        lost=sum(len(rest.lost) for rest in rested.rests),
        told=Counter(
            f"{kind_of(number).value}, told {turn.told}" for number, turns in enumerate(rounds) for turn in turns
        ),
        wrongs=(
            *rested.troubles,
            *(trouble for tale in tales for trouble in tale.troubles),
            *(wrong for number, turns in enumerate(rounds) for wrong in _wrongs(number, turns)),
            *(wrong for rest in rested.rests for wrong in (*rest.wrongs, *_wrong_history(rest, rounds, tales))),
        ),
    )


def _promoted(turns: Iterable[Turn]) -> list[str]:
    return [kid for turn in turns for kid in turn.promoted]


def _wrongs(number: int, turns: Sequence[Turn]) -> Iterator[str]:
    """What one generation's tellers contradict each other in."""
    where = f"turn {number} ({ring_of(number)} ring, {kind_of(number).value})"
    promoted = _promoted(turns)
    if len(promoted) != 1:
        yield f"{where} had {len(promoted)} winners"
    for racer, turn in enumerate(turns):
        if turn.trouble:
            yield f"{where}: racer {racer} was told {turn.told}: {turn.trouble}"
        elif turn.new_kid not in promoted:
            yield f"{where}: racer {racer} was told {turn.told} of {turn.new_kid}, which no racer promoted"


def _wrong_history(rest: Rest, rounds: Sequence[Sequence[Turn]], tales: Sequence[Tale]) -> Iterator[str]:
    """What the ledger tells otherwise than the processes."""
    family = rest.ring.family
    told = [
        (f"racer-{racer}", kid)
        for number, turns in enumerate(rounds)
        for racer, turn in enumerate(turns)
        for kid in turn.promoted
        if ring_of(number) is family
    ]
    if [(fact.actor, fact.kid) for fact in rest.promotions[1:]] != told:
        yield f"the audit trail of the {family} ring names other winners than the processes, or another order"
    if rest.ring.active.kid != rest.promotions[-1].kid:
        yield f"the {family} ring ends with {rest.ring.active.kid}, which was not promoted last"
    made = sorted(generation for tale in tales for of, generation in tale.generations if of is family)
    if made != list(range(2, len(made) + 2)):
        yield f"the commits of all processes did not make every generation of the {family} ring once"
