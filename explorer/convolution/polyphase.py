"""A picture laid out so that every tap of the kernel reads one unbroken run of memory.

Two tricks, both old ones of signal processing:

* Flat rows. Written one after the other with the padding between them, all rows form one line, and the
  picture moved down by a row is the same line read `pitch` values later. A kernel tap becomes an offset.
* Phases. With stride 2 a tap sees every second pixel only. Sorted by row modulo stride and column modulo
  stride, the picture becomes stride · stride small pictures, on each of which the step is 1.

Source: Vaidyanathan, "Multirate systems and filter banks", 1993 (polyphase decomposition).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import covered


@dataclass(frozen=True, eq=False)
class Phases:
    """A strip of padded picture rows, sorted by phase and laid flat.

    Attributes:
        values: (phases, N, C, line): for each (row, column) phase (0, 0), (0, 1) ... one line per channel.
        pitch: Values from one row of a line to the next.
        rows: Output rows of the strip.
    """

    values: Tensor
    pitch: int
    rows: int

    def taps(self, starts: Sequence[tuple[int, int]]) -> Iterator[Tensor]:
        """What each tap of the kernel reads for all outputs of the strip: (N, C, rows · pitch), a view.

        The first OW values of each row belong to outputs; the rest, up to the pitch, to none.

        Args:
            starts: Of the convolution, by `tap_starts`.
        """
        lines, length = self.values.unbind(0), self.rows * self.pitch
        return (lines[phase].narrow(2, start, length) for phase, start in starts)


def pitch_of(sizes: Geometry) -> int:
    """Values from one row of a line to the next: an output row and what the kernel reaches beyond it."""
    return sizes.output_size[1] + (sizes.span[1] - 1) // sizes.stride[1]


def tap_starts(sizes: Geometry) -> list[tuple[int, int]]:
    """For each tap, row by row, the phase that it reads and where in the phase's lines it begins."""
    (down, right), (between_rows, between_columns) = sizes.stride, sizes.dilation
    (height, width), pitch = sizes.kernel_size, pitch_of(sizes)
    rows = [
        (row % down * right, row // down * pitch) for row in range(0, height * between_rows, between_rows)
    ]
    columns = [divmod(column, right) for column in range(0, width * between_columns, between_columns)]
    return [(phase + odd, start + across) for phase, start in rows for across, odd in columns]


def lay_out(input: Tensor, sizes: Geometry, first: int, rows: int) -> Phases:
    """Pad, sort by phase and lay flat what the output rows `first` to `first + rows` need.

    Args:
        input: (N, C, H, W), any number of the pictures and channels, without padding.
        sizes: The convolution; its padding is written between the rows as zeros.
        first: The first output row.
        rows: How many output rows.
    """
    stride, top, left = sizes.stride, sizes.padding[0], sizes.padding[2]
    height = rows + (sizes.span[0] - 1) // stride[0]
    pitch = pitch_of(sizes)
    slack = pitch - sizes.output_size[1]
    shape = stride[0] * stride[1], *input.shape[:2], height * pitch + slack
    phases = input.new_zeros(shape)
    pictures = phases[..., : height * pitch].view(*phases.shape[:3], height, pitch)
    for a in range(stride[0]):
        to_rows, from_rows = covered(sizes.size[0], top - a - first * stride[0], stride[0], height)
        for b in range(stride[1]):
            to_columns, from_columns = covered(sizes.size[1], left - b, stride[1], pitch)
            phase = pictures[a * stride[1] + b]
            phase[:, :, to_rows, to_columns] = input[:, :, from_rows, from_columns]
    return Phases(phases, pitch, rows)
