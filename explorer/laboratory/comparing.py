"""A case by hand and by PyTorch: one comparison of everything."""

from __future__ import annotations

from dataclasses import replace

from explorer.convolution.comparison import Comparison, compare
from explorer.laboratory.cases import Case
from explorer.laboratory.gradients import gradient_errors


def compare_case(case: Case, algorithm: str = "auto") -> Comparison:
    """Run a case by hand and by PyTorch, and hold outputs and gradients against each other.

    Args:
        case: The convolution.
        algorithm: Of the hand-written side.

    Raises:
        ConvolutionError: If the parameters don't fit together, or the algorithm does not fit them.
    """
    plain = case.plain
    result = compare(
        plain.input, plain.weight, plain.bias, plain.stride, plain.padding, plain.dilation, plain.groups,
        algorithm=algorithm, gradients=False,
    )  # fmt: skip
    return replace(result, gradients=gradient_errors(plain, result.algorithm))
