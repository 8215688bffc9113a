"""Where the windows of a convolution lie along one axis: which pixels each output reads, and which are zeros.

Rows and columns behave alike and independently, so that one axis tells all of stride, padding and dilation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from explorer.convolution.geometry import Padding, same_padding, sizes_of

FORMULA = (
    r"\text{output} &= \left\lfloor \frac{\text{input} + \text{padding} - \text{span}}{\text{stride}} "
    r"\right\rfloor + 1"
)
"""The size of the output, in LaTeX."""

SPAN = r"\text{span} &= \text{dilation} \cdot (\text{kernel} - 1) + 1"
"""What a kernel reaches over, in LaTeX."""


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution, checked.

    Attributes:
        size: Pixels of the input.
        kernel: Taps.
        stride: Pixels from one window to the next.
        before: Zeros before the first pixel.
        after: Zeros after the last.
        dilation: Pixels from one tap to the next.
        output: Windows that fit, which is the size of the output.
    """

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int
    output: int

    @property
    def span(self) -> int:
        """Pixels from the first tap to the last, both included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def free(self) -> int:
        """By how many pixels a window can move in all: the padded input less one span."""
        return self.size + self.before + self.after - self.span

    @property
    def left_over(self) -> int:
        """Padded pixels at the end that no window reaches, because the stride steps beyond."""
        return self.free % self.stride

    @cached_property
    def windows(self) -> tuple[tuple[int, ...], ...]:
        """For each output the pixels under the taps: below 0 or from `size` on they lie in the padding.

        Example:
            >>> axis(4, 3, padding="same").windows[0]
            (-1, 0, 1)
        """
        starts = (output * self.stride - self.before for output in range(self.output))
        return tuple(tuple(start + tap * self.dilation for tap in range(self.kernel)) for start in starts)

    @cached_property
    def unread(self) -> tuple[int, ...]:
        """Pixels of the input that no window reads."""
        read = {pixel for window in self.windows for pixel in window}
        return tuple(pixel for pixel in range(self.size) if pixel not in read)

    @property
    def formula(self) -> str:
        """The output's size worked out, as lines of LaTeX with `&` where they align."""
        tops = f"{self.size} + ({self.before} + {self.after}) - {self.span}", self.free
        numbers = [rf"\left\lfloor \frac{{{top}}}{{{self.stride}}} \right\rfloor + 1" for top in tops]
        return rf"{FORMULA} \\ &= {numbers[0]} \\ &= {numbers[1]} = {self.output}"

    @property
    def span_formula(self) -> str:
        """The span worked out, in the same way."""
        return rf"{SPAN} \\ &= {self.dilation} \cdot ({self.kernel} - 1) + 1 = {self.span}"

    def apply(self, row: tuple[float, ...], taps: tuple[float, ...]) -> tuple[float, ...]:
        """The outputs for one row of pixels.

        Args:
            row: `size` numbers.
            taps: `kernel` weights.

        Example:
            >>> axis(4, 3, padding="same").apply((1, 2, 3, 4), (1, 1, 1))
            (3, 6, 9, 7)
        """
        return tuple(
            sum(row[pixel] * tap for pixel, tap in zip(window, taps, strict=True) if 0 <= pixel < self.size)
            for window in self.windows
        )


def axis(size: int, kernel: int, stride: int = 1, padding: Padding = 0, dilation: int = 1) -> Axis:
    """One axis, from any way to write a padding.

    Args:
        size: Pixels of the input, at least 1.
        kernel: Taps, at least 1.
        stride: At least 1.
        padding: Zeros on both sides, "valid" (none), "same" (PyTorch's, stride 1 only), or
            "same_tensorflow".
        dilation: At least 1.

    Raises:
        ConvolutionError: If the numbers don't fit together; the message names them.
    """
    sizes = sizes_of((1, 1, size, size), (1, 1, kernel, kernel), stride, padding, dilation)
    before, after = sizes.padding[:2]
    return Axis(size, kernel, stride, before, after, dilation, sizes.output_size[0])


def same_twice(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[Axis, Axis]:
    """SAME at a stride, after PyTorch and after TensorFlow.

    PyTorch defines its "same" for stride 1 and refuses others. What is meant there is usually its padding
    with a stride all the same, which is `padding=k // 2` for an odd kernel without dilation: the zeros are
    spread as for stride 1, and every `stride`-th output is kept. TensorFlow pads as little as gives
    ceil(size / stride) outputs.

    Args:
        size: Pixels of the input.
        kernel: Taps.
        stride: At least 1.
        dilation: At least 1.

    Example:
        >>> ours, theirs = same_twice(8, 3, 2)
        >>> (ours.before, ours.after), (theirs.before, theirs.after)
        ((1, 1), (0, 1))
    """
    theirs = axis(size, kernel, stride, "same_tensorflow", dilation)
    before, after = same_padding(kernel, dilation)
    outputs = (size + before + after - theirs.span) // stride + 1
    return Axis(size, kernel, stride, before, after, dilation, outputs), theirs
