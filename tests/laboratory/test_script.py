"""The script that a visitor copies runs by itself and prints what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import models
from explorer.images import decode
from explorer.kernels import KERNELS
from explorer.laboratory.cases import Case, cut, of_picture, reduced
from explorer.laboratory.comparing import compare_case
from explorer.laboratory.layer_input import of_layer
from explorer.laboratory.script import kernel_code, layer_recipe, numbers_recipe, picture_recipe, script
from explorer.samples import sample_bytes

ROOT = Path(__file__).parents[2]


def run(text):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def printed(pattern, output):
    return re.search(pattern, output).group(1)


def check(text, result):
    output = run(text)
    assert f"-> {tuple(result.ours.shape)}" in output
    own = float(printed(r"largest difference +(\S+)", output))
    assert own <= max(1e-6, 10 * result.max_absolute_error)
    assert float(printed(r"error of F.conv2d against float64 (\S+)", output)) < 1e-3
    gradients = dict(re.findall(r"gradient by (\S+) apart (\S+)", output))
    assert set(gradients) == set(result.gradients)
    assert all(float(apart) <= 10 * result.bound for apart in gradients.values())
    assert "The same convolution" in output or "agree in every bit" in output, output
    assert float(printed(r"ratio (\S+)", output)) > 0
    return output


def numbers():
    return Case(
        torch.arange(42.0).reshape(1, 1, 6, 7), torch.tensor([[[[-1.0, 0, 1], [2, 0.5, -2]]]]),
        torch.tensor([0.25]), (2, 1), 1, 1, 1, "reflect", True,
    )  # fmt: skip


def test_small_numbers_with_mirrored_padding_and_a_turned_kernel():
    case = numbers()
    text = script(case, 'Some "numbers" \\ here', "loops", numbers_recipe(case))
    output = check(text, compare_case(case, "loops"))
    assert "error of loops" in output
    assert "padding_mode='reflect'" in text


def test_a_layer_with_its_weights_and_input():
    loaded = models.load()
    picture = decode(sample_bytes("coffee"))
    case = of_layer(loaded.module, loaded.preprocess(picture), "conv_stem")
    text = script(
        case, "A layer", "im2col", layer_recipe("coffee", loaded.spec.name, "conv_stem", dtype="float32")
    )
    check(text, compare_case(case, "im2col"))


def test_the_middle_of_a_picture_for_the_loops():
    kernel = KERNELS["gaussian_sigma"]
    whole = of_picture(
        reduced(decode(sample_bytes("chelsea")).rgb), kernel.weight(sigma=1.0), grey=False, groups=3,
        bias=0.5, padding="same",
    )  # fmt: skip
    case = cut(whole, 100_000)
    code = kernel_code("gaussian_sigma", {"sigma": 1.0})
    recipe = picture_recipe("chelsea", code, grey=False, groups=3, bias=0.5, dtype="float32")
    text = script(case, "A blur", "loops", recipe, whole=whole)
    assert "The middle only" in text
    result = compare_case(case, "loops")
    output = check(text, result)
    exact = float(printed(r"error of loops +against float64 (\S+)", output))
    assert exact == pytest.approx(result.our_error * result.scale, rel=0.05, abs=1e-9)


def test_a_picture_of_ones_own_is_named_and_a_kernel_of_ones_own_written_out():
    kernel = torch.tensor([[0.0, 1.5]])
    recipe = picture_recipe(None, kernel, grey=True, groups=1, bias=0, dtype="float64")
    case = of_picture(reduced(decode(sample_bytes("chelsea")).rgb), kernel, grey=True)
    text = script(case, "Mine", "shift", recipe)
    assert 'Path("photo.jpg")' in text
    assert "[[0.0, 1.5]]" in text
    compile(text, "script", "exec")


def test_a_model_of_ones_own_is_loaded_from_its_file():
    case = numbers()
    text = script(case, "Mine", "im2col", layer_recipe(None, None, "conv", dtype="float32"))
    assert 'own_model("architecture", weights=Path("weights.pth"))' in text
    assert text.count("from pathlib import Path") == 1
    compile(text, "script", "exec")
