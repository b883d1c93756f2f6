"""One test per sentence of `ports.key_usage`, for every adapter."""

import asyncio

from journal_keys.domain.keys import Kid
from journal_keys.ports.key_usage import KeyUsage

KID = Kid("aes_0001")


async def test_the_first_addition_gives_itself(usage: KeyUsage) -> None:
    assert await usage.add(KID, 1000) == 1000


async def test_adding_nothing_gives_the_sum_so_far(usage: KeyUsage) -> None:
    assert await usage.add(KID, 0) == 0
    await usage.add(KID, 7)
    assert await usage.add(KID, 0) == 7


async def test_the_total_is_the_sum_so_far_and_0_where_nobody_counted(usage: KeyUsage) -> None:
    assert await usage.total(KID) == 0
    await usage.add(KID, 2**32 + 7)
    assert (await usage.total(KID), await usage.total(KID)) == (2**32 + 7, 2**32 + 7)


async def test_additions_sum_up_beyond_32_bits(usage: KeyUsage) -> None:
    await usage.add(KID, 2**32)
    assert await usage.add(KID, 2**32) == 2**33


async def test_each_kid_has_its_own_count(usage: KeyUsage) -> None:
    await usage.add(KID, 5)
    assert await usage.add(Kid("aes_0002"), 1) == 1


async def test_concurrent_additions_are_all_counted_and_each_gives_another_sum(usage: KeyUsage) -> None:
    sums = await asyncio.gather(*(usage.add(KID, 1) for _ in range(20)))
    assert sorted(sums) == list(range(1, 21))
