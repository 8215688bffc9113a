"""Built networks: sizes on paper, reasons, seeds, and the program that makes them, run on its own."""

import math
import re
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.kernels import KERNELS
from explorer.lesson.builder import Block, NetworkSpec, build, describe, edge_kernels, problems
from explorer.lesson.code import pytorch_code
from explorer.lesson.matrices import LessonError

PAPER = NetworkSpec(
    (3, 40, 33),
    (
        Block(8, 5, stride=2, padding=1, pool="max", pool_size=3),
        Block(6, 3, pool="none"),
        Block(4, 2, padding=0, pool="average"),
    ),
    classes=7,
)


def test_sizes_and_parameters_on_paper():
    rows = [(row.name, row.kind, row.output_shape[1:], row.parameters) for row in describe(PAPER)]
    assert rows == [
        ("conv1", "Conv2d", (8, 19, 16), 8 * (3 * 25 + 1)),  # floor((40 + 2 − 5) / 2) + 1 = 19
        ("relu1", "ReLU", (8, 19, 16), 0),
        ("pool1", "MaxPool2d", (8, 6, 5), 0),
        ("conv2", "Conv2d", (6, 6, 5), 6 * (8 * 9 + 1)),
        ("relu2", "ReLU", (6, 6, 5), 0),
        ("conv3", "Conv2d", (4, 5, 4), 4 * (6 * 4 + 1)),
        ("relu3", "ReLU", (4, 5, 4), 0),
        ("pool3", "AvgPool2d", (4, 2, 2), 0),
        ("flatten", "Flatten", (16,), 0),
        ("dense", "Linear", (7,), 7 * 17),
    ]
    table = describe(PAPER)
    assert table.parameters == sum(row.parameters for row in table) == 608 + 438 + 100 + 119
    assert table["conv1"].macs == 8 * 19 * 16 * 75
    assert table["conv2"].receptive_field.size == (21, 21)  # 5, + 2 · 2 = 9, + 2 · 6 = 21


def test_the_module_computes_what_functional_pytorch_does():
    net, x = build(PAPER, seed=3), torch.randn(2, 3, 40, 33)
    y = F.max_pool2d(F.relu(F.conv2d(x, net.conv1.weight, net.conv1.bias, 2, 1)), 3)
    y = F.relu(F.conv2d(y, net.conv2.weight, net.conv2.bias, padding=1))
    y = F.avg_pool2d(F.relu(F.conv2d(y, net.conv3.weight, net.conv3.bias)), 2)
    torch.testing.assert_close(net(x), F.linear(y.flatten(1), net.dense.weight, net.dense.bias))
    assert not net.training


def test_seeds_and_the_global_generator():
    state = torch.random.get_rng_state()
    one, same, other = build(PAPER, 1), build(PAPER, 1), build(PAPER, 2)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    wide = build(NetworkSpec((8, 16, 16), (Block(64, 5),), 2), 0)
    assert wide.conv1.weight.std().item() == pytest.approx(math.sqrt(2 / 200), rel=0.05)
    assert not wide.conv1.bias.any()


@pytest.mark.parametrize(
    ("spec", "block", "reason"),
    [
        (NetworkSpec((1, 8, 9), (Block(4, 11, padding=0),), 2), 1, "11×11 does not fit into a map of 8×9"),
        (NetworkSpec((1, 8, 3), (Block(4), Block(4)), 2), 2, "window of 2 does not fit into a map of 4×1"),
        (NetworkSpec((1, 8, 9), (Block(4, 4),), 2), 1, "even kernel (4) cannot keep the size"),
        (NetworkSpec((1, 8, 9), (Block(0),), 2), 1, "channels can be 1 to 128, got 0"),
        (NetworkSpec((1, 8, 9), (Block(4, stride=0),), 2), 1, "stride can be 1 to 11, got 0"),
        (NetworkSpec((1, 8, 9), (Block(4, pool="min"),), 2), 1, "pooling is max, average, none, got 'min'"),
        (NetworkSpec((1, 8, 9), (Block(4, padding=-1),), 2), 1, "padding can be 0 to 11, got -1"),
        (NetworkSpec((1, 8, 9), (Block(4, pool_size=0),), 2), 1, "pooling window can be 1 to 11, got 0"),
        (NetworkSpec((1, 8, 9), (), 2), None, "1 to 6 blocks are possible, got 0"),
        (NetworkSpec((1, 8, 9), (Block(4),), 1), None, "2 to 1000 classes are possible, got 1"),
        (NetworkSpec((0, 8, 9), (Block(4),), 2), None, "got 0 channels of 8×9"),
        (NetworkSpec((1, 8, 513), (Block(4),), 2), None, "got 1 channels of 8×513"),
        (
            NetworkSpec((3, 200, 300), (Block(16, pool="none"),), 10),
            None,
            # 10 · (16 · 200 · 300 + 1) in the dense layer, and 448 in the convolution.
            "9,600,458 weights, 9,600,010 of them in the dense layer, and 5,000,000 are possible",
        ),
        (
            NetworkSpec((3, 500, 400), (Block(32, pool_size=4), Block(128, 11, pool_size=8)), 3),
            None,
            # 32 · 27 · 500 · 400 and 128 · 32 · 121 · 125 · 100.
            "need 6,368,000,000 multiplications for a picture, and 2,000,000,000 are possible",
        ),
    ],
)  # fmt: skip
def test_impossible_networks_say_why(spec, block, reason):
    (problem,) = problems(spec)
    assert problem.block == block
    assert reason in problem.reason
    with pytest.raises(LessonError, match=re.escape(reason)):
        build(spec)
    with pytest.raises(LessonError):
        pytorch_code(spec)


def test_all_reasons_are_given_at_once():
    found = problems(NetworkSpec((1, 8, 9), (Block(4), Block(500, 4)), 0))
    assert [problem.block for problem in found] == [None, 2, 2]
    assert problems(PAPER) == ()
    with pytest.raises(LessonError, match="random or edges, got 'sobel'"):
        build(PAPER, first="sobel")


def test_a_designed_first_layer_is_sobel_turned():
    weight = edge_kernels(8, 1, 3)
    right, down = KERNELS["sobel_x"].weight().float() / 8, KERNELS["sobel_y"].weight().float() / 8
    for channel, expected in ((0, right), (2, down), (4, -right), (6, -down)):
        torch.testing.assert_close(weight[channel, 0], expected, atol=1e-7, rtol=0)
    # Halfway between, the sum of both over the square root of 2.
    expected = (right + down) / math.sqrt(2)
    torch.testing.assert_close(weight[1, 0], expected, atol=1e-7, rtol=0)
    colour = edge_kernels(5, 3, 6)
    torch.testing.assert_close(colour[0].abs().sum(), torch.tensor(1.0))
    torch.testing.assert_close(colour.sum((1, 2, 3)), torch.zeros(5), atol=1e-7, rtol=0)
    assert colour[:, :, [0, 4, 5]].abs().sum() == 0


def test_each_designed_channel_answers_to_its_own_edge_most():
    net = build(NetworkSpec((1, 15, 15), (Block(8, 5, pool="none"),), 2), first="edges")
    y, x = torch.meshgrid(torch.arange(15.0) - 7, torch.arange(15.0) - 7, indexing="ij")
    for channel in range(8):
        angle = 2 * math.pi * channel / 8
        edge = ((x * math.cos(angle) + y * math.sin(angle)).round(decimals=5) > 0).float()
        answer = net.relu1(net.conv1(edge[None, None]))[0, :, 4:11, 4:11].amax((1, 2))
        assert answer.argmax() == channel
        assert answer.max().item() == pytest.approx(0.5 if channel % 2 == 0 else 0.75 / math.sqrt(2))
    with pytest.raises(LessonError, match="3×3 taps, got 2×2"):
        build(NetworkSpec((1, 9, 8), (Block(4, 2, padding=0),), 2), first="edges")


@pytest.mark.parametrize(
    "spec", [PAPER, NetworkSpec((1, 7, 9), (Block(1, 1, pool="none"),), 2)], ids=["paper", "smallest"]
)
def test_the_program_runs_alone_and_counts_the_same(spec, tmp_path):
    script = tmp_path / "network.py"
    script.write_text(pytorch_code(spec))
    command = [sys.executable, "-I", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout == f"output (1, {spec.classes}), {describe(spec).parameters} parameters\n"


def test_the_program_is_the_module_and_its_comments_are_right():
    code = pytorch_code(PAPER)
    names: dict = {"__name__": "shown"}
    exec(code, names)
    written, made = names["network"], build(PAPER)
    assert [repr(part) for part in written] == [repr(part) for part in made]
    x = torch.zeros(1, *PAPER.input_shape)
    comments = re.findall(r"# ([\d x]+?)(?:, (\d+) parameters)?$", code, flags=re.MULTILINE)
    assert len(comments) == len(made)
    for part, (shape, weights) in zip(made, comments, strict=True):
        x = part(x)
        assert shape == " x ".join(map(str, x.shape[1:]))
        assert int(weights or 0) == sum(p.numel() for p in part.parameters())
    assert all(len(line) <= 100 for line in code.splitlines())
    assert isinstance(written, nn.Sequential)
