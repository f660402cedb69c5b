"""Ask together what is asked at the same time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Batches(Generic[Asked, Answer]):
    """Gather questions while others are under way, so that many of them share one statement.

    A question alone is asked at once; one that comes while a statement is under way waits for its end, unless a
    crowd waits already, as it does behind a statement that takes long. ``run`` answers in the order asked; where
    it fails, so does every question of that batch.
    """

    def __init__(
        self,
        run: Callable[[list[Asked]], Awaitable[list[Answer]]],
        *,
        most: int = 64,
        crowd: int = 16,
        abreast: int = 3,
    ) -> None:
        self._run, self._most, self._crowd, self._abreast = run, most, crowd, abreast
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._under_way = 0
        self._workers: set[asyncio.Task[None]] = set()

    async def ask(self, question: Asked) -> Answer:
        """Return the answer to one question."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        crowded = len(self._waiting) > self._crowd and self._under_way < self._abreast
        if not self._under_way or crowded:
            self._under_way += 1
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._next()
        finally:
            # Not when the task is done: a question that comes before the loop hears of that would wait for ever.
            self._under_way -= 1

    async def _next(self) -> None:
        count = min(self._most, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(count)]
        try:
            answers = await self._run([question for question, _ in batch])
        except Exception as problem:  # noqa: BLE001 - whatever it is, those who asked shall have it
            for _, future in batch:
                if not future.done():
                    future.set_exception(problem)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
