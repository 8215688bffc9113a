"""Cases: what is compared is what it says, on pictures, layers and cut-outs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import models
from explorer.convolution import ConvolutionError
from explorer.kernels import KERNELS
from explorer.laboratory.cases import (
    LONGEST,
    Case,
    colours,
    converted,
    cut,
    luminance,
    of_picture,
    reduced,
)
from explorer.laboratory.comparing import compare_case
from explorer.laboratory.layer_input import layer_input, of_layer


def picture(height=41, width=57):
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_picture_is_scaled_to_0_to_1():
    rgb = picture()
    np.testing.assert_allclose(colours(rgb)[0, 1].numpy(), rgb[..., 1] / 255, rtol=1e-6)
    grey = 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]
    np.testing.assert_allclose(luminance(rgb)[0, 0].numpy(), grey / 255, rtol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 2000), (700, 1), (640, 480), (3, 5)])
def test_a_large_picture_is_reduced_in_proportion(height, width):
    shape = reduced(np.zeros((height, width, 3), np.uint8)).shape
    assert max(shape[:2]) == min(LONGEST, max(height, width))
    scale = max(shape[:2]) / max(height, width)
    assert abs(shape[0] - max(1, height * scale)) <= 1
    assert abs(shape[1] - max(1, width * scale)) <= 1


def test_each_colour_by_itself_or_all_mixed_into_one():
    rgb, kernel = picture(), KERNELS["sobel_x"].weight()
    x = colours(rgb)
    apart = compare_case(of_picture(rgb, kernel, grey=False, groups=3), "shift").ours
    mixed = compare_case(of_picture(rgb, kernel, grey=False, groups=1), "shift").ours
    one = F.conv2d(x[:, 2:], kernel.float()[None, None])
    torch.testing.assert_close(apart[:, 2:], one)
    torch.testing.assert_close(mixed, apart.mean(1, keepdim=True))


def test_groups_that_do_not_divide_the_colours_are_explained():
    case = of_picture(picture(), KERNELS["box"].weight(), grey=False, groups=2)
    with pytest.raises(ConvolutionError, match="groups"):
        case.sizes  # noqa: B018


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("flipped", [False, True])
def test_padding_modes_and_true_convolution_are_pytorchs(mode, flipped):
    x, weight, bias = torch.randn(1, 4, 9, 11), torch.randn(6, 2, 3, 2), torch.randn(6)
    case = Case(x, weight, bias, (2, 1), (2, 1), (1, 2), 2, mode, flipped)
    layer = nn.Conv2d(4, 6, (3, 2), (2, 1), (2, 1), (1, 2), 2, padding_mode=mode)
    layer.weight.data, layer.bias.data = weight.flip(2, 3) if flipped else weight, bias
    result = compare_case(case, "im2col")
    torch.testing.assert_close(result.ours, layer(x).detach())
    torch.testing.assert_close(result.theirs, layer(x).detach())


def test_the_digest_changes_with_every_number_and_parameter():
    x, weight = torch.randn(1, 2, 6, 7), torch.randn(3, 2, 2, 3)
    case = Case(x, weight)
    other = x.clone()
    other[0, 1, 5, 6] += 1e-6 + other[0, 1, 5, 6].abs() * 1e-6
    different = [
        Case(other, weight),
        Case(x, weight, torch.zeros(3)),
        Case(x, weight, stride=2),
        Case(x, weight, padding=1),
        Case(x, weight, padding=1, padding_mode="reflect"),
        Case(x, weight, flipped=True),
        converted(case, torch.float64),
        Case(x.transpose(2, 3).contiguous(), weight),
    ]
    digests = [each.digest for each in (case, *different)]
    assert len(set(digests)) == len(digests)
    assert Case(x.clone(), weight.clone()).digest == case.digest


@pytest.mark.parametrize(
    ("shape", "weight", "groups", "padding"),
    [
        ((1, 3, 90, 70), (8, 3, 3, 3), 1, "same"),
        ((1, 12, 40, 50), (12, 1, 5, 5), 12, 2),
        ((1, 64, 7, 7), (96, 64, 1, 1), 1, 0),
        ((1, 8, 30, 31), (16, 2, 3, 3), 4, "same_tensorflow"),
        ((1, 1, 60, 90), (1, 1, 41, 41), 1, 0),
    ],
)
def test_the_cut_is_small_enough_and_a_part_of_the_whole(shape, weight, groups, padding):
    case = Case(torch.randn(shape), torch.randn(weight), torch.randn(weight[0]), 1, padding, 1, groups)
    most = case.sizes.multiplications // 7
    small = cut(case, most)
    kept = small.weight.shape[0]
    assert small.sizes.multiplications <= max(most, 2_000_000)
    assert small.sizes.multiplications < case.sizes.multiplications
    assert torch.equal(small.weight, case.weight[:kept])
    assert torch.equal(small.bias, case.bias[:kept])
    whole, part = compare_case(case, "im2col").ours, compare_case(small, "im2col").ours
    assert part.shape[1] == kept
    # Away from the cut's own edge the same windows make the same sums.
    reach = max(small.sizes.span)
    rows, columns = part.shape[2:]
    top, left = (whole.shape[2] - rows) // 2, (whole.shape[3] - columns) // 2
    inner = part[0, :, reach : rows - reach, reach : columns - reach]
    there = whole[0, :kept, top + reach : top + rows - reach, left + reach : left + columns - reach]
    torch.testing.assert_close(inner, there, rtol=1e-4, atol=1e-4)


def test_a_small_case_is_not_cut():
    case = Case(torch.randn(1, 1, 6, 7), torch.randn(1, 1, 3, 3))
    assert cut(case) is case


@pytest.fixture(scope="module")
def loaded():
    return models.load()


LAYERS = ["conv_stem", "blocks.0.0.conv_dw", "blocks.1.0.conv_dw", "blocks.3.0.conv_dw", "conv_head"]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_as_a_case_makes_what_the_layer_makes(loaded, name):
    from explorer.activations import capture

    x = torch.randn(1, 3, 224, 224)
    case = of_layer(loaded.module, x, name)
    output = capture(loaded.module, x, name)[name]
    torch.testing.assert_close(compare_case(case, "im2col").theirs, output, rtol=1e-4, atol=1e-4)
    assert torch.equal(case.weight, loaded.module.get_submodule(name).weight)
    strided = loaded.module.get_submodule(name).stride != (1, 1)
    assert (case.padding == "same_tensorflow") == strided


def test_taking_a_layers_input_leaves_the_model_as_it_was(loaded):
    before = {name: id(module) for name, module in loaded.module.named_modules()}
    x = torch.randn(1, 3, 64, 96)
    given = layer_input(loaded.module, x, "blocks.2.0.conv_pw")
    assert {name: id(module) for name, module in loaded.module.named_modules()} == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in loaded.module.modules())
    assert not given.requires_grad


def test_a_layer_with_unequal_sides_and_mirrored_padding():
    net = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 6, (3, 5), (2, 1), (1, 2), groups=2, padding_mode="reflect"))
    x = torch.randn(1, 4, 13, 17)
    case = of_layer(net, x, "1")
    assert case.padding == (1, 2)
    assert torch.equal(case.input, x.relu())
    torch.testing.assert_close(compare_case(case, "strided").ours, net(x).detach())


class Odd(nn.Conv2d):
    def forward(self, x):
        return super().forward(F.pad(x, (3, 0, 0, 1)))


@pytest.mark.parametrize(
    ("layer", "name", "message"),
    [
        (nn.Conv2d(3, 4, 3), "1", "no layer '1'"),
        (nn.ReLU(), "0", "a ReLU, not a convolution"),
        (Odd(3, 4, 3), "0", "pads its input in a way of its own"),
    ],
)
def test_what_is_no_usable_layer_is_told(layer, name, message):
    with pytest.raises(ValueError, match=message):
        of_layer(nn.Sequential(layer), torch.randn(1, 3, 8, 9), name)


def test_a_comparison_leaves_the_random_numbers_and_the_tensors_alone():
    case = Case(torch.rand(1, 1, 5, 6), torch.randn(1, 1, 2, 2))
    copies, state = (case.input.clone(), case.weight.clone()), torch.get_rng_state()
    compare_case(case)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(case.input, copies[0])
    assert torch.equal(case.weight, copies[1])
    assert case.weight.grad is None
    assert not case.weight.requires_grad
