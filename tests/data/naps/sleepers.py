"""Tests that sleep, for the test of the watch over sleeping tests, which alone runs them."""

import asyncio
import time

import pytest


@pytest.fixture
def slow() -> None:
    time.sleep(0.25)


def test_long() -> None:
    time.sleep(0.25)


async def test_long_in_a_loop() -> None:
    await asyncio.sleep(0.25)


@pytest.mark.usefixtures("slow")
def test_long_in_a_fixture() -> None:
    pass


@pytest.mark.processes
def test_long_beside_processes() -> None:
    time.sleep(0.25)


async def test_short() -> None:
    time.sleep(0.01)
    await asyncio.sleep(0.01)
