"""An account's limits: evenly spread, first come first served."""

from __future__ import annotations

import asyncio

from evalharness.adapters.remote.limits import Limits
from tests.adapters.remote.stage import FakeTime


def test_requests_are_spread_over_the_minute() -> None:
    time = FakeTime()
    limits = Limits(requests_per_minute=30, clock=time.clock)

    async def ask(count: int) -> list[float]:
        starts = []
        for _ in range(count):
            await limits.request()
            starts.append(time.now_s)
        return starts

    assert asyncio.run(ask(4)) == [0.0, 2.0, 4.0, 6.0]


def test_a_quiet_while_saves_nothing_up() -> None:
    time = FakeTime()
    limits = Limits(requests_per_minute=60, clock=time.clock)

    async def ask() -> list[float]:
        await limits.request()
        time.now_s = 100.0
        await limits.request()
        await limits.request()
        return time.sleeps

    assert asyncio.run(ask()) == [1.0]


def test_places_are_given_in_order_and_never_exceeded() -> None:
    limits = Limits(running=2)
    order: list[int] = []
    at_once: list[int] = []

    async def task(number: int) -> None:
        async with limits.task():
            order.append(number)
            at_once.append(number)
            assert len(at_once) <= 2
            await asyncio.sleep(0.001)
            at_once.remove(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(task(number) for number in range(9)))

    asyncio.run(all_of_them())
    assert order == sorted(order)


def test_without_limits_nobody_waits() -> None:
    time = FakeTime()

    async def ask() -> None:
        limits = Limits(clock=time.clock)
        async with limits.task(), limits.task():
            await limits.request()
            await limits.request()

    asyncio.run(ask())
    assert time.sleeps == []
