"""Questions asked together: nobody is forgotten, nobody gets another's answer, and one failure is everybody's own."""

from __future__ import annotations

import asyncio

import pytest

from sql.batches import Batches


def doubling(sizes: list[int], seconds: float = 0.0) -> Batches[int, int]:
    """Return batches that double numbers and note how many came together."""

    async def run(questions: list[int]) -> list[int]:
        sizes.append(len(questions))
        await asyncio.sleep(seconds)
        if 13 in questions:
            raise LookupError("thirteen")
        return [2 * question for question in questions]

    return Batches(run, most=8, crowd=4, abreast=2)


def test_one_question_is_asked_at_once_and_those_that_come_meanwhile_share() -> None:
    async def main() -> list[int]:
        sizes: list[int] = []
        batches = doubling(sizes, 0.01)
        first = asyncio.create_task(batches.ask(1))
        await asyncio.sleep(0.001)
        assert await asyncio.gather(*(batches.ask(number) for number in range(2, 5))) == [4, 6, 8]
        assert await first == 2
        return sizes

    assert asyncio.run(main()) == [1, 3]


def test_a_crowd_does_not_wait_behind_a_slow_one_and_no_batch_is_too_large() -> None:
    async def main() -> None:
        sizes: list[int] = []
        batches = doubling(sizes, 0.01)
        numbers = list(range(100, 140))
        assert await asyncio.gather(*(batches.ask(number) for number in numbers)) == [
            2 * number for number in numbers
        ]
        assert max(sizes) == 8
        assert sum(sizes) == 40

    asyncio.run(main())


def test_a_question_asked_just_as_a_worker_ends_is_answered() -> None:
    async def main() -> None:
        batches = doubling([])
        for number in range(1000):
            assert await asyncio.wait_for(batches.ask(number + 100), 2) == 2 * (number + 100)

    asyncio.run(main())


def test_a_failure_reaches_those_of_its_batch_and_nobody_else() -> None:
    async def main() -> None:
        batches = doubling([])
        with pytest.raises(LookupError):
            await batches.ask(13)
        assert await batches.ask(2) == 4

    asyncio.run(main())


def test_one_that_stopped_waiting_does_not_disturb_the_others() -> None:
    async def main() -> None:
        batches = doubling([], 0.02)
        gone, stays = (asyncio.create_task(batches.ask(number)) for number in (1, 2))
        await asyncio.sleep(0.005)
        gone.cancel()
        assert await stays == 4
        assert await batches.ask(3) == 6

    asyncio.run(main())
