"""Which layers of two networks correspond, and the words about what differs, against hand-checked cases."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from explorer.layers import layer_table
from explorer.lesson.edges import by_chance
from explorer.rendering import mosaic
from explorer.side_by_side import (
    FirstFilters,
    Overlap,
    common_legend,
    common_scales,
    corresponding,
    first_filters,
    overlap,
    tell_answers,
    tell_filters,
    tell_maps,
)
from explorer.story import Observation


def table(*channels, norm=False, act=nn.ReLU, kernel_size=3):
    """Convolution, perhaps normalisation, activation, as often as there are channels."""
    parts, before = [], 3
    for count in channels:
        parts += [nn.Conv2d(before, count, kernel_size, padding=1)]
        parts += [nn.BatchNorm2d(count)] if norm else []
        parts += [act()]
        before = count
    return layer_table(nn.Sequential(*parts).eval(), torch.zeros(1, 3, 12, 14))


class TestCorresponding:
    def test_a_twins_layers_are_those_of_the_same_name(self):
        one, twin = table(4, 5, 6, norm=True), table(4, 5, 6, norm=True)
        assert [corresponding(layer, twin).name for layer in one] == list(one.names)

    def test_the_depth_decides_and_then_the_kind(self):
        shallow, deep = table(4, 5), table(4, 5, 6, 7, norm=True)
        found = {layer.name: corresponding(layer, deep) for layer in shallow}
        assert [found[name].kind for name in shallow.names] == ["Conv2d", "ReLU", "Conv2d", "ReLU"]
        # Depths 1/2 and 1 of two convolutions are those of the second and the fourth of four.
        assert [found[name].depth for name in shallow.names] == [0.5, 0.5, 1.0, 1.0]
        assert found["0"].name == "3"

    def test_an_activation_meets_another_kind_of_activation(self):
        one, other = table(4, 5), table(4, 5, act=nn.SiLU, norm=True)
        assert corresponding(one["1"], other).kind == "SiLU"
        assert corresponding(one["0"], other).kind == "Conv2d"

    def test_a_network_without_layers(self):
        with pytest.raises(ValueError, match="no layer to hold against '0'"):
            corresponding(table(4)["0"], ())

    def test_rounding_does_not_decide_between_equal_depths(self):
        layer = table(4)["0"]
        near = dataclasses.replace(layer, depth=0.1 + 0.2, name="near", kind="ReLU")
        like = dataclasses.replace(layer, depth=0.3, name="like")
        assert corresponding(dataclasses.replace(layer, depth=0.3), [near, like]).name == "like"
        far = dataclasses.replace(layer, depth=0.31)
        assert corresponding(dataclasses.replace(layer, depth=0.3), [far, near]).name == "near"


class TestTwoPictures:
    def test_shared_strongest_channels_are_counted(self):
        one, other = torch.zeros(6, 4, 5), torch.zeros(6, 3, 5)
        for maps, channels in ((one, (0, 1, 2)), (other, (2, 1, 5))):
            for rank, channel in enumerate(channels):
                maps[channel, 0, 0] = 10 - rank
        found = overlap(one, other, 3)
        assert found == Overlap(shared=2, strongest=3, channels=6)
        assert found.by_chance == 1.5
        assert str(found) == (
            "Of the 3 strongest channels of each picture 2 are the same; drawn by lot among 6, it would be "
            "1.5 on average."
        )

    def test_chance_is_what_lots_give(self):
        generator = np.random.default_rng(0)
        draws = [
            len(set(generator.permutation(40)[:8]) & set(generator.permutation(40)[:8])) for _ in range(4000)
        ]
        assert Overlap(0, 8, 40).by_chance == pytest.approx(np.mean(draws), rel=0.05)

    def test_fewer_channels_than_are_shown(self):
        assert str(overlap(torch.rand(5, 4, 3), torch.rand(5, 4, 3), 8)) == (
            "All 5 channels of this layer are shown for both."
        )

    def test_two_layers_are_no_one_layer(self):
        with pytest.raises(ValueError, match="not 5 and 4"):
            overlap(torch.rand(5, 4, 3), torch.rand(4, 4, 3), 2)

    def test_one_scale_holds_both_pictures(self):
        one, other = torch.rand(3, 4, 5), 3 * torch.rand(3, 6, 5)
        scales = common_scales(one, other, [2, 0])
        highest = [float(max(one[k].max(), other[k].max())) for k in (2, 0)]
        assert scales.high.tolist() == pytest.approx(highest)
        other[0, 0, 0] = -9.0
        scales = common_scales(one, other, [2, 0])
        assert scales.kind == "diverging"
        assert scales.high[1] == pytest.approx(9.0)

    def test_maps_without_a_number_or_a_difference(self):
        one, other = torch.full((2, 3, 4), torch.nan), torch.ones(2, 3, 4)
        assert common_scales(one, other, [0, 1]).high.tolist() == [1.0, 1.0]
        assert common_scales(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), [0]).high.tolist() == [0.0]

    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_legend_says_so(self, sign):
        maps = sign * torch.rand(3, 4, 5)
        told = common_legend(mosaic(maps, scale=common_scales(maps, maps, [0, 1, 2])).legend)
        assert told.ticks[-1].label == "largest of both"
        assert told.note.endswith("; each channel has one scale for both pictures.")


class TestFirstFilters:
    def test_gratings_pass_and_spots_do_not(self):
        net = nn.Sequential(nn.Conv2d(1, 4, 7, bias=False), nn.ReLU())
        wave = torch.linspace(-3, 3, 7).sin()
        bell = torch.exp(-(torch.linspace(-2, 2, 7) ** 2))
        with torch.no_grad():
            net[0].weight[0, 0] = bell[:, None] * (bell * wave)[None, :]
            net[0].weight[1, 0] = (bell * wave)[:, None] * bell[None, :]
            net[0].weight[2, 0] = bell[:, None] * bell[None, :]
            net[0].weight[3, 0] = 0
        found = first_filters(net, layer_table(net, torch.zeros(1, 1, 20, 24)))
        assert found == FirstFilters("0", edges=2, filters=4, kernel_size=7)

    def test_a_twin_has_as_many_as_noise(self):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 400, 7))
        found = first_filters(net, layer_table(net, torch.zeros(1, 1, 20, 24)))
        assert found.edges / 400 == pytest.approx(by_chance(7), abs=0.05)

    @pytest.mark.parametrize("size", [3, (5, 7), 17])
    def test_what_cannot_be_judged(self, size):
        net = nn.Sequential(nn.Conv2d(3, 4, size))
        assert first_filters(net, layer_table(net, torch.zeros(1, 3, 20, 24))) is None

    def test_damaged_weights_and_no_weights(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 5))
        nn.init.constant_(net[0].weight, torch.nan)
        assert first_filters(net, layer_table(net, torch.zeros(1, 3, 20, 24))) is None
        assert first_filters(nn.Sequential(nn.ReLU()), table(4)[:0]) is None


class TestWords:
    def test_filters_of_different_sizes_are_not_compared(self):
        assert tell_filters(FirstFilters("a", 1, 2, 7), FirstFilters("b", 1, 2, 11), 40) is None
        assert tell_filters(None, FirstFilters("b", 1, 2, 11), 40) is None

    def test_maps(self):
        assert tell_maps(Observation(8, 0.5, 0.004), Observation(8, 0.25, 0.5)) == (
            "The picture's own colours and edges explain 50\u00a0% of the variance of A's maps and 25\u00a0% "
            "of B's. Half of a map's response comes from 0.4\u00a0% of its positions in A and from 50\u00a0% "
            "in B."
        )
        assert tell_maps(Observation(8, None, 0.1), Observation(8, 0.25, 0.5)).startswith("Half of")
        assert tell_maps(Observation(8, None, None), Observation(8, None, 0.2)) == (
            "None of these maps has a positive value."
        )

    def test_answers(self):
        assert tell_answers([0.5, 0.25], [0.25, 0.25], (4, 4)).endswith("they would hold 50\u00a0%.")
        assert tell_answers([0.5], [0.25], (4, 10)) == (
            "The first 1 answers hold 50\u00a0% of the probability in A (4 classes) and 25\u00a0% in B (10 "
            "classes)."
        )
        assert tell_answers([], [0.5], (4,)) is None
