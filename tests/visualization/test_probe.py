"""The private network: how far it runs, what it wakes, and whose randomness it uses."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.visualization import Channel, Logit, Pixels, VisualizationError, visualize
from explorer.visualization.probe import FAINT, Probe
from tests.visualization.nets import edge_net, orientation, recipe, small_net


class Counting(nn.Module):
    """Counts how often it runs, in a list that copies share."""

    def __init__(self, runs):
        super().__init__()
        self.note = runs.append

    def forward(self, x):
        self.note(tuple(x.shape))
        return x * 1.0


class Twice(nn.Module):
    """One rectifier that is called twice, as in many residual blocks; the last call counts."""

    def __init__(self, runs):
        super().__init__()
        self.convolution, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)
        self.second, self.after = nn.Conv2d(4, 4, 3), Counting(runs)

    def forward(self, x):
        x = self.relu(self.convolution(x))
        x = self.second(x)
        x += 0.5
        return self.after(self.relu(x))


def test_what_lies_deeper_is_not_computed():
    runs = []
    net = nn.Sequential(nn.Conv2d(3, 4, 3), Counting(runs), nn.Conv2d(4, 5, 3))
    probe = Probe(net, ["0"], torch.zeros(1, 3, 9, 10))
    assert len(runs) == 2  # once, to see that it runs, and once arranged for speed
    assert set(probe(torch.zeros(2, 3, 9, 10))) == {"0"}
    assert len(runs) == 2
    visualize(net, [Channel("0", 1)], recipe(steps=5))
    assert len(runs) == 4
    visualize(net, [Channel("2", 1)], recipe(steps=5))
    assert len(runs) == 4 + 3 + 5 + 1  # with the comparison, and the look at the finished picture


def test_a_module_that_is_called_twice():
    runs = []
    torch.manual_seed(0)
    net, x = Twice(runs), torch.randn(2, 3, 11, 12)
    with torch.no_grad():
        expected = net(x)
        found = Probe(net, ["relu", "convolution", "second"], x[:1])(x)
    assert torch.allclose(found["relu"], expected, atol=1e-6)
    assert len(runs) == 3  # the net's own, and twice a first look
    # Before the rectifier, in place or not, and before `+=`.
    assert torch.allclose(found["convolution"], net.convolution(x), atol=1e-6)
    assert torch.allclose(found["second"], net.second(net.convolution(x).relu()), atol=1e-6)


def test_values_are_the_models_own():
    net, x = small_net(), torch.randn(3, 3, 20, 23)
    found = Probe(net, ["", "2", "4"], x[:1])(x)
    assert torch.allclose(found[""], net(x), atol=1e-6)
    assert torch.allclose(found["2"], net[:3](x), atol=1e-6)
    assert torch.allclose(found["4"], net[:5](x), atol=1e-6)


def test_a_silent_channel_is_woken():
    net = edge_net(35)
    net[0].bias = nn.Parameter(torch.tensor([-3.0]))
    settings = recipe(size=(40, 44), steps=50, parametrization=Pixels(spread=0.05))
    with torch.no_grad():
        assert net(torch.randn(1, 3, 40, 44) * 0.1).max() == 0  # nothing answers to faint noise
    ((result,),) = visualize(net, [Channel("1", 0)], settings)
    assert result.curve[0] == 0
    assert result.value > 0.5
    assert abs(orientation(result.picture) - 35) < 12


def test_a_silent_rectifier_on_the_way_is_woken():
    net = nn.Sequential(*edge_net(90), nn.Conv2d(1, 1, 1), nn.ReLU())
    net[0].bias = nn.Parameter(torch.tensor([-3.0]))
    nn.init.constant_(net[2].weight, 1.0)
    nn.init.constant_(net[2].bias, -0.1)
    ((result,),) = visualize(net, [Channel("3", 0)], recipe(size=(40, 44), steps=50))
    assert result.value > 0.3


def test_an_upper_bound_does_not_stop_the_picture():
    net = nn.Sequential(edge_net(35)[0], nn.ReLU6())
    ((bounded,),) = visualize(net, [Channel("1", 0)], recipe(size=(40, 44), steps=40, learning_rate=0.3))
    assert bounded.value <= 6
    assert bounded.picture.std() > 60  # the whole contrast, which a faint wave would not need


def test_a_silent_corner_of_a_picture_is_won():
    red = nn.Conv2d(3, 1, 1)
    with torch.no_grad():
        red.weight.copy_(torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1))
        red.bias.fill_(0.0)
    # Every pixel is on its own: nothing but its own gradient can change it.
    settings = recipe(steps=60, learning_rate=0.3, parametrization=Pixels(1.0, natural_colours=False))
    with torch.no_grad():
        noise = settings.parametrization.start(24, 32, torch.Generator().manual_seed(0)).sigmoid()
        silent = (red(settings.normalised(noise[None])) <= 0).float().mean()
    assert 0.1 < silent < 0.9
    ((result,),) = visualize(nn.Sequential(red, nn.ReLU()), [Channel("1", 0)], settings)
    picture = result.picture.astype(float)
    assert (picture[..., 0] > picture[..., 1] + 100).all()
    assert (picture[..., 0] > picture[..., 2] + 100).all()


def test_how_much_of_a_gradient_goes_on():
    probe = Probe(nn.Sequential(nn.ReLU6()), ["0"], torch.ones(1, 3, 2, 3))
    x = torch.tensor([[-2.0, 1.0, 7.0], [-1.0, 5.0, 6.0]]).expand(1, 3, 2, 3).clone()
    x[:, 2] = torch.tensor([[-2.0, -1.0, -3.0], [-4.0, -5.0, -6.0]])  # a channel that is silent everywhere
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(probe(x)["0"].sum(), x)
    faint = pytest.approx(FAINT)
    assert gradient[0, 0].tolist() == [[faint, 1, faint], [faint, 1, 1]]
    assert gradient[0, 2].tolist() == [[faint, 1, faint], [faint, faint, faint]]


class Draws(nn.Module):
    """Draws random numbers although it is in use."""

    def forward(self, x):
        return x + torch.rand_like(x) * 0.1


def test_a_model_that_draws_random_numbers():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), Draws())
    torch.manual_seed(1)
    before = torch.get_rng_state()
    ((first,),) = visualize(net, [Channel("1", 0)], recipe(steps=4))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    ((again,),) = visualize(net, [Channel("1", 0)], recipe(steps=4))
    assert np.array_equal(first.picture, again.picture)


def test_a_margin_is_made_and_cut_off():
    settings = recipe(steps=6, margin=5)
    ((result,),) = visualize(small_net(), [Channel("2", 0)], settings)
    assert settings.canvas == (34, 42)
    assert result.picture.shape == (24, 32, 3)


def test_a_model_that_takes_grey_pictures():
    net = nn.Sequential(nn.Conv2d(1, 2, 11, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(edge_net(0, 90)[0].weight.sum(1, keepdim=True))
    settings = recipe(size=(40, 44), mean=(0.4,), std=(0.3,))
    ((result,),) = visualize(nn.Sequential(*net, nn.ReLU()), [Channel("1", 1)], settings)
    assert (result.picture == result.picture[..., :1]).all()
    assert abs(orientation(result.picture) - 90) < 12


@pytest.mark.parametrize(
    ("net", "layer", "says"),
    [
        (nn.Sequential(nn.Conv2d(3, 2, 1), nn.Identity()), "convolution", "no layer 'convolution'"),
        (nn.Sequential(nn.Conv2d(4, 2, 1)), "0", "does not run on pictures of 9 × 10 pixels"),
        ("no model", "", "nn.Module is needed, not str"),
    ],
)
def test_what_cannot_be_looked_into(net, layer, says):
    with pytest.raises(VisualizationError, match=says):
        Probe(net, [layer], torch.zeros(1, 3, 9, 10))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_is_refused():
    net = nn.Sequential(torch.jit.script(nn.Conv2d(3, 2, 1)))
    with pytest.raises(VisualizationError, match="TorchScript"):
        Probe(net, ["0"], torch.zeros(1, 3, 9, 10))


def test_a_layer_that_never_runs():
    net = small_net()
    net.spare = nn.Conv2d(3, 3, 1)
    net.forward = lambda x: net[7](net[6](net[5](net[4](net[3](net[2](net[1](net[0](x))))))))
    with pytest.raises(VisualizationError, match="'spare' did not run"):
        visualize(net, [Channel("spare", 0)], recipe(steps=1))
    ((fine,),) = visualize(net, [Logit(0)], recipe(steps=1))
    assert np.isfinite(fine.value)
