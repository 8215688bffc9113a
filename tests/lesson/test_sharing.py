"""Counts of weights, against paper and against layers that were really made."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.convolution import sizes_of
from explorer.lesson.sharing import count_weights, memory, rough, weights_of, wirings
from tests.small_networks import small_net, state_of


def test_the_numbers_of_the_lesson():
    counts = count_weights(sizes_of((1, 3, 224, 224), (64, 3, 3, 3), padding=1))
    assert counts.convolution == 64 * (3 * 3 * 3 + 1) == 1_792
    assert counts.locally_connected == 224 * 224 * 1_792 == 89_915_392
    assert counts.fully_connected == (64 * 224 * 224) * (3 * 224 * 224 + 1) == 483_388_358_656
    assert f"{counts.fully_connected:.1e}" == "4.8e+11"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_equal_to_layers_that_were_made(bias, groups):
    conv = nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, groups=groups, bias=bias)
    x = torch.randn(1, 4, 9, 7)
    output = conv(x)
    made = count_weights(sizes_of(x.shape, conv.weight.shape, (2, 1), 1, 1, groups), bias)
    assert made.convolution == sum(p.numel() for p in conv.parameters())
    dense = nn.Linear(x.numel(), output.numel(), bias=bias)
    assert made.fully_connected == sum(p.numel() for p in dense.parameters())
    # A locally connected layer: unfolded windows, each times weights of its own.
    windows = F.unfold(x, (3, 2), stride=(2, 1), padding=1)  # (1, C kH kW, OH OW)
    kernels = torch.zeros(output.numel(), windows.shape[1] // groups + bias)
    assert made.locally_connected == kernels.numel()


def test_every_convolution_of_a_model():
    net, x = small_net(), torch.randn(1, 3, 17, 22)
    before = state_of(net)
    rows = weights_of(net, x)
    assert state_of(net) == before
    convs = {name: part for name, part in net.named_modules() if isinstance(part, nn.Conv2d)}
    assert [row.name for row in rows] == list(convs)
    for row in rows:
        assert row.counts.convolution == sum(p.numel() for p in convs[row.name].parameters())
        assert row.counts.convolution <= row.counts.locally_connected <= row.counts.fully_connected
    assert rows[0].counts.input_size == (3, 17, 22)
    assert rows[0].counts.output_size == (6, 9, 11)


def test_a_pointwise_layer_on_one_pixel_is_fully_connected():
    counts = count_weights(sizes_of((5, 1, 1), (7, 5, 1, 1)))
    assert counts.convolution == counts.locally_connected == counts.fully_connected == 42


def test_a_repeated_layer_counts_once_and_none_is_none():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3)

        def forward(self, x):
            return self.conv(self.conv(x))

    (row,) = weights_of(Twice(), torch.zeros(1, 2, 9, 8))
    assert row.counts.output_size == (2, 7, 6)
    assert weights_of(nn.Sequential(nn.ReLU()), torch.zeros(1, 2, 3, 4)) == ()


def test_wirings_along_a_row_count_as_the_formulas_do():
    for inputs, taps in ((7, 3), (5, 1), (4, 4)):
        counts = count_weights(sizes_of((1, 1, 1, inputs), (1, 1, 1, taps)), bias=False)
        ways = wirings(inputs, taps)
        expected = counts.convolution, counts.locally_connected, counts.fully_connected
        assert tuple(way.count for way in ways) == expected
        for way in ways:
            assert [len(row) for row in way.reads] == [len(row) for row in way.weights]
            assert len(way.reads) == inputs - taps + 1


@pytest.mark.parametrize(
    ("weights", "size", "said"),
    [
        (0, "0 bytes", "0"),
        (1, "4 bytes", "1"),
        (249, "996 bytes", "249"),
        (250, "1 kB", "250"),
        (999_999, "4 MB", "999,999"),
        (1_000_000, "4 MB", "1 million"),
        (10**18, "4 EB", "1 quintillion"),
        (5 * 10**21, "20 ZB", "5 sextillion"),
    ],
)
def test_large_numbers_in_words(weights, size, said):
    assert memory(weights) == size
    assert rough(weights) == said
