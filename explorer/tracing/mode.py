"""A dispatch mode that a server's threads can enter side by side."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class PrivateMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation of its own thread, and touches nothing that other threads read."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and the default imports PyTorch's compiler, as slow as torch itself."""
        return False

    @classmethod
    def is_infra_mode(cls) -> bool:
        """Leaves alone a flag of the whole process that other threads' compilation reads."""
        return True

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """As `is_infra_mode`, for another such flag."""
        return True
