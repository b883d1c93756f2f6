"""Several instances that pass on what they make, while a hostile hand kills and stops them, and Redis."""

import os
import random
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from typing import Final

from journal_keys.entrypoints.settings import Settings
from tests.proof.load import Batch, LoadPost, Task, Turn, work_under_load
from tests.proof.load_tally import LoadTally
from tests.proof.wrong_designs import Design
from tests.support.crew import ANSWER_S, Child
from tests.support.redis_server import RedisServer

INSTANCES: Final = 4
_KEPT: Final = 400
_OLD_AFTER_S: Final = 15.0
"""No token is read again past this age: they live for 60 s, and whoever is to read them may stand still."""


@dataclass(slots=True, kw_only=True)
class Post:
    """One place in the fleet: its process, what waits to be read there, and what the process was told last."""

    name: str
    child: Child
    waiting: deque[Batch] = field(default_factory=deque)
    reading: Batch | None = None
    again: Batch | None = None
    asked: int | None = None
    """Which rotation it was told to ask for."""
    is_new: bool = False
    is_done: bool = False
    stopped_until_s: float | None = None


@dataclass(kw_only=True)
class Fleet:
    """All processes under load. `step` hears whoever has finished a turn, and gives it the next task."""

    context: ForkServerContext
    settings: Settings
    design: Design
    redis: RedisServer
    dice: random.Random
    asks: float
    """In which part of its turns an instance asks for a rotation."""
    tally: LoadTally = field(default_factory=LoadTally)
    posts: list[Post] = field(default_factory=list)
    asked: int = 1
    _kept: deque[tuple[float, Batch]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _redis_back_s: float | None = None

    def start(self) -> None:
        """Start every instance and give it its first task."""
        for number in range(INSTANCES):
            name = f"app-{number}"
            self.posts.append(Post(name=name, child=self._child(name)))
        for post in self.posts:
            self._tell(post, makes=True)

    def step(self, *, makes: bool) -> None:
        """Wait for turns to end, and go on; one that `makes` no more only reads what waits.

        Who stands still is not heard: it may have told the first half of a turn, and only we let it go on.
        """
        self._release()
        lines = {post.child.line: post for post in self.posts if not post.is_done and post.stopped_until_s is None}
        for line in wait(list(lines), timeout=0.1):
            self._hear(lines[line], makes=makes)  # type: ignore[index]

    @property
    def is_done(self) -> bool:
        """Whether everything that was made has been read."""
        return all(post.is_done for post in self.posts)

    def kill_one(self) -> None:
        """Kill an instance that is at work and start it again; what it was told to read is still to be read."""
        at_work = [post for post in self.posts if not post.is_new]
        if not at_work:
            return
        post = self.dice.choice(at_work)
        post.child.kill()
        self.tally.kills["an instance"] += 1
        if post.reading is not None:
            post.waiting.appendleft(post.reading)
        post.child, post.is_new, post.stopped_until_s = self._child(post.name), True, None
        self._tell(post, makes=True)

    def stop_one(self, for_s: float) -> None:
        """Let an instance stand still for a while, whatever it does just now."""
        post = self.dice.choice(self.posts)
        self._signal(post, signal.SIGSTOP)
        post.stopped_until_s = time.monotonic() + for_s
        self.tally.pauses += 1

    def kill_redis(self, for_s: float) -> None:
        """Kill Redis, with all that it holds; it comes back after a while."""
        if self._redis_back_s is None:
            self.redis.stop()
            self.tally.kills["Redis"] += 1
            self._redis_back_s = time.monotonic() + for_s

    def release_all(self) -> None:
        """Let everything run that was stopped or killed."""
        self._release(everything=True)

    def end(self) -> None:
        """End every process."""
        for post in self.posts:
            post.child.kill()

    def _child(self, name: str) -> Child:
        settings = self.settings.model_copy(update={"journal_instance_name": name})
        return Child(self.context, work_under_load, LoadPost(settings=settings, design=self.design))

    def _release(self, *, everything: bool = False) -> None:
        now_s = time.monotonic()
        for post in self.posts:
            if post.stopped_until_s is not None and (everything or now_s >= post.stopped_until_s):
                post.stopped_until_s = None
                self._signal(post, signal.SIGCONT)
        if self._redis_back_s is not None and (everything or now_s >= self._redis_back_s):
            self._redis_back_s = None
            self.redis.start()
            self.tally.recoveries += 1

    @staticmethod
    def _signal(post: Post, number: signal.Signals) -> None:
        assert post.child.process.pid is not None
        os.kill(post.child.process.pid, number)

    def _hear(self, post: Post, *, makes: bool) -> None:
        turn: Turn = post.child.hear(ANSWER_S)
        self.tally.add(turn, read=post.reading, again=post.again)
        self.tally.recoveries += post.is_new
        post.is_new = False
        self.asked += turn.is_rotated and post.asked == self.asked
        if turn.made is not None:
            self._pass_on(post, turn.made)
        self._tell(post, makes=makes)

    def _pass_on(self, maker: Post, batch: Batch) -> None:
        """Any other instance reads it first; later, perhaps, whoever is asked."""
        self._kept.append((time.monotonic(), batch))
        other = self.dice.choice([post for post in self.posts if post is not maker])
        other.waiting.append(batch)
        if other.is_done:
            self._tell(other, makes=False)

    def _tell(self, post: Post, *, makes: bool) -> None:
        post.reading = post.waiting.popleft() if post.waiting else None
        post.again = self._old_one()
        post.is_done = not makes and post.reading is None
        if not post.is_done:
            read = tuple(batch for batch in (post.reading, post.again) if batch is not None)
            post.asked = self.asked if makes and self.dice.random() < self.asks else None
            rotation_id = None if post.asked is None else f"rotation-{post.asked}"
            post.child.tell(Task(read=read, rotation_id=rotation_id, makes=makes and len(post.waiting) < 2))

    def _old_one(self) -> Batch | None:
        """One turn in eight reads something old as well."""
        if not self._kept or self.dice.random() > 1 / 8:
            return None
        made_s, batch = self.dice.choice(self._kept)
        return batch if time.monotonic() - made_s < _OLD_AFTER_S else None
