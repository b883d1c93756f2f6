"""Secret bytes as text and back, with errors that carry nothing of them."""

import pytest

from journal_keys.domain.errors import UnencodableTextError
from journal_keys.domain.exposure import as_bytes, as_text


@pytest.mark.parametrize("text", ["", "a secret", "Größe \U0001f511"])
def test_text_comes_back(text: str) -> None:
    assert as_text(as_bytes(text)) == text
    assert as_bytes(text) == text.encode()


def test_bytes_that_are_no_text_are_none() -> None:
    assert as_text(b"\xff\xfe") is None


def test_a_lone_surrogate_is_refused_without_the_text() -> None:
    with pytest.raises(UnencodableTextError) as caught:
        as_bytes("canary\udcff")
    assert str(caught.value) == (
        "the value holds a lone surrogate: expected Unicode text, or bytes where they are taken"
    )
    assert caught.value.__context__ is None
