"""A case by hand and by PyTorch: one comparison of everything."""

from __future__ import annotations

from explorer.convolution.comparison import Comparison, compare
from explorer.laboratory.cases import Case


def compare_case(case: Case, algorithm: str = "auto") -> Comparison:
    """Run a case by hand and by PyTorch, and hold outputs and gradients against each other.

    Args:
        case: The convolution.
        algorithm: Of the hand-written side.

    Raises:
        ConvolutionError: If the parameters don't fit together, or the algorithm does not fit them.
    """
    return compare(case.input, case.kernel, case.bias, **case.parameters, algorithm=algorithm)
