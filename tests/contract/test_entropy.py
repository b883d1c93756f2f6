"""One test per sentence of `ports.entropy`, for every adapter."""

from collections.abc import Callable

import pytest

from journal_keys.adapters.memory.entropy import SeededEntropy
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.ports.entropy import Entropy


def seeded() -> Entropy:
    return SeededEntropy(1)


FACTORIES = (pytest.param(seeded, id="seeded"), pytest.param(SystemEntropy, id="of the operating system"))


@pytest.fixture(params=FACTORIES)
def entropy(request: pytest.FixtureRequest) -> Entropy:
    factory: Callable[[], Entropy] = request.param
    return factory()


def test_it_is_an_entropy(entropy: Entropy) -> None:
    assert isinstance(entropy, Entropy)


@pytest.mark.parametrize("size", [1, 12, 31, 32, 33, 64, 1023, 1024])
def test_it_gives_as_many_bytes_as_asked(entropy: Entropy, size: int) -> None:
    assert len(entropy.token(size)) == size


@pytest.mark.parametrize("size", [-1, 0, 1025, 2**31])
def test_another_size_is_refused(entropy: Entropy, size: int) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        entropy.token(size)


def test_no_two_calls_share_their_bytes(entropy: Entropy) -> None:
    assert len({entropy.token(16) for _ in range(2000)}) == 2000


def test_no_two_calls_of_different_sizes_begin_alike(entropy: Entropy) -> None:
    assert len({entropy.token(size)[:16] for size in range(16, 1025)}) == 1009


def test_no_two_blocks_of_one_call_are_alike(entropy: Entropy) -> None:
    drawn = entropy.token(1024)
    assert len({drawn[start : start + 32] for start in range(0, 1024, 32)}) == 32


def test_every_bit_takes_both_values(entropy: Entropy) -> None:
    drawn = [int.from_bytes(entropy.token(32), "big") for _ in range(256)]
    ones, zeros = 0, 0
    for number in drawn:
        ones |= number
        zeros |= ~number & (2**256 - 1)
    assert ones == zeros == 2**256 - 1


def test_a_refused_size_draws_nothing() -> None:
    refused = SeededEntropy(7)
    with pytest.raises(ValueError, match="1 to 1024"):
        refused.token(0)
    assert refused.token(32) == SeededEntropy(7).token(32)


def test_one_seed_gives_the_same_bytes_again() -> None:
    first, second = SeededEntropy(7), SeededEntropy(7)
    assert [first.token(40) for _ in range(3)] == [second.token(40) for _ in range(3)]


def test_two_seeds_give_different_bytes() -> None:
    assert len({SeededEntropy(seed).token(32) for seed in range(1000)}) == 1000


def test_two_entropies_of_the_system_give_different_bytes() -> None:
    assert SystemEntropy().token(32) != SystemEntropy().token(32)
