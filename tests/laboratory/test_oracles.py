"""The comparison itself against SciPy and real layers, and on a GPU where there is one."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import convolve2d, correlate2d

import explorer
import models
from explorer.convolution import ALGORITHMS, compare, conv2d, fitting
from explorer.convolution import convolve2d as convolve2d_by_hand
from explorer.laboratory.cases import Case, converted
from explorer.laboratory.layer_input import of_layer

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def by_scipy(case):
    """The definition by NumPy and SciPy alone: pad, spread the taps, correlate pairs of channels, step."""
    top, bottom, left, right = case.sizes.padding
    sides = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(case.input.numpy(), sides, mode=MODES[case.padding_mode])
    spread = np.zeros((*case.weight.shape[:2], *case.sizes.span))
    spread[..., :: case.sizes.dilation[0], :: case.sizes.dilation[1]] = case.weight.numpy()
    inputs, outputs = case.sizes.channels_per_group
    correlate = convolve2d if case.flipped else correlate2d
    maps = []
    for o in range(case.sizes.out_channels):
        group = padded[0, o // outputs * inputs :]
        maps.append(sum(correlate(group[c], spread[o, c], mode="valid") for c in range(inputs)))
    rows, columns = case.sizes.stride
    return np.stack(maps)[:, ::rows, ::columns] + case.bias.numpy()[:, None, None]


@pytest.fixture(scope="module")
def combinations():
    """Every combination of these parameters, with what SciPy makes of it."""
    generator = torch.Generator().manual_seed(0)

    def made(channels, kernel, stride, padding, dilation, mode, flipped):
        (inputs, outputs), groups = channels
        shapes = (1, inputs * groups, 9, 7), (outputs * groups, inputs, *kernel), (outputs * groups,)
        tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        return Case(*tensors, stride, padding, dilation, groups, mode, flipped)

    cases = itertools.starmap(
        made,
        itertools.product(
            [((1, 1), 1), ((2, 3), 1), ((1, 2), 3)],  # channels of a group in and out, groups
            [(3, 3), (2, 4)],
            [(1, 1), (2, 1)],
            ["valid", (2, 1), "same_tensorflow"],
            [(1, 1), (2, 1)],
            [*MODES],
            [False, True],
        ),
    )
    return [(case, by_scipy(case)) for case in cases]


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto"])
def test_every_combination_against_scipy(combinations, algorithm):
    fit = [(case, theirs) for case, theirs in combinations if algorithm in (*fitting(case.sizes), "auto")]
    assert len(fit) >= (70 if algorithm in ("winograd", "toom_cook") else 570)
    for case, theirs in fit:
        convolve = convolve2d_by_hand if case.flipped else conv2d
        ours = convolve(case.input, case.weight, case.bias, **case.parameters, algorithm=algorithm)
        np.testing.assert_allclose(ours[0].numpy(), theirs, rtol=0, atol=1e-12 * 40)


@pytest.fixture(scope="module")
def real_layers():
    """The distinct convolutions of the bundled network, with their weights, on what a cat gives them."""
    loaded = models.load()
    x = loaded.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))
    convolutions = [each for each in explorer.layer_table(loaded.module, x) if "conv" in each.name]
    names = {each.window: each.name for each in convolutions}
    return {name: of_layer(loaded.module, x, name) for name in names.values()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_layers_of_a_real_network_with_their_weights(real_layers, dtype):
    assert len(real_layers) >= 10
    for name, case in real_layers.items():
        own = converted(case, dtype)
        result = compare(own.input, own.weight, own.bias, **own.parameters, gradients=False)
        assert result.agrees, f"{name}: {result.verdict}"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto"])
@pytest.mark.parametrize("padding_mode", ["zeros", "reflect"])
def test_on_a_gpu(algorithm, padding_mode):
    x, weight, bias = torch.randn(2, 4, 19, 23), torch.randn(6, 2, 3, 3), torch.randn(6)
    given = [tensor.double().cuda() for tensor in (x, weight, bias)]
    parameters = {"padding": 1, "groups": 2, "padding_mode": padding_mode, "algorithm": algorithm}
    with torch.no_grad():
        ours = conv2d(*given, **parameters)
    padded = F.pad(given[0], (1, 1, 1, 1), mode="constant" if padding_mode == "zeros" else padding_mode)
    assert ours.is_cuda
    torch.testing.assert_close(ours, F.conv2d(padded, *given[1:], groups=2), rtol=0, atol=1e-11)
