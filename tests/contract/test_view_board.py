"""One test per sentence of `ports.view_board`, for every adapter."""

import inspect
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest

from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.domain.keys import Family
from journal_keys.ports.view_board import CipherView, RingView, SigningView, ViewBoard
from tests.support.ledger_contract import founding

FACTORIES = (pytest.param(MemoryViewBoard, id="in memory"),)


@pytest.fixture(params=FACTORIES)
def board(request: pytest.FixtureRequest) -> ViewBoard:
    factory: Callable[[], ViewBoard] = request.param
    return factory()


def signing_view(confirmed_s: float = 1.0) -> SigningView:
    ring = founding(Family.JWT).ring
    return SigningView(ring=ring, confirmed_s=confirmed_s, signing=None, signers={}, verifying={})


def cipher_view(confirmed_s: float = 1.0) -> CipherView:
    return CipherView(ring=founding(Family.AES).ring, confirmed_s=confirmed_s, sealing=None, opening={})


def test_it_is_a_view_board(board: ViewBoard) -> None:
    assert isinstance(board, ViewBoard)


def test_a_new_board_shows_nothing(board: ViewBoard) -> None:
    assert (board.signing, board.cipher) == (None, None)


def test_a_view_of_the_jwt_ring_is_shown_as_signing_only(board: ViewBoard) -> None:
    view = signing_view()
    board.show(view)
    assert board.signing is view
    assert board.cipher is None


def test_a_view_of_the_aes_ring_is_shown_as_cipher_only(board: ViewBoard) -> None:
    view = cipher_view()
    board.show(view)
    assert board.cipher is view
    assert board.signing is None


def test_a_view_is_swapped_whole_and_the_one_before_stays_as_it_was(board: ViewBoard) -> None:
    first, second = signing_view(1.0), signing_view(2.0)
    board.show(first)
    held = board.signing
    board.show(second)
    assert board.signing is second
    assert held is first
    assert first.confirmed_s == 1.0


def test_a_view_of_one_ring_leaves_the_other_rings_view(board: ViewBoard) -> None:
    signing, cipher = signing_view(), cipher_view()
    board.show(signing)
    board.show(cipher)
    board.show(cipher_view(2.0))
    assert board.signing is signing


def test_an_earlier_view_may_take_the_place_of_a_later_one(board: ViewBoard) -> None:
    board.show(cipher_view(2.0))
    board.show(cipher_view(1.0))
    assert board.cipher is not None
    assert board.cipher.confirmed_s == 1.0


@pytest.mark.parametrize("view", [signing_view(), cipher_view()], ids=["signing", "cipher"])
def test_a_view_is_immutable(view: RingView) -> None:
    with pytest.raises(FrozenInstanceError):
        view.confirmed_s = 2.0  # type: ignore[misc]


def test_reading_is_one_attribute_look_up(board: ViewBoard) -> None:
    signing, cipher = signing_view(), cipher_view()
    board.show(signing)
    board.show(cipher)
    assert inspect.getattr_static(board, "signing") is signing
    assert inspect.getattr_static(board, "cipher") is cipher
