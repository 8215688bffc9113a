"""Capture: no trace is left behind, and any mode, dtype and kind of model will do."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.activations import CaptureError, capture
from tests.small_networks import After, Apply, Fails, Residual, copied_outputs, picture, small_net, state_of


class TestNoTrace:
    def test_hooks_modes_state_gradients_and_random_numbers_stay(self):
        net, x = small_net(), picture()
        values, before, random = x.clone(), state_of(net), torch.get_rng_state()
        capture(net, x)
        assert state_of(net) == before
        assert torch.equal(x, values)
        assert torch.equal(torch.get_rng_state(), random)

    def test_training_mode_stays_where_it_was(self):
        net = small_net().train()
        net[3].eval()
        before = [part.training for part in net.modules()]
        capture(net, picture())
        assert [part.training for part in net.modules()] == before
        assert all(p.grad is None and p.requires_grad for p in net.parameters())

    @pytest.mark.parametrize("error", [RuntimeError("in the model"), KeyboardInterrupt()])
    def test_after_an_exception_in_the_model(self, error):
        net, x = Fails(error).eval(), picture()
        values, before, random = x.clone(), state_of(net), torch.get_rng_state()
        with pytest.raises(type(error)) as caught:
            capture(net, x)
        assert caught.value is error
        assert state_of(net) == before
        assert torch.equal(x, values)
        assert torch.equal(torch.get_rng_state(), random)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()

    def test_after_an_input_that_does_not_fit(self):
        net = small_net()
        before = state_of(net)
        with pytest.raises(RuntimeError, match="channels"):
            capture(net, picture(channels=5))
        assert state_of(net) == before

    def test_the_users_own_hooks_work_and_stay(self):
        net, x, seen = small_net(), picture(), []
        handles = [
            net[0].register_forward_hook(lambda _m, _i, out: out + 1),
            net[2].register_forward_pre_hook(lambda _m, args: seen.append(args[0].shape)),
        ]
        with torch.no_grad():
            expected = net[0](x)
        activations = capture(net, x, ["0", "1"])
        assert torch.equal(activations["0"], expected)  # as it went on through the network
        assert seen == [(2, 6, 7, 5)]
        assert [len(net[0]._forward_hooks), len(net[2]._forward_pre_hooks)] == [1, 1]
        for handle in handles:
            handle.remove()
        assert not net[0]._forward_hooks
        assert not net[2]._forward_pre_hooks

    def test_a_users_hook_that_fails(self):
        net = small_net()
        handle = net[4].register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            capture(net, picture())
        handle.remove()
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())

    def test_training_mode_runs_the_model_once(self):
        """A second run, as `out += x` asks for in eval mode, would update the statistics twice."""
        net, x = Residual(), picture(channels=4)
        twin = copy.deepcopy(net)
        activations = capture(net, x, ["bn1", "bn2"])
        oracle = copied_outputs(twin, x, ["bn1", "bn2"])
        assert net.bn2.num_batches_tracked == 1
        assert torch.equal(activations["bn2"], oracle["bn2"][0])
        with torch.no_grad():
            twin(x)
        assert torch.equal(net.bn2.running_mean, twin.bn2.running_mean)

    def test_one_part_in_training_mode_is_enough(self):
        net = Residual().eval()
        net.bn1.train()
        capture(net, picture(channels=4), "bn2")
        assert net.bn1.num_batches_tracked == 1
        assert not net.training


class TestModes:
    def test_nothing_keeps_a_graph(self):
        x = picture().requires_grad_()
        activations = capture(small_net(), x)
        tensors = [*activations.values(), activations.output]
        assert not any(tensor.requires_grad for tensor in tensors)
        assert all(tensor.grad_fn is None for tensor in tensors)
        assert x.grad is None

    def test_a_model_that_switches_gradients_on(self):
        def with_gradient(t):
            with torch.enable_grad():
                return t.requires_grad_().pow(2)

        activations = capture(nn.Sequential(nn.Conv2d(3, 4, 3), Apply(with_gradient)).eval(), picture())
        assert not activations["1"].requires_grad
        assert not activations.output.requires_grad
        assert torch.equal(activations["1"], activations["0"].pow(2))

    def test_inside_the_callers_inference_mode(self):
        net, x = After(lambda out: out.add_(5.0)).eval(), picture()
        expected = capture(net, x, "conv")["conv"]
        with torch.inference_mode():
            inside = capture(net, x.clone(), "conv")["conv"]
            assert torch.is_inference_mode_enabled()
        assert torch.equal(inside, expected)

    def test_an_inference_tensor_as_input(self):
        with torch.inference_mode():
            x = picture()
        net = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3)).eval()
        assert torch.equal(capture(net, x, "0")["0"], x.clone().relu())

    @pytest.mark.parametrize("layers", [None, "0", ""])
    def test_a_model_whose_parts_use_inference_mode(self, layers):
        @torch.inference_mode()
        def spoil(t):
            out = t + 1
            return F.relu(out, inplace=True)

        net = nn.Sequential(Apply(spoil), nn.ReLU()).eval()
        activations = capture(net, picture(), layers)
        tensors = [*activations.values(), activations.output]
        assert not any(tensor.is_inference() for tensor in tensors)

    def test_a_whole_forward_in_inference_mode(self):
        net, x = Residual().eval(), picture(channels=4)
        names = ["conv1", "bn1", "conv2", "bn2"]
        oracle = copied_outputs(net, x, names)
        net.forward = torch.inference_mode()(net.forward)
        activations = capture(net, x, names)
        assert all(torch.equal(activations[name], oracle[name][0]) for name in names)

    def test_mixed_precision_of_the_caller_is_respected(self):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert capture(small_net(), picture(), "0")["0"].dtype == torch.bfloat16

    def test_sparse_outputs(self):
        net = nn.Sequential(
            Apply(lambda t: t.relu().to_sparse()), Apply(lambda t: t.to_dense().neg_())
        ).eval()
        x = picture()
        activations = capture(net, x)
        assert torch.equal(activations["0"].to_dense(), x.relu())
        assert torch.equal(activations["1"], -x.relu())

    def test_lazy_modules_that_have_no_shape_yet(self):
        net = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(inplace=True), Apply(lambda t: t)).eval()
        net[2].never_run = nn.LazyLinear(2)
        x = picture()
        activations = capture(net, x, "0")
        with torch.no_grad():
            assert torch.equal(activations["0"], net[0](x))

    @pytest.mark.parametrize("trainable", [False, True])
    @pytest.mark.parametrize("view", [False, True])
    def test_what_a_module_hands_out_of_its_parameters_is_a_copy(self, trainable, view):
        net = Apply(lambda _t: net.table[:2] if view else net.table).eval()
        net.table = nn.Parameter(torch.ones(4, 3), requires_grad=trainable)
        activations = capture(net, picture(), "")
        with torch.no_grad():
            net.table.fill_(9.0)
        assert torch.equal(activations[""], torch.ones(2 if view else 4, 3))
        assert torch.equal(activations.output, activations[""])

    def test_what_a_module_hands_out_of_its_buffers_is_a_copy(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 3), Apply(lambda _t: net[1].position)).eval()
        net[1].register_buffer("position", torch.arange(5.0))
        capture(net, picture(), "1")["1"].zero_()
        assert net[1].position.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
class TestTorchScript:
    def net(self):
        script = torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)))
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), script, nn.Conv2d(4, 2, 1)).eval()

    @pytest.mark.parametrize("name", ["2", "2.0"])
    def test_a_scripted_layer_is_refused_by_name(self, name):
        with pytest.raises(CaptureError, match=rf"'{name}' is TorchScript"):
            capture(self.net(), picture(), name)

    def test_the_python_layers_around_it_are_captured(self):
        net, x = self.net(), picture()
        assert list(capture(net, x)) == ["0", "1", "3"]
        assert list(capture(net, x, nn.Conv2d)) == ["0", "3"]
        with torch.no_grad():
            assert torch.equal(capture(net, x, "0")["0"], net[0](x))

    def test_its_in_place_changes_are_noticed(self):
        script = torch.jit.script(nn.ReLU(inplace=True))
        net, x = nn.Sequential(nn.Conv2d(3, 4, 3), script).eval(), picture()
        with torch.no_grad():
            assert torch.equal(capture(net, x, "0")["0"], net[0](x))
