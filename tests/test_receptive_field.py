"""Receptive fields: numbers that can be checked on paper, brute force, and the support of the gradient."""

import random
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from explorer.layers import layer_table
from explorer.receptive_field import Reach, ReceptiveField, Taps, hull
from tests.random_nets import ANY, ZERO_PADDED, gradient_supports, random_net

PIXELS = Reach(1, ((0, 1),))


def composed(*steps):
    reach = PIXELS
    for taps in steps:
        reach = reach.through(taps)
    return reach


def last_field(net, x):
    return layer_table(net, x)[-1].receptive_field


class TestOnPaper:
    def test_two_three_by_three_see_five_and_three_see_seven(self):
        three = Taps.window(3, padding=1)
        assert composed(three, three) == Reach(1, ((-2, 3),))
        assert composed(three, three, three).size == 7

    def test_strides_multiply_and_dilation_spreads(self):
        # 3 wide, stride 2: [0, 3), [2, 5) ...; dilated by 2 it reads positions 0, 2, 4: pixels 0 to 11
        reach = composed(Taps.window(3, stride=2), Taps.window(3, dilation=2))
        assert (reach.at(0), reach.size, reach.step) == ((0, 11), 11, 2)

    def test_vgg16_by_hand(self):
        steps = []
        for convolutions in (2, 2, 3, 3, 3):
            steps += [Taps.window(3, padding=1)] * convolutions + [Taps.window(2, stride=2)]
        assert composed(*steps) == Reach(32, ((-90, 122),))

    def test_transposed_convolution_with_kernel_four_and_stride_two(self):
        # inputs 0, 1, 2 reach outputs -1..2, 1..4, 3..6, so output 1 sees 0 and 1, output 2 sees 0 and 1
        reach = composed(Taps.transposed(4, 2, 1, 1))
        assert [reach.at(i) for i in range(4)] == [(-1, 1), (0, 2), (0, 2), (1, 3)]
        assert reach.step == Fraction(1, 2)

    def test_transposed_convolution_with_holes(self):
        reach = composed(Taps.transposed(1, 3, 0, 1))
        assert [reach.at(i) for i in range(4)] == [(0, 1), None, None, (1, 2)]
        assert hull(reach.spans) == (0, 1)

    def test_upsampling_alternates_between_phases(self):
        reach = composed(Taps.resampled(Fraction(1, 2), Fraction(0), (0, 0)), Taps.window(3))
        assert [reach.at(i) for i in range(3)] == [(0, 2), (0, 2), (1, 3)]
        assert reach.size == 2

    def test_bilinear_upsampling_reads_the_two_nearest(self):
        reach = composed(Taps.resampled(Fraction(1, 2), Fraction(-1, 4), (0, 1)))
        assert [reach.at(i) for i in range(3)] == [(-1, 1), (0, 2), (0, 2)]

    def test_down_and_up_again_has_the_period_of_what_remains(self):
        half, twice = Taps.window(2, stride=2), Taps.resampled(Fraction(1, 2), Fraction(0), (0, 0))
        assert composed(half, twice, Taps.window(1, stride=2)) == Reach(2, ((0, 2),))

    def test_adaptive_pooling_of_seven_to_three(self):
        assert Taps.adaptive(7, 3).reads == ((0, 1, 2), (2, 3, 4), (4, 5, 6))
        assert Taps.adaptive(6, 3) == Taps.window(2, stride=2)

    def test_a_reversed_axis_runs_backwards(self):
        reach = composed(Taps(-1, ((9,),)), Taps.window(2))
        assert (reach.at(0), reach.at(1), reach.step) == ((8, 10), (7, 9), -1)

    def test_union_is_the_hull_of_equal_speeds_only(self):
        narrow, wide = composed(Taps.window(1)), composed(Taps.window(5, padding=2))
        assert narrow.union(wide) == wide
        assert narrow.union(composed(Taps.window(1, stride=2))) is None

    def test_periods_without_end_are_given_up(self):
        reach: Reach | None = PIXELS
        for size in (97, 89, 83):
            reach = reach and reach.through(Taps.resampled(Fraction(101, size), Fraction(0), (0, 1)))
        assert reach is None


class TestAgainstBruteForce:
    @pytest.mark.parametrize("seed", range(30))
    def test_composition_equals_sets_of_pixels(self, seed):
        rng = random.Random(seed)
        steps = [random_taps(rng) for _ in range(rng.randint(1, 4))]
        reach = composed(*steps)
        for position in range(-7, 8):
            pixels = {position}
            for taps in reversed(steps):
                pixels = {index for output in pixels for index in reads(taps, output)}
            assert reach.at(position) == ((min(pixels), max(pixels) + 1) if pixels else None)

    @pytest.mark.parametrize("seed", range(10))
    def test_indices_are_the_reads_inside_the_map(self, seed):
        taps = random_taps(random.Random(seed))
        index, valid = taps.indices(9, 7)
        for output in range(9):
            expected = [i for i in reads(taps, output) if taps.border == "edge" or 0 <= i < 7]
            assert index[output][valid[output]].tolist() == np.clip(expected, 0, 6).astype(int).tolist()

    def test_mirrored_border(self):
        index, _ = Taps.window(1, 1, 2, 1, "mirror").indices(8, 4)
        assert index[:, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]

    def test_contracting_undoes_repeating(self):
        there, back = Taps.repeated(3, 4), Taps.contracted(3, 4)
        assert composed(there, back) == PIXELS


def random_taps(rng):
    kind = rng.choice(["window", "window", "transposed", "resampled"])
    if kind == "window":
        return Taps.window(rng.randint(1, 4), rng.randint(1, 3), rng.randint(0, 2), rng.randint(1, 3))
    if kind == "transposed":
        return Taps.transposed(rng.randint(1, 4), rng.randint(1, 3), rng.randint(0, 1), rng.randint(1, 2))
    scale = Fraction(rng.randint(1, 5), rng.randint(1, 5))
    return Taps.resampled(scale, (scale - 1) / 2, rng.choice([(0, 0), (0, 1), (-1, 2)]))


def reads(taps, output):
    repetition, phase = divmod(output, len(taps.reads))
    return [repetition * taps.advance + read for read in taps.reads[phase]]


class TestReceptiveField:
    field = ReceptiveField(size=(7, 5), offset=(-3, -2), stride=(2, 4))

    def test_boxes(self):
        assert self.field.box(0, 0) == (-3, -2, 4, 3)
        assert self.field.box(1, 3) == (-1, 10, 6, 15)
        assert self.field.clipped_box(1, 3, 5, 12) == (0, 10, 5, 12)
        assert self.field.clipped_box(90, 0, 5, 12) == (5, 0, 5, 3)

    def test_text(self):
        assert str(self.field) == "7 × 5"
        assert str(ReceptiveField((23, 31), (0, 0), (0, 0), whole=True)) == "whole image"

    def test_seen_box_wants_a_position_of_the_map(self):
        field = last_field(nn.Sequential(nn.Conv2d(1, 1, 3)), torch.zeros(1, 1, 6, 9))
        assert field.seen_box(3, 6) == (3, 6, 6, 9)
        for row, column in ((4, 0), (0, 7), (-1, 0)):
            with pytest.raises(IndexError, match="not in a map of 4 × 7"):
                field.seen_box(row, column)

    def test_whole_picture(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.AdaptiveAvgPool2d(1))
        field = last_field(net, torch.zeros(1, 3, 23, 32))
        assert field.whole
        assert field.box(0, 0) == (0, 0, 23, 32)
        assert field.seen_box(0, 0) == (0, 0, 23, 31)  # no window fits over the last column

    def test_positions_that_see_nothing(self):
        net = nn.Sequential(nn.ConvTranspose2d(1, 1, 1, stride=3), nn.ReLU())
        field = last_field(net, torch.ones(1, 1, 4, 5))
        assert field.seen_box(3, 6) == (1, 2, 2, 3)
        assert field.seen_box(3, 5) == (0, 0, 0, 0)

    def test_taps_of_a_dilated_kernel_in_the_padding(self):
        net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=4, dilation=4))
        field = last_field(net, torch.zeros(1, 1, 20, 30))
        assert field.clipped_box(1, 15, 20, 30) == (0, 11, 6, 20)
        assert field.seen_box(1, 15) == (1, 11, 6, 20)  # the upper tap lies at row -3


def supports(net, x, output, seed):
    """The support of the gradient at the corners, in the middle and at some other positions."""
    rng = random.Random(seed)
    height, width = output.shape[2:]
    chosen = [(0, 0), (height - 1, width - 1), (height // 2, width // 2)]
    chosen += [(rng.randrange(height), rng.randrange(width)) for _ in range(3)]
    return gradient_supports(net, x, chosen).items()


def runnable_net(seed, blocks):
    """The first random net from this seed on that fits the picture."""
    x = 0.5 + torch.rand(1, 2, 23, 31, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    for attempt in range(100):
        net = random_net(seed + 1000 * attempt, blocks)
        try:
            output = net(x)
        except RuntimeError:  # a window larger than its map
            continue
        if 0 < output[0, 0].numel() < 2000:
            return net, x, output
    raise AssertionError("no random net fits")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
class TestAgainstTheGradient:
    @pytest.mark.parametrize("seed", range(30))
    def test_seen_box_is_the_support(self, seed):
        net, x, output = runnable_net(seed, ANY)
        field = last_field(net, x)
        for position, support in supports(net, x, output, seed):
            assert field.seen_box(*position) == support, position

    @pytest.mark.parametrize("seed", range(100, 120))
    def test_box_is_the_support_wherever_it_lies_inside_the_picture(self, seed):
        net, x, output = runnable_net(seed, ZERO_PADDED)
        field = last_field(net, x)
        for position, support in supports(net, x, output, seed):
            box = field.box(*position)
            inside = field.clipped_box(*position, 23, 31) == box
            assert box == support if inside else contains(box, support), position

    @pytest.mark.parametrize("seed", range(6))
    def test_clipped_box_is_the_support_everywhere_in_ordinary_networks(self, seed):
        rng = random.Random(seed)
        layers = []
        for _ in range(3):
            kernel, stride = rng.choice([1, 3, 5]), rng.choice([1, 2])
            layers.append(nn.Conv2d(2, 2, (kernel, 3), stride, padding=(kernel // 2, 1)))
        net = nn.Sequential(*layers).double()
        for parameter in net.parameters():
            nn.init.constant_(parameter, 0.5)
        x = torch.ones(1, 2, 21, 29, dtype=torch.double)
        field = last_field(net, x)
        for position, support in supports(net, x, net(x), seed):
            assert field.clipped_box(*position, 21, 29) == support == field.seen_box(*position)


def contains(box, support):
    empty = support == (0, 0, 0, 0)
    top_left = box[0] <= support[0] and box[1] <= support[1]
    return empty or (top_left and box[2] >= support[2] and box[3] >= support[3])
