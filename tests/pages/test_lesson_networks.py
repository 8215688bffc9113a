"""The chapter on networks without a browser: what is built, drawn, said and trained, hostile links too."""

import io
import json
import re
import threading
import time

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.hierarchy import stages
from explorer.lesson.anatomy import anatomy
from explorer.lesson.builder import Block, NetworkSpec, build
from explorer.lesson.notation import read_blocks
from explorer.lesson.tasks import TASKS
from explorer.lesson.trainer import Plan, Trainer
from explorer.lesson.twins import Twins, verdict
from pages.jobs import Job, Queue
from pages.lesson.networks.controls import START
from pages.lesson.networks.record import Record, as_data
from pages.lesson.networks.training import PLAIN
from pages.widgets import stepper
from tests.pages.chapters import chapter_named
from tests.pages.test_pages import png, text

opened = chapter_named("networks")


def chapter(given: bytes | None = None, **query: str) -> AppTest:
    """The page as a link opens it, without a fault."""
    return sound(opened(given, **query))


def sound(test: AppTest) -> AppTest:
    assert not test.exception
    return test


def given(test: AppTest, name: str) -> list[dict]:
    """What the page gives the components of a name, in the page's order."""
    parts = [each.proto for each in test.get("bidi_component") if each.proto.component_name.endswith(name)]
    return [json.loads(part.json) for part in parts]


def diagram(test: AppTest) -> dict:
    (data,) = given(test, "explorer_network")
    return data


def drawn(test: AppTest) -> list[tuple]:
    return [(part["name"], tuple(part["shape"]), part["parameters"]) for part in diagram(test)["parts"]]


def spec_of(net: str, side: int = 64, classes: int = 10) -> NetworkSpec:
    return NetworkSpec((3, side, side), read_blocks(net), classes)


def test_the_first_visit_draws_a_network_with_its_numbers_and_its_program() -> None:
    test = chapter()
    assert not test.error
    spec = NetworkSpec((3, 64, 64), START, 10)
    network = build(spec)
    weights = sum(each.numel() for each in network.parameters())
    assert drawn(test) == [(part.name, part.shape, part.parameters) for part in anatomy(spec)]
    assert sum(parameters for _, _, parameters in drawn(test)) == weights
    macs = 8 * 64 * 64 * 27 + 16 * 32 * 32 * 72 + 10 * 4096
    share = 100 * 40970 / weights
    assert diagram(test)["totals"] == (
        f"{weights:,} weights, {share:.0f} % of them in the dense layer · "
        f"{macs:,} multiplications for one picture"
    )
    assert f"**{weights} parameters**" in text(test)
    assert [heading.value for heading in test.header] == [
        "Build a network",
        "ReLU and pooling, step by step",
        "From edges to objects: the real network",
        "Train one, here",
    ]


@pytest.mark.parametrize(
    ("net", "side", "classes"),
    [
        ("8.3.1.same.max2_16.3.1.same.max2", 64, 10),
        ("5.4.3.2.none_7.3.1.same.average3", 48, 3),
        ("3.11.2.0.max4", 96, 1000),
        ("_".join(["4.3.1.same.max2"] * 6), 64, 2),
    ],
)
def test_the_code_runs_and_has_as_many_parameters_as_the_diagram(net: str, side: int, classes: int) -> None:
    test = chapter(net=net, side=str(side), classes=str(classes))
    assert not test.error
    (code,) = [each["source"] for each in given(test, "code")]
    names: dict = {"__name__": "copied"}
    exec(code, names)
    copied = names["network"]
    counted = sum(each.numel() for each in copied.parameters())
    assert counted == sum(part["parameters"] for part in diagram(test)["parts"])
    assert f"**{counted} parameters**" in text(test)
    assert copied(torch.rand(1, 3, side, side)).shape == (1, classes)
    shapes = [tuple(part["shape"]) for part in diagram(test)["parts"][1:]]
    x = torch.rand(1, 3, side, side)
    for layer, shape in zip(copied, shapes, strict=True):
        x = layer(x)
        assert tuple(x.shape[1:]) == shape


def test_controls_change_the_network_and_the_link() -> None:
    test = chapter()
    sound(test.segmented_control(key="net_count").set_value(3).run())
    assert test.query_params["net"] == "8.3.1.same.max2_16.3.1.same.max2_32.3.1.same.max2"
    sound(test.selectbox(key="net_kernel_3").set_value(5).run())
    sound(test.selectbox(key="net_padding_3").set_value("0").run())
    sound(test.selectbox(key="net_pool_1").set_value("average4").run())
    sound(test.number_input(key="net_channels_2").set_value(7).run())
    sound(test.selectbox(key="net_stride_2").set_value(2).run())
    sound(test.number_input(key="net_classes").set_value(4).run())
    sound(test.selectbox(key="net_side").set_value(96).run())
    assert test.query_params["net"] == "8.3.1.same.average4_7.3.2.same.max2_32.5.1.0.max2"
    spec = spec_of("8.3.1.same.average4_7.3.2.same.max2_32.5.1.0.max2", 96, 4)
    assert not test.error
    assert drawn(test) == [(part.name, part.shape, part.parameters) for part in anatomy(spec)]
    sound(test.segmented_control(key="net_count").set_value(1).run())
    assert test.query_params["net"] == "8.3.1.same.average4"


def test_an_impossible_network_says_why_and_the_last_possible_one_stays() -> None:
    test = chapter(net="8.3.1.same.max4_16.3.1.same.max4")
    before = drawn(test)
    sound(test.selectbox(key="net_kernel_2").set_value(4).run())
    (error,) = test.error
    assert re.sub(r"\\(.)", r"\1", error.value).startswith("Not possible. Block 2: an even kernel (4) cannot")
    assert drawn(test) == before
    assert diagram(test)["note"] == "The last network that was possible:"
    assert test.selectbox(key="net_kernel_2").value == 4
    sound(test.selectbox(key="net_padding_2").set_value("0").run())
    assert not test.error
    assert diagram(test)["note"] == ""
    sound(test.selectbox(key="net_stride_1").set_value(11).run())
    assert "Block 2: a kernel of 4×4 does not fit into a map of 1×1 with padding 0" in plain(test)


def plain(test: AppTest) -> str:
    return re.sub(r"\\(.)", r"\1", "\n".join(error.value for error in test.error))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"net": "8.3.1.same.none_9.3.1.same.none", "side": "128", "classes": "999"}, "weights, 147,3"),
        ({"net": "128.11.1.same.none_128.11.1.same.max4", "side": "128"}, "multiplications for a picture"),
        ({"net": "_".join(["4.3.1.same.max2"] * 6), "side": "32"}, "Block 6: a pooling window of 2"),
        ({"net": "8.2.1.0.max2", "first": "edges"}, "edge kernels need 3×3 taps, and its kernel is 2×2"),
    ],
)
def test_a_link_to_an_impossible_network_says_why(query: dict[str, str], reason: str) -> None:
    test = chapter(**query)
    assert reason in plain(test)
    assert diagram(test)["note"]
    assert drawn(test)


@pytest.mark.parametrize(
    "query",
    [
        {"net": "<b>bold</b>"},
        {"net": "8.3.1.same.max2_" * 500},
        {"net": "999.3.1.same.max2"},
        {"net": "8.3.1.same.max99"},
        {"net": "**x** [link](http://example.com)"},
    ],
)
def test_a_link_with_no_network_is_told_and_begins_anew(query: dict[str, str]) -> None:
    test = chapter(**query)
    (error,) = test.error
    assert error.value.startswith("The link holds no network: ")
    assert len(error.value) < 400
    assert "](http" not in error.value
    assert len(drawn(test)) == 1 + 3 * len(START) + 2


def test_a_link_with_nonsense_in_every_choice_shows_the_defaults() -> None:
    usual = chapter()
    names = ("side", "classes", "first", "draw", "part", "task", "steps", "training_seed", "plain", "pool")
    names += ("pool_window", "pool_stride", "pool_input", "relu_input")
    for value in ("<script>", "-1", "9" * 4000, "٣", "1e9", ""):
        test = chapter(**dict.fromkeys(names, value))
        assert not test.error
        assert drawn(test) == drawn(usual)
        assert diagram(test)["selected"] == "conv1"
        assert given(test, "stepper") == given(usual, "stepper")


def test_the_maps_are_those_of_the_network() -> None:
    net = "6.5.1.same.max2_4.3.1.same.none"
    test = chapter(net=net, side="32", draw="7", classes="3", picture="coffee")
    picture = explorer.decode(explorer.sample_bytes("coffee"))
    x = models.Preprocessing(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic")(picture)
    outputs = explorer.capture(build(spec_of(net, 32, 3), seed=7), x)
    parts = {part["name"]: part for part in diagram(test)["parts"]}
    assert parts["dense"]["scores"]["values"] == outputs["dense"][0].tolist()
    assert parts["flatten"]["scores"]["values"] == outputs["flatten"][0, :20].tolist()
    for name in ("conv1", "relu1", "pool1", "conv2", "relu2"):
        most = outputs[name].abs().max().item()
        assert float(parts[name]["legend"]["ticks"][-1]) == pytest.approx(most, rel=0.01)
        assert parts[name]["legend"]["ticks"][0].startswith("−") == name.startswith("conv")
    assert parts["conv1"]["kernels"]["caption"].startswith("Its 6 kernels in red")
    assert parts["conv2"]["kernels"] is None


def test_edge_kernels_and_seeds_change_what_is_seen() -> None:
    faces = set()
    for query in ({}, {"draw": "1"}, {"first": "edges"}):
        faces.add(diagram(chapter(**query))["parts"][1]["sheet"]["url"])
    assert len(faces) == 3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (33, 47)])
def test_pictures_of_odd_shapes_run_through(height: int, width: int) -> None:
    test = chapter(png(height, width))
    assert not test.error
    assert all(part["sheet"] or part["scores"] for part in diagram(test)["parts"])


def test_a_constant_picture_runs_through() -> None:
    file = io.BytesIO()
    Image.new("L", (90, 60), 128).save(file, "PNG")
    test = chapter(file.getvalue(), first="edges")
    assert not test.error
    assert diagram(test)["parts"][1]["sheet"]


def test_relu_and_pooling_begin_with_numbers_on_paper() -> None:
    test = chapter()
    relu, pool = given(test, "stepper")
    assert (relu["mode"], pool["mode"]) == ("relu", "max")
    numbers = [[int(value) for value in row] for row in relu["setting"]["input"]]
    negative = sum(value < 0 for row in numbers for value in row)
    assert f"{negative} of these 16 numbers are negative and become 0." in text(test)
    assert pool["setting"]["input"] == [[str(max(0, value)) for value in row] for row in numbers]
    assert "16 numbers become 4, 25\u00a0%: the strongest answer survives" in text(test)
    test = chapter(pool="average", pool_input="1 2 3; 4 5 6; 7 8 9", pool_window="2", pool_stride="1")
    assert given(test, "stepper")[1]["mode"] == "average"
    assert "9 numbers become 4, 44.4\u00a0%: each window hands on its mean" in text(test)


def test_two_convolutions_without_a_bend_are_one() -> None:
    """What the page says beside ReLU."""
    x, first, second = torch.rand(1, 1, 9, 11), torch.rand(1, 1, 3, 3), torch.rand(1, 1, 2, 4)
    twice = torch.conv2d(torch.conv2d(x, first), second)
    one = torch.conv_transpose2d(second, first)
    torch.testing.assert_close(twice, torch.conv2d(x, one))


def test_numbers_that_settle_stand_in_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lesson.networks import pieces

    chosen: dict = {}
    monkeypatch.setattr(pieces.state, "choose", lambda **choices: chosen.update(choices))
    setting = stepper.Setting((("1", "-2", "1/4"),) * 3, window=(3, 3), stride=(1, 1))
    monkeypatch.setattr(pieces, "sent_setting", lambda key: setting)
    pieces.take_relu()
    pieces.take_pool()
    assert chosen == {
        "relu_input": "1 -2 1/4; 1 -2 1/4; 1 -2 1/4",
        "pool_input": "1 -2 1/4; 1 -2 1/4; 1 -2 1/4",
        "pool_window": 3,
        "pool_stride": 1,
    }
    monkeypatch.setattr(pieces, "sent_setting", lambda key: stepper.Setting(pieces.SIGNED))
    pieces.take_relu()
    assert chosen["relu_input"] is None


def test_the_bridge_links_to_the_stages_of_the_loaded_model() -> None:
    test = chapter(picture="coffee")
    loaded = models.load()
    table = explorer.layer_table(loaded.module, torch.zeros(1, 3, *loaded.spec.input_size))
    names = [stage.representative.name for stage in stages(table)]
    links = test.session_state["links"]
    assert [page for page, _ in links] == ["layer.py", "hierarchy.py"] * 3
    assert [each["query_params"]["layer"] for _, each in links] == [name for name in names for _ in "ab"]
    assert all(each["query_params"]["picture"] == "coffee" for _, each in links)
    for (_, each), name in zip(links[::2], names, strict=True):
        count = table[name].output_shape[1]
        assert each["label"] == f"All {count} maps of this layer"
        assert 0 <= int(each["query_params"]["channel"]) < count
    headings = [heading.value for heading in test.subheader]
    assert {"Early: edges and colours", "Middle: textures and patterns", "Deep: parts of objects"} <= set(
        headings
    )
    assert "What is interpretation" in text(test)


def finished(test: AppTest, seconds: float = 120) -> AppTest:
    """Run the page as its timer does until no training is under way."""
    until = time.monotonic() + seconds
    while any(each.label == "Cancel" for each in test.button):
        assert time.monotonic() < until
        time.sleep(0.3)
        sound(test.run())
    return test


def test_training_ends_with_the_numbers_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lesson.networks import training

    monkeypatch.setattr(training, "REPORTS", {80: 20, 200: 10, 400: 20})
    test = chapter(steps="80", task="bars", training_seed="2")
    assert given(test, "training") == []
    sound(test.button(key="net_train").click().run())
    finished(test)
    plan = Plan("bars", seed=2, steps=80, every=20)
    pairs = list(Twins(plan).run())
    (data,) = given(test, "training")
    assert data["steps"] == [0, 20, 40, 60, 80]
    lines = {line["name"]: line["values"] for line in data["charts"][0]["lines"]}
    assert lines["trained"] == [pair.trained.accuracy for pair in pairs]
    assert lines["random twin"] == [pair.twin.accuracy for pair in pairs]
    assert data["charts"][0]["level"] == {"value": 0.25, "name": "guessing 25 %"}
    assert verdict(plan, pairs[-1], 4) in text(test)
    assert test.button(key="net_train").label == "Train again"
    other = sound(test.segmented_control(key="net_task").set_value("shapes").run())
    assert given(other, "training") == []
    assert test.button(key="net_train").label == "Train"
    back = sound(test.segmented_control(key="net_task").set_value("bars").run())
    assert len(given(back, "training")) == 1  # kept


def test_a_training_can_be_cancelled_and_what_was_learnt_stays() -> None:
    test = chapter(steps="400")
    sound(test.button(key="net_train").click().run())
    until = time.monotonic() + 120
    while not given(test, "training"):
        assert time.monotonic() < until
        time.sleep(0.2)
        sound(test.run())
    sound(test.button(key="net_cancel").click().run())
    finished(test)
    told = re.search(r"Cancelled after (\d+) of 400 steps\.", text(test))
    assert told
    (data,) = given(test, "training")
    assert data["steps"][-1] == int(told[1]) < 400
    assert test.button(key="net_train").label == "Train"


def test_filters_are_drawn_as_they_are() -> None:
    record = Record(Plan("bars", steps=4, batch=8, every=2))
    record.pairs += Twins(record.plan).run()
    data = as_data(record)
    import base64

    entries = torch.frombuffer(bytearray(base64.b64decode(data["groups"][0]["entries"])), dtype=torch.uint8)
    entries = entries.reshape(data["groups"][0]["shape"]).double()
    for drawn_now, pair in zip(entries, record.pairs, strict=True):
        filters = pair.trained.filters[:, 0].double()
        largest = filters.abs().amax((1, 2), keepdim=True)
        assert ((drawn_now - 126) / 126 - filters / largest).abs().max() < 0.01
    assert data["groups"][1]["shape"] == [1, 8, 7, 7]


def test_without_our_two_choices_it_learns_all_the_same_with_noisier_filters() -> None:
    """What the page says about the weight decay and the quiet beginning."""
    plans = [Plan(steps=140, every=140, **choices) for choices in ({}, PLAIN)]
    ours, without = (list(Trainer(plan).run())[-1] for plan in plans)
    assert ours.accuracy > 0.9
    assert without.accuracy > 0.85
    fits = [sum(edge.fit for edge in each.edges) / 8 for each in (ours, without)]
    assert fits[0] > fits[1] + 0.15
    assert ours.edge_detectors > without.edge_detectors


def test_the_page_says_which_choices_it_made() -> None:
    said = text(chapter())
    usual = Plan()
    assert f"the first layer begins at {usual.quiet:g} of its usual size" in said
    assert f"a weight decay of {usual.decay:g} takes away" in said
    assert "Of 500 filters of pure noise, 0 pass." in said
    assert PLAIN == {"decay": 0.01, "quiet": 1.0}


def test_examples_of_every_class_are_shown() -> None:
    for name, task in TASKS.items():
        test = chapter(task=name)
        shown = [picture.alt for each in test.get("image") for picture in each.proto.imgs]
        images = [alt for alt in shown if "noisy pictures" in alt]
        assert images == [f"3 noisy pictures: {each}" for each in task.classes]


def test_blocks_double_their_channels_up_to_what_is_possible() -> None:
    from pages.lesson.networks import controls

    taken: list = []
    controls_take, controls.take = controls.take, taken.append
    try:
        controls.resize((Block(100, 5, stride=2),), 3)
    finally:
        controls.take = controls_take
    assert taken[0] == (Block(100, 5, stride=2), Block(128, 5), Block(128, 5))


def test_trainings_run_side_by_side() -> None:
    queue, gate = Queue("test", at_once=2), threading.Barrier(2, timeout=30)
    jobs = [Job(lambda tell, stop: gate.wait() >= 0) for _ in range(2)]
    assert all(queue.start(job) for job in jobs)
    until = time.monotonic() + 30
    while not all(job.done for job in jobs):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert [job.result for job in jobs] == [True, True]
