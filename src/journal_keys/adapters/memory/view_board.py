"""The views of one process."""

from journal_keys.ports.view_board import CipherView, RingView, SigningView, ViewBoard


class MemoryViewBoard(ViewBoard):
    """Two attributes; an assignment swaps a view whole."""

    def __init__(self) -> None:
        self.signing: SigningView | None = None
        self.cipher: CipherView | None = None

    def show(self, view: RingView) -> None:
        """Put this view in the place of the one before."""
        if isinstance(view, SigningView):
            self.signing = view
        else:
            self.cipher = view
