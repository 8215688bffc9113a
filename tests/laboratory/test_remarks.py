"""What `F.conv2d` does not offer is named where it is used, and only there."""

import pytest
import torch

from explorer.laboratory.cases import Case
from explorer.laboratory.remarks import beyond_pytorch

PICTURE, KERNEL = torch.rand(1, 1, 8, 9), torch.arange(9.0).reshape(1, 1, 3, 3)


@pytest.mark.parametrize("parameters", [{}, {"padding": 2}, {"padding": "same"}, {"padding_mode": "reflect"}])
def test_nothing_is_said_of_what_pytorch_does_itself(parameters):
    assert beyond_pytorch(Case(PICTURE, KERNEL, **parameters)) == []


def test_a_turned_kernel():
    assert "cross-correlation" in beyond_pytorch(Case(PICTURE, KERNEL, flipped=True))[0]
    assert "either way" in beyond_pytorch(Case(PICTURE, torch.ones(1, 1, 3, 3), flipped=True))[0]


def test_tensorflows_padding_by_hand():
    # 8 rows at stride 2 under 3: 4 outputs reach over 9 rows, so one is padded, below. 9 columns: two.
    (told,) = beyond_pytorch(Case(PICTURE, KERNEL, stride=2, padding="same_tensorflow"))
    assert "pads 0 above, 1 below, 1 left, 1 right" in told
    assert "lies 1 higher." in told
    (alike,) = beyond_pytorch(Case(PICTURE, KERNEL, padding="same_tensorflow"))
    assert "in the same places" in alike


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_other_edges(mode):
    (told,) = beyond_pytorch(Case(PICTURE, KERNEL, padding=1, padding_mode=mode))
    assert "already padded" in told
