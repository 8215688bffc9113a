"""One thread for these tests too: on tiny tensors, waking a second one costs more than it gives."""

from tests.convolution.conftest import one_thread

__all__ = ["one_thread"]
