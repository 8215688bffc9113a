"""Local connectivity, measured on networks with real convolutions, and the growth of the field on paper."""

import pytest
import torch
from torch import nn

from explorer.activations import UnknownLayerError
from explorer.layers import layer_table
from explorer.lesson.locality import first_whole, growth, noisy, positions, probe, repaint
from explorer.lesson.matrices import LessonError
from tests.small_networks import small_net, state_of


def stack():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.LeakyReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 5, 5, stride=2, padding=2),
        nn.LeakyReLU(),
        nn.Conv2d(5, 4, 3, padding=2, dilation=2),
    ).eval()


X = torch.randn(1, 3, 40, 52, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("layer", "row", "column"),
    [("0", 0, 0), ("0", 20, 33), ("2", 7, 25), ("3", 4, 5), ("5", 5, 6), ("5", 9, 0)],
)
def test_noise_outside_changes_nothing_and_inside_it_does(layer, row, column):
    outside, inside = probe(stack(), X, layer, row, column)
    top, left, bottom, right = outside.box
    area = (bottom - top) * (right - left)
    assert (outside.inside, outside.outside) == (0, 40 * 52 - area)
    assert (inside.inside, inside.outside) == (area, 0)
    assert not outside.changed
    assert outside.change <= 1e-6 * outside.scale
    assert inside.changed
    assert inside.change > 1e-2 * inside.scale


def test_a_single_painted_pixel_at_the_edge_of_the_field():
    # Position (4, 5) of a 3×3 convolution with padding 1 sees rows 3 to 5 and columns 4 to 6.
    net = stack()
    for pixel, changed in (((5, 6), True), ((3, 4), True), ((6, 6), False), ((5, 7), False), ((2, 4), False)):
        painted = X.clone()
        painted[0, 1, pixel[0], pixel[1]] += 3
        result = repaint(net, X, painted, "0", 4, 5)
        assert result.box == (3, 4, 6, 7)
        assert (result.inside, result.outside) == (int(changed), int(not changed))
        assert result.changed == changed
        weight = net[0].weight[:, 1, pixel[0] - 3, pixel[1] - 4] if changed else torch.zeros(6)
        torch.testing.assert_close(result.after - result.before, 3 * weight.detach(), atol=1e-5, rtol=1e-4)


def test_behind_a_gate_every_pixel_counts():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            y = self.conv(x)
            return y * self.pool(y).sigmoid()

    net = nn.Sequential(Gated()).eval()
    outside, inside = probe(net, X, "0", 3, 4)
    assert outside.box == (0, 0, 40, 52)
    assert outside.outside == 0
    assert not outside.changed
    assert inside.changed


def test_growth_on_paper():
    rows = growth(layer_table(stack(), X))
    # 3; the pooling adds 1 · 1; the next convolution 4 · 2 and from there a step of 4; the dilated one 4 · 4.
    assert [(row.name, row.size, row.step) for row in rows] == [
        ("0", (3, 3), (1, 1)),
        ("2", (4, 4), (2, 2)),
        ("3", (12, 12), (4, 4)),
        ("5", (28, 28), (4, 4)),
    ]
    assert rows[0].share == 9 / (40 * 52)
    # Position (5, 6) of the last map begins 5 · 4 − 12 = 8 and 6 · 4 − 12 = 12 pixels in, 28 of them fit.
    assert rows[3].share == 28 * 28 / (40 * 52)
    assert [row.share for row in rows] == sorted(row.share for row in rows)
    assert not any(row.gated for row in rows)


def test_growth_of_a_network_with_branches_and_a_head():
    net = small_net()
    before = state_of(net)
    rows = growth(layer_table(net, X))
    assert rows[0].size == (3, 3)
    assert all(0 < row.share <= 1 for row in rows)
    probe(net, X, "3", 3, 4)
    assert state_of(net) == before


def test_constant_picture_and_one_channel():
    net = nn.Sequential(nn.Conv2d(1, 2, 3)).eval()
    outside, inside = probe(net, torch.full((1, 1, 9, 7), 2.0), "0", 2, 2)
    assert not outside.changed
    assert inside.changed
    same = repaint(net, torch.zeros(1, 1, 9, 7), torch.zeros(1, 1, 9, 7), "0", 0, 0)
    assert (same.inside, same.outside, same.change) == (0, 0, 0)


def test_what_cannot_be_measured_says_why():
    net = stack()
    with pytest.raises(LessonError, match="'0' is 40×52, got row 40, column 0"):
        probe(net, X, "0", 40, 0)
    with pytest.raises(LessonError, match=r"one size are needed, got \(1, 3, 40, 52\) and \(1, 3, 40, 51\)"):
        repaint(net, X, X[..., 1:], "0", 0, 0)
    with pytest.raises(LessonError, match="evaluation mode"):
        probe(net.train(), X, "0", 0, 0)
    with pytest.raises(UnknownLayerError):
        probe(net.eval(), X, "nothing", 0, 0)
    with pytest.raises(LessonError, match="'11' has no map"):
        probe(small_net(), X, "11", 0, 0)
    with pytest.raises(LessonError, match=r"got shape \(3, 40, 52\)"):
        probe(net, X[0], "0", 0, 0)


def test_the_fields_of_all_positions():
    table = layer_table(stack(), X)
    rows, columns = positions(table["3"])
    assert (len(rows), len(columns)) == tuple(table["3"].output_shape[2:]) == (10, 13)
    # 4 pixels apart, 12 long, and beginning 2 · 2 + 1 pixels before the picture.
    assert rows[:2] == ((-5, 7), (-1, 11))
    assert columns[12] == (43, 55)
    with pytest.raises(LessonError, match="'11' has no map"):
        positions(layer_table(small_net(), X)["11"])


def test_where_the_whole_picture_begins():
    table = layer_table(small_net(), X)
    whole = first_whole(table)
    assert whole is not None
    assert whole.receptive_field.whole
    assert whole.kind == "AdaptiveAvgPool2d"
    assert first_whole(layer_table(stack(), X)) is None
    deep = growth(layer_table(stack(), X[..., :20, :24]))[-1]
    assert deep.exceeds(20, 24)
    assert not deep.exceeds(20, 28)
    assert deep.positions == (5, 6)


def test_a_gate_is_not_where_the_whole_picture_begins():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.conv = nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 6, 1)

        def forward(self, x):
            return x * self.conv(self.pool(x)).sigmoid()

    net = nn.Sequential(nn.Conv2d(3, 6, 3), Gate(), nn.Conv2d(6, 4, 3), nn.AdaptiveAvgPool2d(1))
    whole = first_whole(layer_table(net.eval(), X))
    assert whole is not None
    assert whole.name == "3"


def test_noise_lies_where_it_should():
    outside, inside = noisy(X, (3, 5, 10, 20))
    assert torch.equal(outside[..., 3:10, 5:20], X[..., 3:10, 5:20])
    assert (outside != X).any(1).sum() == 40 * 52 - 7 * 15
    assert (inside != X).any(1).sum() == 7 * 15
    assert torch.equal(noisy(X, (3, 5, 10, 20))[0], outside)
