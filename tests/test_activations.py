"""Capture: which layers a name, a type or None means, and what their calls are kept as."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from explorer.activations import CaptureError, UnknownLayerError, capture
from tests.small_networks import (
    Apply,
    KeywordCalled,
    Pair,
    Repeated,
    Returns,
    TwoNames,
    copied_outputs,
    picture,
    small_net,
)


class TestSelection:
    def test_by_one_name_gives_that_module_only(self):
        net, x = small_net(), picture()
        activations = capture(net, x, "3.conv1")
        assert list(activations) == ["3.conv1"]
        assert activations["3.conv1"].shape == (2, 6, 7, 5)

    def test_several_names_come_in_network_order_and_once(self):
        assert list(capture(small_net(), picture(), ["8", "0", "3.conv2", "0"])) == ["0", "3.conv2", "8"]

    def test_names_may_come_from_a_generator(self):
        assert list(capture(small_net(), picture(), (name for name in ("8", "0")))) == ["0", "8"]

    def test_by_type(self):
        names = list(capture(small_net(), picture(), nn.Conv2d))
        assert names == ["0", "3.conv1", "3.conv2", "4", "6.conv1", "6.conv2", "8"]

    def test_by_several_types(self):
        assert list(capture(small_net(), picture(), (nn.Linear, nn.MaxPool2d))) == ["7", "12"]

    def test_none_means_every_submodule_and_containers_finish_after_their_parts(self):
        net = small_net()
        names = list(capture(net, picture()))
        assert set(names) == {name for name, _ in net.named_modules() if name}
        assert names.index("3.conv1") < names.index("3.bn2") < names.index("3") < names.index("4")

    def test_empty_name_is_the_model_itself(self):
        net, x = small_net(), picture()
        activations = capture(net, x, "")
        with torch.no_grad():
            assert torch.equal(activations[""], net(x))
        assert torch.equal(activations.output, activations[""])

    @pytest.mark.parametrize("batch", [0, 1, 5])
    def test_any_batch_size(self, batch):
        activations = capture(small_net(), picture(batch=batch))
        assert {feature_map.shape[0] for feature_map in activations.values()} == {batch}

    def test_one_pixel_and_one_channel(self):
        net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True)).eval()
        x = torch.full((1, 1, 1, 1), -2.0)
        with torch.no_grad():
            net[0].weight.fill_(3.0)
            net[0].bias.fill_(0.5)
        activations = capture(net, x)
        assert activations["0"].item() == -5.5
        assert activations["1"].item() == 0.0

    def test_nan_and_infinity_pass_through(self):
        x = picture()
        x[0, 0, 0, 0], x[0, 0, 0, 1] = float("nan"), float("inf")
        feature_map = capture(nn.Sequential(nn.Identity(), nn.ReLU(inplace=True)).eval(), x, "0")["0"]
        assert torch.equal(feature_map, x) is False
        assert torch.allclose(feature_map, x, rtol=0, atol=0, equal_nan=True)


class TestErrors:
    def test_unknown_layer_lists_close_names(self):
        with pytest.raises(UnknownLayerError, match=r"no layer '3.conv3'; did you mean .*'3\.conv[12]'"):
            capture(small_net(), picture(), "3.conv3")

    def test_a_hopeless_name_lists_some_that_exist(self):
        with pytest.raises(UnknownLayerError, match=r"'encoder\.attention'; there are \d+, for example '0'"):
            capture(small_net(), picture(), ["0", "encoder.attention"])

    def test_layer_that_did_not_run(self):
        with pytest.raises(CaptureError, match=r"'unused' did not run"):
            capture(Repeated().eval(), picture(), ["conv", "unused"])
        assert "unused" not in capture(Repeated().eval(), picture(), nn.Conv2d)
        assert "unused" not in capture(Repeated().eval(), picture())

    @pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), ("text", "str"), ([], "list")])
    def test_layer_that_returned_no_tensor(self, value, kind):
        net = nn.Sequential(nn.Conv2d(3, 4, 3), Apply(lambda _x: value)).eval()
        with pytest.raises(CaptureError, match=f"'1' returned no tensor but {kind}"):
            capture(net, picture(), "1")
        assert list(capture(net, picture())) == ["0"]

    def test_nothing_asked_for_and_nothing_there(self):
        with pytest.raises(CaptureError, match="no layer was asked for"):
            capture(small_net(), picture(), [])
        with pytest.raises(CaptureError, match=r"no module of type .*Conv3d"):
            capture(small_net(), picture(), nn.Conv3d)
        with pytest.raises(CaptureError, match="none of the model's modules"):
            capture(nn.ReLU(), picture())

    def test_a_function_is_no_model(self):
        with pytest.raises(CaptureError, match=r"only an nn\.Module has layers to capture, not a function"):
            capture(lambda x: x, picture())

    def test_capture_errors_are_value_errors(self):
        assert issubclass(UnknownLayerError, CaptureError)
        assert issubclass(CaptureError, ValueError)

    def test_reading_what_was_not_captured(self):
        activations = capture(small_net(), picture(), ["3.conv1", "8"])
        with pytest.raises(KeyError, match=r"3\.conv2.*did you mean '3\.conv1'"):
            activations["3.conv2"]
        assert "3.conv2" not in activations
        assert activations.get("3.conv2") is None


class TestCalls:
    def test_a_module_called_several_times_keeps_every_call(self):
        net, x = Repeated().eval(), picture()
        activations = capture(net, x, "conv")
        expected = copied_outputs(net, x, ["conv"])["conv"]
        calls = activations.calls("conv")
        assert len(calls) == len(expected) == 3
        assert all(torch.equal(call[0], one) for call, one in zip(calls, expected, strict=True))
        assert torch.equal(activations["conv"], expected[-1])
        assert min(call[0].min() for call in calls) < 0  # each from before its in-place ReLU

    def test_one_module_under_several_names_answers_to_each(self):
        activations = capture(TwoNames().eval(), picture(), nn.Conv2d)
        assert list(activations) == ["first", "second", "outer.0"]
        assert len(activations.calls("outer.0")) == 2
        assert torch.equal(activations["first"], activations["second"])

    @pytest.mark.parametrize(
        "make",
        [
            lambda t: (t, t * 2),
            lambda t: [t, None, t * 2],
            lambda t: {"small": t, "big": t * 2, "note": "text"},
            lambda t: Pair(t, [t * 2]),
            lambda t: ((t,), {"deep": (t * 2, 5)}),
        ],
        ids=["tuple", "list", "dict", "namedtuple", "nested"],
    )
    def test_outputs_of_several_tensors(self, make):
        net, x = Returns(make).eval(), picture()
        activations = capture(net, x, ["conv", "inner"])
        (first, second) = activations.calls("inner")[0]
        assert torch.equal(activations["inner"], first)
        assert torch.equal(first, activations["conv"])
        assert torch.equal(second, 2 * first)
        assert type(activations.output) is type(make(x))

    def test_namedtuple_and_dict_outputs_keep_their_names(self):
        assert capture(Returns(lambda t: Pair(t, t + 1)).eval(), picture(), "conv").output._fields == (
            "low",
            "high",
        )
        assert list(capture(Returns(lambda t: {"z": t, "a": t}).eval(), picture(), "conv").output) == [
            "z",
            "a",
        ]

    def test_a_call_without_tensors_between_calls_with_some(self):
        answers = iter([True, False, True])
        gate = Apply(lambda t: t if next(answers) else None).eval()
        net = Apply(lambda t: [gate(t), gate(t), gate(t)]).eval()
        net.gate = gate
        assert len(capture(net, picture(), "gate").calls("gate")) == 2

    def test_several_inputs_and_keyword_calls(self):
        net = Apply(lambda a, b: a * b).eval()
        a, b = picture(), picture()
        assert torch.equal(capture(net, (a, b), "")[""], a * b)
        keyword = KeywordCalled().eval()
        activations = capture(keyword, picture(), "conv")
        assert activations["conv"].min() < 0  # the in-place ReLU6 called by keyword did not reach it

    def test_repr_and_size(self):
        activations = capture(nn.Sequential(nn.Conv2d(3, 4, 3)).eval(), picture(), ["0", ""])
        assert repr(activations) == "Activations({'0': (2, 4, 11, 8), '': (2, 4, 11, 8)})"
        assert activations.nbytes == 2 * 4 * 11 * 8 * 4  # both names hold the same memory


class TestNested:
    def test_a_capture_inside_a_forward(self):
        inner = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)).eval()
        net = Apply(lambda x: capture(inner, x, "0")["0"].tanh()).eval()
        net.inner = inner
        x = picture()
        activations = capture(net, x, ["inner.0", "inner.1"])
        with torch.no_grad():
            assert torch.equal(activations["inner.0"], inner[0](x))
            assert torch.equal(activations.output, inner[0](x).tanh())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())

    def test_a_capture_inside_a_hook(self):
        net, other, seen = small_net(), small_net(), []
        net[4].register_forward_hook(lambda _m, _i, out: seen.append(capture(other, picture(), "0")) and None)
        assert list(capture(net, picture(), ["4", "8"])) == ["4", "8"]
        assert [list(one) for one in seen] == [["0"]]
