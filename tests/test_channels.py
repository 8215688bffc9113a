"""Statistics, rankings and histograms of channels, against numbers worked out by hand and against NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.channels import RANKINGS, feature_maps, histogram, one_map, rank, statistics, strongest

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def maps():
    """Three channels of 2 x 4: (C, H, W) all different."""
    return torch.tensor(
        [
            [[0.0, 0.0, 4.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
            [[1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]],
            [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
        ]
    )


def test_statistics_by_hand(maps):
    measured = statistics(maps)
    assert measured.mean.tolist() == [0.5, 2.0, 0.0]
    # Channel 0: mean of squares 16 / 8 = 2, less 0.5 squared.
    np.testing.assert_allclose(measured.std, [np.sqrt(1.75), 1.0, 0.0], rtol=1e-6)
    assert measured.minimum.tolist() == [0.0, 1.0, 0.0]
    assert measured.maximum.tolist() == [4.0, 3.0, 0.0]
    assert measured.active.tolist() == [1 / 8, 1.0, 0.0]
    assert measured.dead.tolist() == [False, False, True]
    assert measured.nan.tolist() == measured.infinite.tolist() == [0, 0, 0]
    assert (measured.positions, measured.signed, len(measured)) == (8, False, 3)


def test_one_channel_described(maps):
    assert statistics(maps).describe(1) == {
        "mean": 2.0,
        "std": 1.0,
        "minimum": 1.0,
        "maximum": 3.0,
        "active": 1.0,
        "dead": False,
        "nan": 0,
        "infinite": 0,
    }


def test_statistics_equal_numpy_for_many_channels():
    values = np.random.default_rng(0).normal(2, 3, (2048, 5, 7)).astype(np.float32)
    measured = statistics(values)
    flat = values.reshape(2048, -1).astype(np.float64)
    np.testing.assert_allclose(measured.mean, flat.mean(1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(measured.std, flat.std(1), rtol=1e-4)
    np.testing.assert_array_equal(measured.minimum, flat.min(1))
    np.testing.assert_array_equal(measured.maximum, flat.max(1))
    np.testing.assert_array_equal(measured.magnitude, np.abs(flat).max(1))
    np.testing.assert_array_equal(measured.active, (flat > 0).mean(1))
    assert measured.signed


def test_nan_and_infinity_are_counted_and_left_out():
    measured = statistics(torch.tensor([[[1.0, NAN, 3.0]], [[INF, -INF, 2.0]], [[NAN, NAN, NAN]]]))
    np.testing.assert_array_equal(measured.mean, [2.0, 2.0, NAN])
    np.testing.assert_array_equal(measured.std, [1.0, 0.0, NAN])
    np.testing.assert_array_equal(measured.minimum, [1.0, 2.0, NAN])
    np.testing.assert_array_equal(measured.maximum, [3.0, 2.0, NAN])
    np.testing.assert_allclose(measured.active, [2 / 3, 2 / 3, 0.0])
    assert measured.nan.tolist() == [1, 0, 3]
    assert measured.infinite.tolist() == [0, 2, 0]
    assert not measured.dead.any()


def test_signed_layer_is_dead_where_constant():
    measured = statistics(torch.tensor([[[-1.0, -1.0]], [[0.0, 0.0]], [[-1.0, -2.0]], [[5.0, 5.0]]]))
    assert measured.signed
    assert measured.dead.tolist() == [True, True, False, True]


def test_single_position_is_dead_only_at_zero():
    assert statistics(torch.tensor([-1.0, 0.0, 2.0]).reshape(3, 1, 1)).dead.tolist() == [False, True, False]
    assert statistics(torch.tensor([1.0, 0.0, 2.0]).reshape(3, 1, 1)).dead.tolist() == [False, True, False]


def test_constant_channel_has_no_deviation():
    assert statistics(torch.full((2, 57, 31), 0.1)).std.tolist() == [0.0, 0.0]


def test_large_values_do_not_overflow():
    measured = statistics(torch.tensor([[[1e38, 3e38]]]))
    np.testing.assert_allclose([measured.mean[0], measured.std[0]], [2e38, 1e38], rtol=1e-6)


def test_ranking_breaks_ties_by_channel():
    measured = statistics(torch.tensor([1.0, 3.0, 1.0, 3.0, 0.0]).reshape(5, 1, 1))
    assert rank(measured, "mean").tolist() == [1, 3, 0, 2, 4]
    assert rank(measured, "index").tolist() == [0, 1, 2, 3, 4]
    assert rank(measured, "mean", hide_dead=True).tolist() == [1, 3, 0, 2]
    assert rank(measured, "index", hide_dead=True).tolist() == [0, 1, 2, 3]


def test_each_ranking_uses_its_own_number():
    maps = torch.tensor([[[-9.0, 0.0, 0.0]], [[1.0, 1.0, 1.5]], [[0.0, 0.0, 8.0]]])
    orders = {by: rank(statistics(maps), by).tolist() for by in RANKINGS}
    assert orders == {
        "index": [0, 1, 2],
        "mean": [2, 1, 0],
        "max": [2, 1, 0],
        "min": [1, 2, 0],
        "std": [0, 2, 1],
        "active": [1, 2, 0],
        "magnitude": [0, 2, 1],
    }


def test_ranking_puts_nan_last():
    measured = statistics(torch.tensor([[[NAN]], [[-5.0]], [[3.0]]]))
    assert rank(measured, "mean").tolist() == [2, 1, 0]


def test_unknown_ranking_lists_the_possible_ones(maps):
    with pytest.raises(ValueError, match=r"'size'.*index, mean, max"):
        rank(statistics(maps), "size")


def test_strongest_varies_most_and_leaves_the_dead_for_last():
    maps = torch.zeros(4, 3, 5)
    maps[1] = 7.0  # on everywhere
    maps[2, 1, 2] = 2.0
    maps[3, 1, 2] = 5.0
    assert strongest(maps, 2) == (3, 2)
    assert strongest(maps, 9) == (3, 2, 1, 0)
    assert strongest(maps, 1, by="mean") == (1,)


def test_strongest_ignores_the_frame_that_padding_draws():
    maps = torch.zeros(2, 16, 33)
    maps[0, 0], maps[0, -1], maps[0, :, 0], maps[0, :, -1] = 9.0, 9.0, 9.0, 9.0
    maps[1, 8, 8] = 1.0
    assert strongest(maps, 1) == (1,)


def test_strongest_needs_at_least_one():
    with pytest.raises(ValueError, match="k=0"):
        strongest(torch.ones(1, 2, 3), 0)


def test_histogram_by_hand():
    counted = histogram(torch.tensor([[0.0, 1.0, 1.5], [2.0, 4.0, NAN], [INF, -INF, 0.5]]), bins=4)
    assert counted.edges.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert counted.counts.tolist() == [2, 2, 1, 1]
    assert (counted.nan, counted.infinite) == (1, 2)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-30, 1e30, 3e38])
def test_histogram_of_a_constant_map_surrounds_it(value):
    counted = histogram(np.full((3, 5), value), bins=7)
    assert counted.counts.sum() == 15
    assert counted.counts.max() == 15
    assert (np.diff(counted.edges) > 0).all()
    assert counted.edges[0] < value < counted.edges[-1]


def test_histogram_without_any_finite_value_is_empty():
    counted = histogram(np.array([[NAN, INF]]), bins=3)
    assert counted.counts.tolist() == [0, 0, 0]
    assert (counted.nan, counted.infinite) == (1, 1)
    assert (np.diff(counted.edges) > 0).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=20), st.integers(1, 40))
def test_histogram_accounts_for_every_position(values, bins):
    counted = histogram(torch.tensor([values]), bins)
    assert counted.counts.sum() + counted.nan + counted.infinite == len(values)
    assert len(counted.counts) == len(counted.edges) - 1 == bins
    assert (np.diff(counted.edges) > 0).all()


def test_histogram_needs_a_bin_and_one_map():
    with pytest.raises(ValueError, match="at least one bin, got 0"):
        histogram(torch.ones(2, 3), bins=0)
    with pytest.raises(ValueError, match=r"got 4 of them \(4, 2, 3\)"):
        histogram(torch.ones(4, 2, 3))


@pytest.mark.parametrize(
    "dtype",
    [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int64, torch.bool],
)
def test_every_real_dtype_is_measured(dtype):
    maps = torch.tensor([[[0, 1, 1]], [[1, 1, 1]]]).to(dtype)
    np.testing.assert_allclose(statistics(maps).mean, [2 / 3, 1.0], rtol=1e-6)
    assert histogram(maps[0], bins=2).counts.tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [">f4", "<f8", "u2", "g", "?"])
def test_every_real_numpy_dtype_is_measured(dtype):
    assert statistics(np.array([[[0, 1, 1, 0]]], dtype=dtype)).mean.tolist() == [0.5]


def test_layouts_are_accepted_and_left_alone():
    values = torch.arange(24.0).reshape(4, 2, 3).permute(2, 0, 1).requires_grad_()  # (3, 4, 2), strided
    before = values.detach().clone()
    np.testing.assert_allclose(statistics(values).mean, before.numpy().mean((1, 2)))
    assert torch.equal(values.detach(), before)
    assert values.requires_grad
    array = before.numpy()[::-1, :, ::-1]
    array.flags.writeable = False
    np.testing.assert_allclose(statistics(array).mean, array.mean((1, 2)))


def test_one_picture_of_a_batch():
    assert tuple(feature_maps(torch.ones(1, 5, 2, 3)).shape) == (5, 2, 3)
    assert tuple(one_map(torch.ones(1, 2, 3)).shape) == (2, 3)


@pytest.mark.parametrize(
    ("maps", "error", "message"),
    [
        (torch.ones(2, 5, 3, 3), ValueError, r"got 2 pictures \(2, 5, 3, 3\)"),
        (torch.ones(3, 4), ValueError, r"\(C, H, W\).*got \(3, 4\)"),
        (torch.ones(()), ValueError, r"got \(\)"),
        (torch.ones(0, 3, 4), ValueError, r"got empty feature maps \(0, 3, 4\)"),
        (torch.ones(2, 0, 4), ValueError, r"got empty feature maps \(2, 0, 4\)"),
        (torch.ones(2, 3, 4, dtype=torch.complex64), TypeError, "complex64"),
        (np.array([[["a"]]]), TypeError, "<U1"),
        ([[[1.0]]], TypeError, "list"),
        (None, TypeError, "NoneType"),
    ],
)
def test_what_is_not_feature_maps_is_refused(maps, error, message):
    with pytest.raises(error, match=message):
        statistics(maps)
