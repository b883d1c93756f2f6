"""Keeps the demonstration's rotator alive, and kills it half-way."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Final, TypeAlias

from journal_keys.entrypoints.demo.dice import Dice
from journal_keys.entrypoints.demo.rotator import Word, rotate
from journal_keys.entrypoints.demo.tally import Tally
from journal_keys.entrypoints.settings import Settings

_KILL_ONE_IN: Final = 2
_LONGEST_KILL_DELAY_S: Final = 0.03
LOOK_S: Final = 0.25
PATIENCE_S: Final = 120.0
"""How long a process may take to start or to end: more than any machine under load takes."""

Spare: TypeAlias = tuple[SpawnProcess, "Connection[str, Word]"]


@dataclass(slots=True, kw_only=True)
class RotatorKeeper:
    """Keeps one rotator alive, kills it half-way through some rotations, and counts who recovered."""

    context: SpawnContext
    settings: Settings
    dice: Dice
    tally: Tally = field(default_factory=Tally)
    process: SpawnProcess | None = None
    told: "Connection[str, Word] | None" = None
    spare: "Spare | None" = None
    owes_recovery: bool = False

    def start(self) -> None:
        """Let the spare rotator begin, which reconciles before anything else, and make the next spare."""
        self.process, self.told = self.spare or self._spawn()
        with suppress(OSError):  # one that has already ended is replaced when its pipe shows that
            self.told.send("begin")
        self.spare = self._spawn()

    def _spawn(self) -> Spare:
        told, telling = self.context.Pipe()
        process = self.context.Process(target=rotate, args=(self.settings, telling), daemon=True)
        process.start()
        telling.close()
        return process, told

    def watch(self, until_s: float) -> None:
        """Follow the rotator until this monotonic time; kill and replace it by chance."""
        while (left_s := until_s - time.monotonic()) > 0:
            if self.told is None or not self.told.poll(left_s):
                return
            try:
                word = self.told.recv()
            except EOFError:
                self._replace()
                continue
            self.tally.rotations += word == "rotated"
            if word == "recovered" and self.owes_recovery:
                self.owes_recovery = False
                self.tally.recoveries += 1
            if word == "rotating" and self._may_kill() and self.dice.index(_KILL_ONE_IN) == 0:
                time.sleep(self.dice.fraction() * _LONGEST_KILL_DELAY_S)
                self.kill()
                self._replace()

    def _may_kill(self) -> bool:
        """Only when another can go on at once: otherwise every rotation would come long after its window."""
        return not self.owes_recovery and self.spare is not None and self.spare[1].poll(0)

    def kill(self) -> None:
        """Kill the rotator with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.tally.kills += 1
            self.owes_recovery = True

    def _replace(self) -> None:
        if self.told is not None:
            self.told.close()
        self.start()

    def finish(self) -> None:
        """Wait for an owed recovery, then end the rotator; that end is no kill of the demonstration."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.owes_recovery and time.monotonic() < deadline_s:
            if self.told is not None and self.told.poll(LOOK_S) and self.told.recv() == "recovered":
                self.owes_recovery = False
                self.tally.recoveries += 1
        self.end()

    def end(self) -> None:
        """End the rotator and its spare, whatever they do."""
        for process in (self.process, self.spare[0] if self.spare else None):
            if process is not None:
                process.kill()
                process.join()
