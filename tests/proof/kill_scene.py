"""One home in which processes are killed while they rotate."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.settings import Settings
from tests.proof.kill_tally import KillTally
from tests.proof.strikes import Strike, place
from tests.proof.survivor import Comeback, Made, Reading, come_back
from tests.proof.victim import VictimPost, rotate_when_told
from tests.proof.wrong_designs import Design
from tests.support.crew import Child, crew


@dataclass(kw_only=True)
class Scene:
    """One home: what is in it before the next kill, and what was made with its keys."""

    context: ForkServerContext
    settings: Settings
    victim: Design
    survivor: Design
    patience_s: float
    """How long to wait for a survivor to be ready."""
    last: Comeback = field(default_factory=Comeback)
    orphans: Mapping[Family, frozenset[str]] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    rotations: int = 0
    tally: KillTally = field(default_factory=KillTally)

    def rotation_s(self) -> float:
        """Give the time that a fresh process needs to rotate both rings, beside no work whose turn another one took."""
        self._come_back()
        with self._victim():
            pass
        with self._victim() as victim:
            started_s = time.monotonic()
            victim.tell("rotate")
            victim.hear()
            took_s = time.monotonic() - started_s
        self._come_back()
        return took_s

    def kill_after(self, instant_s: float) -> None:
        """Kill a rotator this long after it began, and tally what the next process finds."""
        with self._victim() as victim:
            victim.tell("rotate")
            time.sleep(instant_s)
            victim.kill()
        home, before, orphans = self.settings.journal_keys_home, self.last, self.orphans
        self.tally.half_files += any(home.glob(f".{self.settings.vault_file.name}.*.new"))
        comeback, took_s = self._come_back()
        self.tally.kills += 1
        if comeback.made is None:
            self.tally.wrongs.append(f"kill {self.tally.kills}: not ready again: {comeback.trouble}")
            return
        self.tally.struck[place(self._strikes(before, orphans))] += 1
        self.tally.ready += 1
        self.tally.took_s.append(took_s)

    @contextmanager
    def _victim(self) -> Iterator[Child]:
        """A process that is about to rotate."""
        self.rotations += 1
        post = VictimPost(settings=self.settings, rotation_id=f"rotation-{self.rotations}", design=self.victim)
        with crew(self.context, rotate_when_told, (post,)) as (victim,):
            victim.hear()
            yield victim

    def _come_back(self) -> tuple[Comeback, float]:
        """Start a process, and give what it found and how long it took to be ready; then let it read all there is."""
        started_s = time.monotonic()
        with crew(self.context, come_back, (self.settings, self.survivor, self.patience_s)) as (survivor,):
            comeback: Comeback = survivor.hear()
            took_s = time.monotonic() - started_s
            survivor.tell(self.made)
            reading: Reading = survivor.hear()
        self.tally.add_reading(reading, len(self.made))
        if comeback.made is not None:
            self.last, self.orphans = comeback, reading.orphans
            self.made.append(comeback.made)
        return comeback, took_s

    def _strikes(self, before: Comeback, orphans: Mapping[Family, frozenset[str]]) -> Iterator[Strike]:
        for family in Family:
            yield Strike(
                family=family,
                active_before=before.active[family],
                active_after=self.last.active[family],
                orphans_before=orphans[family],
                orphans_after=self.orphans[family],
                repairs=tuple(self.last.repairs[family]),
            )
