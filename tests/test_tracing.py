"""Following models as they are: any operation, odd structures, and what must stay untouched."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.activations import capture
from explorer.layers import layer_table


def table_of(net, *shape, seed=0):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return layer_table(net, x)


class Forward(nn.Module):
    """A model from named parts and a function of them and the inputs."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs):
        return self.function(self, *inputs)


class TestOperations:
    """Fields through operations that no module announces; x is (1, 2, 12, 16)."""

    @staticmethod
    def field(function, **parts):
        net = Forward(lambda net, x: net.end(function(net, x)), end=nn.Identity(), **parts)
        return table_of(net, 1, 2, 12, 16)["end"]

    @pytest.mark.parametrize(
        ("function", "expected"),
        [
            (lambda _, x: x + x.mean((2, 3), keepdim=True), "whole image"),
            (lambda _, x: x.mean(2, keepdim=True), "12 × 1"),
            (lambda _, x: x * x.amax(3, keepdim=True), "1 × 16"),
            (lambda _, x: x.flatten(2).softmax(2).view(x.shape), "whole image"),
            (lambda _, x: x.softmax(1), "1 × 1"),
            (lambda _, x: F.layer_norm(x, x.shape[1:]), "whole image"),
            (lambda _, x: F.group_norm(x, 2), "whole image"),
            (lambda _, x: F.instance_norm(x), "whole image"),
            (lambda _, x: F.batch_norm(x, None, None, training=True), "whole image"),
            (lambda _, x: F.batch_norm(x, torch.zeros(2), torch.ones(2)), "1 × 1"),
            (lambda _, x: F.local_response_norm(x, 3), "1 × 1"),
            (lambda _, x: F.layer_norm(x.permute(0, 2, 3, 1), (2,)).permute(0, 3, 1, 2), "1 × 1"),
            (lambda _, x: F.adaptive_avg_pool2d(x, (3, 4)), "4 × 4"),
            (lambda _, x: F.adaptive_max_pool2d(x, (1, 4)), "12 × 4"),
            (lambda _, x: F.interpolate(F.avg_pool2d(x, 3), scale_factor=3), "3 × 3"),
            (lambda _, x: F.pixel_unshuffle(x, 4), "4 × 4"),
            (lambda _, x: F.unfold(x, 3, padding=1), "unknown"),
            (lambda _, x: F.grid_sample(x, torch.zeros(1, 5, 6, 2), align_corners=True), "unknown"),
            (lambda _, x: F.pad(x, (1, 1, 1, 1), mode="circular"), "unknown"),
            (lambda _, x: x.roll(2, 3), "unknown"),
            (lambda _, x: x + x.flip(3), "unknown"),
            (lambda _, x: torch.cat([x, x], 3), "unknown"),
            (lambda _, x: torch.stack([x, F.max_pool2d(x, 3, 1, 1)], 1).sum(1), "3 × 3"),
            (lambda _, x: torch.where(x > 0, F.avg_pool2d(x, (1, 3), 1, (0, 1)), x), "1 × 3"),
            (lambda _, x: x.unsqueeze(0).expand(3, -1, -1, -1, -1)[1].contiguous(), "1 × 1"),
            (lambda _, x: torch.einsum("nchw,cd->ndhw", x, torch.ones(2, 5)), "1 × 1"),
            (lambda _, x: x.transpose(2, 3).transpose(3, 2).to(torch.float64), "1 × 1"),
            (lambda _, x: torch.zeros_like(x), "unknown"),
        ],
    )
    def test_field(self, function, expected):
        row = self.field(function)
        assert str(row.receptive_field or "unknown") == expected

    def test_windows_of_attention(self):
        """Attention within windows of 4 × 4 sees exactly its window, wherever it lies."""

        def windows(_, x):
            tokens = x.view(1, 2, 3, 4, 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(12, 16, 2)
            mixed = F.scaled_dot_product_attention(tokens, tokens, tokens)
            mixed = (mixed @ mixed.transpose(1, 2)).softmax(-1) @ mixed
            return mixed.view(1, 3, 4, 4, 4, 2).permute(0, 5, 1, 3, 2, 4).reshape(1, 2, 12, 16)

        row = self.field(windows)
        assert row.is_map
        assert row.receptive_field.size == (4, 4)
        assert row.receptive_field.seen_box(5, 3) == row.receptive_field.box(5, 3) == (4, 0, 8, 4)
        assert row.receptive_field.box(8, 15) == (8, 12, 12, 16)

    def test_global_attention(self):
        row = self.field(
            lambda net, x: (
                net.attention(*[x.flatten(2).transpose(1, 2)] * 3)[0].transpose(1, 2).view(x.shape)
            ),
            attention=nn.MultiheadAttention(2, 1, batch_first=True),
        )
        assert row.receptive_field.whole

    def test_a_part_of_the_map(self):
        assert self.field(lambda _, x: x[:, :, 3:9, 2:4].mean((2, 3))).receptive_field.size == (6, 2)
        assert self.field(lambda _, x: x[:, :, 5]).receptive_field.box(0, 4) == (5, 4, 6, 5)

    def test_space_to_depth_written_as_views(self):
        def focus(_, x):
            return x.view(1, 2, 6, 2, 8, 2).permute(0, 3, 5, 1, 2, 4).reshape(1, 8, 6, 8)

        row = self.field(focus)
        assert (row.is_map, row.stride, row.receptive_field.size) == (True, (2, 2), (2, 2))
        assert self.field(lambda _, x: F.pixel_shuffle(focus(_, x)[:, :4], 2)).is_map

    def test_channels_last_layout_is_no_map(self):
        row = self.field(lambda _, x: x.permute(0, 2, 3, 1))
        assert (row.output_shape, row.is_map, row.stride) == ((1, 12, 16, 2), False, None)
        assert row.receptive_field.size == (1, 1)

    def test_writing_into_a_part_makes_the_whole_unknown(self):
        def pasted(_, x):
            canvas = torch.ones(1, 2, 12, 16)
            canvas[:, :, 2:] = x[:, :, 2:]
            return canvas + x

        assert self.field(pasted).receptive_field is None

    def test_writing_through_a_view_of_the_same_elements(self):
        def added(_, x):
            y = x * 2
            y.view(1, 2, 12, 16).add_(F.avg_pool2d(x, 3, 1, 1))
            return y

        assert str(self.field(added).receptive_field) == "3 × 3"

    def test_overwritten_by_a_constant(self):
        assert self.field(lambda _, x: x.mul(2).zero_()).receptive_field is None

    def test_weights_that_depend_on_the_picture(self):
        def dynamic(_, x):
            return F.conv2d(x, x.mean((2, 3)).view(1, 2, 1, 1))

        assert self.field(dynamic).receptive_field.whole

    def test_upsampling_decoder(self):
        def unet(net, x):
            deep = net.down(x)
            return torch.cat([x, F.interpolate(deep, size=x.shape[2:], mode="nearest")], 1)

        row = self.field(unet, down=nn.Conv2d(2, 3, 4, stride=4))
        assert (row.stride, row.receptive_field.size, row.receptive_field.stride) == ((1, 1), (4, 4), (1, 1))
        assert row.receptive_field.box(5, 6) == (4, 4, 8, 8)


class TestOddModels:
    def test_called_several_times_describes_the_last_call_as_capture_does(self):
        net = Forward(
            lambda net, x: net.act(net.second(net.act(net.first(x)))),
            first=nn.Conv2d(2, 3, 3),
            second=nn.Conv2d(3, 5, 3, stride=2),
            act=nn.ReLU(inplace=True),
        )
        x = torch.rand(1, 2, 9, 12)
        table = layer_table(net, x)
        assert table.names == ("first", "act", "second") == tuple(capture(net, x))
        row = table["act"]
        assert (row.calls, row.output_shape, str(row.receptive_field)) == (2, (1, 5, 3, 4), "5 × 5")
        assert row.output_shape == capture(net, x)["act"].shape
        assert row.finished > table["second"].finished

    def test_repeated_layers_cost_every_time(self):
        net = Forward(lambda net, x: net.conv(net.conv(x)), conv=nn.Conv2d(2, 2, 3, padding=1))
        (row,) = table_of(net, 1, 2, 5, 7)
        assert (row.macs, row.parameters, row.depth) == (2 * 5 * 7 * 36, 38, 1.0)

    def test_two_names_and_shared_parameters(self):
        part = nn.Conv2d(2, 2, 3)
        table = table_of(nn.Sequential(part, nn.ReLU(), part), 1, 2, 9, 8)
        assert table.names == ("0", "1")
        assert table["2"] is table["0"]
        assert table["0"].aliases == ("2",)
        assert table.parameters == table["0"].parameters == 38

    def test_several_outputs(self):
        def two(_, x):
            return {"count": 3, "maps": [x[:, :1], x]}

        net = Forward(lambda net, x: net.split(x)["maps"][1], split=Forward(two), unused=nn.Conv2d(2, 2, 1))
        table = table_of(net, 1, 2, 5, 7)
        assert table.names == ("split",)
        assert table["split"].output_shape == (1, 1, 5, 7)

    def test_no_tensor_no_row(self):
        net = Forward(
            lambda net, x: net.conv(x[: net.count(x)]),
            count=Forward(lambda _, x: len(x)),
            conv=nn.Conv2d(1, 1, 1),
        )
        assert table_of(net, 2, 1, 3, 4).names == ("conv",)

    def test_several_inputs(self):
        net = Forward(
            lambda net, image, other, vector: net.end(net.conv(image) + other + vector[:, :, None, None]),
            conv=nn.Conv2d(2, 2, 3, padding=1),
            end=nn.Identity(),
        )
        image, other = torch.rand(1, 2, 6, 9), torch.rand(1, 2, 6, 9)
        table = layer_table(net, (image, other, torch.rand(1, 2)))
        assert table["end"].receptive_field is None  # what the vector stands for is not known
        net.function = lambda net, image, other: net.end(net.conv(image) + other)
        assert str(layer_table(net, (image, other))["end"].receptive_field) == "3 × 3"

    def test_input_without_picture(self):
        row = table_of(nn.Sequential(nn.Linear(5, 3)), 2, 5)[0]
        assert (row.output_shape, row.receptive_field, row.macs, row.is_map) == ((2, 3), None, 15, False)

    def test_volumes_have_costs_but_no_field(self):
        row = table_of(nn.Sequential(nn.Conv3d(1, 2, 3)), 1, 1, 4, 5, 6)[0]
        assert (row.macs, row.receptive_field, row.window.kernel_size) == (
            2 * 3 * 4 * 2 * 27,
            None,
            (3, 3, 3),
        )

    def test_weight_norm_old_and_new(self):
        with pytest.warns(FutureWarning, match="weight_norm"):
            old = nn.utils.weight_norm(nn.Conv2d(2, 3, 3))
        new = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
        table = table_of(nn.Sequential(old, new), 1, 2, 9, 8)
        assert str(table["1"].receptive_field) == "5 × 5"
        assert table["0"].parameters == 3 + 54 + 3

    def test_a_hook_that_is_the_models_own_method_acts_on_the_copy(self):
        net = nn.Sequential(Counting(1, 1, 3))
        table_of(net, 1, 1, 5, 6)
        assert net[0].runs == 0
        net(torch.rand(1, 1, 5, 6))
        assert net[0].runs == 1

    def test_a_part_that_fails_and_is_caught(self):
        def careful(net, x):
            try:
                net.fails(x)
            except ArithmeticError:
                x = net.conv(x)
            return x

        def fails(_, x):
            raise ArithmeticError

        net = nn.Sequential(Forward(careful, fails=Forward(fails), conv=nn.Conv2d(1, 2, 1)), nn.ReLU())
        table = table_of(net, 1, 1, 3, 4)
        assert table.names == ("0.conv", "0", "1")
        assert [row.macs for row in table] == [24, 24, 0]

    def test_single_layer_has_no_rows(self):
        table = table_of(nn.Conv2d(1, 2, 3), 1, 1, 5, 6)
        assert (len(table), table.macs, table.parameters) == (0, 3 * 4 * 18, 20)


class Counting(nn.Conv2d):
    """Counts its runs through a hook that is a method of itself."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.runs = 0
        self.register_forward_pre_hook(self.count)

    def count(self, *_):
        self.runs += 1


def state_of(net):
    """Everything of a model that a trace could disturb."""
    tensors = {name: (id(t), t.clone()) for name, t in net.state_dict(keep_vars=True).items()}
    hooks = {
        name: [list(getattr(m, kind)) for kind in vars(m) if kind.endswith("_hooks")]
        for name, m in net.named_modules()
    }
    modes = {name: m.training for name, m in net.named_modules()}
    gradients = [parameter.grad for parameter in net.parameters()]
    return tensors, hooks, modes, gradients


class TestNothingIsDisturbed:
    @pytest.mark.parametrize("fails", [False, True])
    def test_model_input_and_random_numbers(self, fails):
        def run(net, x):
            x = net.drop(net.norm(x.relu_()))
            net.count += 1
            x = F.dropout(x, 0.5, training=True) + torch.randn_like(x)
            if fails:
                raise RuntimeError("the model's own")
            return x

        net = Forward(run, norm=nn.BatchNorm2d(3), drop=nn.Dropout(0.5))
        net.register_buffer("count", torch.zeros(()))
        net.train()
        net.drop.eval()
        net.norm.register_forward_hook(lambda *_: None)
        x = torch.randn(2, 3, 4, 5)
        before, kept, random_state = state_of(net), x.clone(), torch.get_rng_state()
        if fails:
            with pytest.raises(RuntimeError, match="the model's own"):
                layer_table(net, x)
        else:
            layer_table(net, x)
        after = state_of(net)
        assert after[1:] == before[1:]
        for name, (identity, value) in before[0].items():
            assert after[0][name][0] == identity
            assert torch.equal(after[0][name][1], value), name
        assert torch.equal(x, kept)
        assert torch.equal(torch.get_rng_state(), random_state)
        assert torch.is_grad_enabled()

    def test_evaluation_mode_does_what_the_model_overrides_in_train_to_nobody(self):
        net = Forward(lambda net, x: net.part(x), part=nn.Conv2d(1, 1, 1))
        net.train = lambda mode=True: pytest.fail("train() may change weights")
        table_of(net, 1, 1, 2, 3)

    def test_inside_inference_mode_and_with_gradients_wanted(self):
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
        x = torch.rand(1, 1, 5, 6)
        plain = layer_table(net, x)
        with torch.inference_mode():
            assert layer_table(net, torch.rand(1, 1, 5, 6)) == plain
        assert layer_table(net, x.requires_grad_()) == plain

    def test_the_compiler_is_not_imported(self):
        code = (
            "import sys, torch; from explorer.layers import layer_table; "
            "layer_table(torch.nn.Sequential(torch.nn.ReLU()), torch.zeros(1, 1, 2, 3)); "
            "sys.exit('torch._dynamo' in sys.modules or 'sympy' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestConcurrency:
    def test_traces_captures_and_runs_of_one_model(self):
        torch.manual_seed(0)
        net = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True))
                for _ in range(6)
            )
        )
        inputs = [torch.rand(1, 3, 8 + 2 * i, 11 + i) for i in range(4)]
        net.eval()
        serial = [layer_table(net, x) for x in inputs]
        outputs = [capture(net, x, "5")["5"] for x in inputs]

        def repeated(number):
            same = [layer_table(net, inputs[number]) == serial[number] for _ in range(12)]
            equal = [torch.equal(capture(net, inputs[number], "5")["5"], outputs[number]) for _ in range(12)]
            return all(same + equal)

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(repeated, range(4)))
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
