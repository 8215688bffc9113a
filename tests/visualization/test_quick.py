"""The copy that is arranged for speed: the same values, and a way back where it does not run."""

import pytest
import torch
from torch import nn

from explorer.visualization import quick
from explorer.visualization.probe import Probe
from tests.visualization.nets import small_net

X = torch.randn(2, 3, 23, 18, generator=torch.Generator().manual_seed(1))


class ByMemory(nn.Module):
    """Counts on the order of its maps in memory."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4 * 21 * 16, 5)

    def forward(self, x):
        return self.head(self.convolution(x).view(len(x), -1))


class OddNorm(nn.BatchNorm2d):
    """Something else than its parent."""

    def forward(self, x):
        return super().forward(x) * 2


def gradient(probe, name):
    x = X.clone().requires_grad_()
    probe(x)[name].square().sum().backward()
    return x.grad


@pytest.mark.parametrize("name", ["0", "1", "2", "4", ""])
def test_values_and_gradients_are_those_of_the_model(name):
    net = small_net()
    probe = Probe(net, [name], X[:1])
    x = X.clone().requires_grad_()
    expected = dict(net.named_modules())[name]
    kept = []
    handle = expected.register_forward_hook(lambda *given: kept.append(given[2].clone()))
    net(x)
    handle.remove()
    kept[0].square().sum().backward()
    assert torch.allclose(probe(X)[name], kept[0], atol=1e-5)
    # A rectifier that is asked for lets gradients past its bound, which is tested with the probe.
    assert name in ("2", "4") or torch.allclose(gradient(probe, name), x.grad, atol=1e-5)


def test_the_weights_of_the_model_stay_as_they_are():
    net = small_net()
    before = net[0].weight.data_ptr(), net[0].weight.stride()
    Probe(net, [""], X[:1])(X)
    assert before == (net[0].weight.data_ptr(), net[0].weight.stride())
    assert "forward" not in vars(net[1])


def test_a_net_that_counts_on_the_order_in_memory_runs_as_it_is():
    torch.manual_seed(2)
    net = ByMemory().eval()
    probe = Probe(net, ["", "convolution"], X[:1])
    assert torch.allclose(probe(X)[""], net(X), atol=1e-6)
    assert probe(X)["convolution"].is_contiguous()


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(3),
        nn.BatchNorm2d(3, affine=False),
        nn.BatchNorm2d(3, track_running_stats=False),
        OddNorm(3),
    ],
    ids=["learned", "plain", "no statistics", "subclass"],
)
def test_every_kind_of_batch_normalisation(norm):
    if norm.running_mean is not None:
        norm.running_mean.copy_(torch.tensor([0.5, -1.0, 2.0]))
        norm.running_var.copy_(torch.tensor([0.25, 4.0, 1e-6]))
    norm.eval()
    twin = nn.Sequential(norm)
    expected = twin(X)
    quick.arrange(twin)
    assert torch.allclose(twin(X), expected, rtol=1e-5, atol=1e-4)


def test_a_convolution_of_one_pixel_is_a_product():
    torch.manual_seed(4)
    wide, plain = nn.Conv2d(3, 5, 1), nn.Conv2d(3, 4, 1, bias=False)
    strided, grouped, framed = (
        nn.Conv2d(3, 4, 1, 2),
        nn.Conv2d(3, 6, 1, groups=3),
        nn.Conv2d(3, 4, 1, padding=1),
    )
    for convolution in (wide, plain, strided, grouped, framed):
        expected = convolution(X)
        twin = nn.Sequential(convolution)
        quick.arrange(twin)
        assert torch.allclose(twin(quick.channels_last(X)), expected, atol=1e-6)
        assert ("forward" in vars(convolution)) == (convolution in (wide, plain))


def test_by_hand_a_factor_and_a_summand():
    """(5 - 1) / sqrt(3 + 1) * 10 + 7 = 27."""
    norm = nn.BatchNorm2d(1, eps=1.0).eval()
    for tensor, value in zip((norm.running_mean, norm.running_var), (1.0, 3.0), strict=True):
        tensor.fill_(value)
    with torch.no_grad():
        norm.weight.fill_(10.0)
        norm.bias.fill_(7.0)
    quick.arrange(norm)
    assert norm(torch.full((1, 1, 1, 1), 5.0)).item() == pytest.approx(27.0)
