"""The Laboratory page without a browser: cases, parameters, verdict, measurements in the background."""

import itertools
import threading
import time

import pytest
import torch
import torch.nn.functional as F
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.convolution import ALGORITHMS
from explorer.kernels import KERNELS
from explorer.laboratory.speed import Measurement
from explorer.rendering import number as written
from pages.jobs import MOST_WAITING, Job, Queue
from pages.lab.results import Results
from tests.pages.test_pages import PAGES, opened, png, text, upload

# The page without the frame, whose home page would read the whole picture first.
ALONE = f"""
import runpy
from pages import state
state.sync("laboratory")
runpy.run_path({str(PAGES / "laboratory.py")!r})
"""


def laboratory(**query: str) -> AppTest:
    """The page as a link opens it."""
    test = AppTest.from_string(ALONE, default_timeout=60)
    test.query_params.update(query)
    return test.run()


def verdict(test: AppTest) -> str:
    (told,) = [*test.success, *test.error]
    return told.value


def shapes(test: AppTest) -> str:
    return next(part.value for part in test.markdown if "multiplications]" in part.value)


def formula(test: AppTest) -> str:
    return next(part.value for part in test.code if part.value.startswith("output ="))


def sent(test: AppTest, name: str) -> dict:
    """What the page gives a component."""
    import json

    (component,) = [each for each in test.get("bidi_component") if name in each.proto.component_name]
    return json.loads(component.proto.json)


def test_the_first_visit_shows_small_numbers_and_a_verdict() -> None:
    test = laboratory()
    assert not test.exception
    assert not test.error
    assert "agree in every bit" in verdict(test)
    assert "floor((6 + 0 + 0 - 3) / 1) + 1 = floor(3 / 1) + 1 = 4" in formula(test)
    assert "(1, 1, 6, 7) ∗ (1, 1, 3, 3) → (1, 1, 4, 5) · 180 multiplications" in shapes(test)


def test_the_numbers_on_the_page_are_pytorchs() -> None:
    test = laboratory(given="1 2 3; 4 5 6; 7 8 10", kernel="own", own="1 0; 0 -1", padding="1", stride="2, 1")
    data = sent(test, "numbers")
    x, weight = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]]), torch.tensor([[1.0, 0], [0, -1]])
    expected = F.conv2d(x[None, None], weight[None, None], stride=(2, 1), padding=1)[0, 0]
    assert data["pytorch"] == data["hand"] == expected.tolist()
    assert data["padded"] == F.pad(x, (1, 1, 1, 1)).tolist()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_can_be_chosen(algorithm: str) -> None:
    test = laboratory(algorithm=algorithm)
    assert not test.exception
    assert not test.error
    assert sent(test, "numbers")["title"] == f"By hand ({algorithm})"
    source = next(data for data in codes(test) if data["label"] == f"Source of {algorithm}")
    assert f"def {algorithm}(input: Tensor" in source["source"]


def codes(test: AppTest) -> list[dict]:
    import json

    parts = test.get("bidi_component")
    return [json.loads(each.proto.json) for each in parts if each.proto.component_name.endswith("code")]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"groups": "2"}, "groups (=2) must divide the input's 1 and the output's 1 channels"),
        ({"stride": "0"}, "stride must be at least 1, got 0"),
        ({"padding": "-1"}, "padding must be at least 0, got -1"),
        ({"dilation": "9"}, "does not fit into the padded input of 6×7"),
        ({"stride": "2", "padding": "same"}, "defined for stride 1 only"),
        ({"padding": "7", "padding_mode": "reflect"}, "reflect padding of 7 pixels needs more than the 6"),
        ({"padding": "999999"}, "padding goes up to 64 here, got 999999"),
        ({"stride": "1, 2, 3"}, "stride is a whole number or two"),
        ({"dilation": "<b>x</b>"}, "dilation is a whole number or two"),
        ({"groups": "1, 2"}, "groups is one whole number"),
        ({"bias": "much"}, "'much' is not a number"),
        ({"bias": "nan"}, "numbers lie between"),
        ({"given": "1 2; 3"}, "all rows must be equally long"),
        ({"given": "1 " * 9}, "at most 8 × 8 numbers"),
        ({"padding": "20"}, "the input has 46 × 47 numbers, and 24 × 24 can be read here"),
        ({"kernel": "own", "own": "x"}, "'x' is not a number"),
        ({"algorithm": "winograd", "stride": "2"}, "winograd does not fit: stride 2×2"),
    ],
)
def test_what_is_impossible_says_why_with_the_numbers(query: dict[str, str], reason: str) -> None:
    test = laboratory(**query)
    assert not test.exception
    assert len(test.error) == 1
    told = test.error[0].value.replace("\\", "")
    assert told.startswith("Not possible: ")
    assert reason in told
    assert test.radio(key="lab_case").value == "numbers"
    test.button(key="lab_back").click().run()
    assert not test.exception
    assert not test.error
    assert "agree in every bit" in verdict(test)


def test_a_link_with_nonsense_shows_the_defaults() -> None:
    test = laboratory(
        case="x", algorithm="y", kernel="z", padding_mode="w", flipped="9", float64="z", sigma="-"
    )
    assert not test.exception
    assert not test.error
    assert test.selectbox(key="lab_kernel").value == "sobel_x"


CHANGING = [name for name, kernel in KERNELS.items() if kernel.parameters]


@pytest.mark.parametrize("kernel", ["identity", "edge_diagonal", *CHANGING])
def test_classic_kernels_over_the_picture(kernel: str) -> None:
    test = laboratory(case="picture", kernel=kernel, algorithm="fft")
    assert not test.exception
    assert not [error for error in test.error if "Not possible" in error.value]
    assert KERNELS[kernel].does in text(test)
    assert KERNELS[kernel].source in text(test)


def test_a_kernel_follows_its_parameters() -> None:
    test = laboratory(case="picture", kernel="gaussian_sigma", sigma="2")
    assert "(1, 1, 17, 17)" in shapes(test)
    test.slider(key="lab_sigma").set_value(3.0).run()
    assert "(1, 1, 25, 25)" in shapes(test)


def test_the_picture_in_colour_under_a_kernel_of_ones_own() -> None:
    test = laboratory(case="picture", kernel="own", own="0 1/2 0; 0 1/2 0")
    test.toggle(key="lab_colours").set_value(True).run()
    assert not test.exception
    assert "(1, 3, 213, 320) ∗ (3, 1, 2, 3) → (1, 3, 213, 320)" in shapes(test)
    test.selectbox(key="lab_groups").set_value("1").run()
    assert "(1, 3, 213, 320) ∗ (1, 3, 2, 3) → (1, 1, 213, 320)" in shapes(test)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (33, 47)])
def test_pictures_of_odd_shapes(height: int, width: int) -> None:
    test = upload(opened(), "odd.png", png(height, width)).switch_page(str(PAGES / "laboratory.py")).run()
    test.radio(key="lab_case").set_value("picture").run()
    assert not test.exception
    assert not [error for error in test.error if "Not possible" in error.value]


@pytest.mark.parametrize("name", ["conv_stem", "blocks.1.0.conv_dw", "conv_head"])
def test_a_layer_with_its_own_parameters_makes_the_layers_output(name: str) -> None:
    test = laboratory(case="layer", layer=name, channel="3", algorithm="im2col")
    assert not test.exception
    model = models.load()
    x = model.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))
    output = explorer.capture(model.module, x, name)[name]
    assert f"→ {tuple(output.shape)}" in shapes(test)
    layer = model.module.get_submodule(name)
    assert test.selectbox(key="lab_stride").value == str(layer.stride[0])
    assert test.number_input(key="lab_channel").value == 3


def test_the_layers_input_is_captured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lab import layer

    calls = []
    genuine = layer.of_layer
    monkeypatch.setattr(layer, "of_layer", lambda *given: calls.append(given) or genuine(*given))
    test = laboratory(case="layer", layer="blocks.1.0.conv_dw", algorithm="shift")
    test.selectbox(key="lab_dilation").set_value("2").run()
    test.number_input(key="lab_channel").set_value(5).run()
    assert not test.exception
    assert len(calls) == 1


def test_a_layer_that_is_no_convolution_leads_to_the_one_before_it() -> None:
    test = laboratory(case="layer", layer="blocks.1.0.bn2", algorithm="shift")
    assert not test.exception
    names = [layer.name for layer in explorer.layer_table(models.load().module, torch.zeros(1, 3, 224, 224))]
    assert "blocks.1.0.bn2" in names, "the model has changed: name another layer"
    assert test.selectbox(key="lab_layer").value == "blocks.1.0.conv_dw"
    assert "is no convolution; this one is the nearest before it" in text(test)


def test_a_layer_that_cannot_be_taken_out_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.laboratory.layer_input import LayerError
    from pages.lab import layer

    def refused(*_given: object) -> None:
        raise LayerError("layer 'x' pads its input in a way of its own")

    monkeypatch.setattr(layer, "of_layer", refused)
    test = laboratory(case="layer")
    assert not test.exception
    assert "pads its input in a way of its own" in test.error[0].value.replace("\\", "")


def test_a_model_without_convolutions_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lab import layer

    monkeypatch.setattr(layer, "convolves", lambda each: False)
    test = laboratory(case="layer")
    assert not test.exception
    assert "has no convolution over maps" in test.error[0].value


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"flipped": "1"}, "gets the kernel turned by 180°"),
        ({"padding": "same_tensorflow", "stride": "2"}, "TensorFlow's SAME** pads 0 above, 1 below"),
        ({"padding_mode": "circular", "padding": "1"}, "it gets the picture already padded"),
    ],
)
def test_what_pytorch_does_not_offer_is_said(query: dict[str, str], words: str) -> None:
    assert words in text(laboratory(**query))
    assert words not in text(laboratory())


def test_gradients_and_both_errors_stand_in_the_table() -> None:
    test = laboratory(bias="0.5", algorithm="fft")
    table = next(part.value for part in test.markdown if part.value.startswith("| Relative error"))
    rows = {line.split("|")[1].strip(): line.split("|")[2:5] for line in table.splitlines()[2:]}
    assert set(rows) == {"Output", "Gradient, input", "Gradient, weight", "Gradient, bias"}
    assert all(0 <= float(cell.replace("−", "-")) < 1e-5 for row in rows.values() for cell in row)
    exact = laboratory(float64="1", algorithm="fft")
    assert "| the reference |" in text(exact)


def test_another_case_begins_with_its_own_parameters() -> None:
    test = laboratory(stride="2", padding="3", groups="1")
    test.radio(key="lab_case").set_value("picture").run()
    assert test.selectbox(key="lab_padding").value == "same"
    assert test.selectbox(key="lab_stride").value == "1"


def test_slow_loops_are_cut_and_said_so() -> None:
    test = laboratory(case="layer", layer="conv_stem", algorithm="loops")
    assert not test.exception
    assert "10,838,016 multiplications, one at a time" in test.info[0].value
    assert "The loops carry no gradients." in text(test)
    script = next(data for data in codes(test) if "script" in data["label"])
    assert "The middle only" in script["source"]


def test_true_convolution_turns_the_kernel() -> None:
    upright, turned = laboratory(), laboratory(flipped="1")
    assert sent(turned, "numbers")["hand"] == [[-v for v in row] for row in sent(upright, "numbers")["hand"]]


def wait(condition: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def nothing_measured() -> None:
    from pages.lab.results import RESULTS

    RESULTS.clear()


@pytest.mark.usefixtures("nothing_measured")
def test_a_measurement_runs_in_the_background_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lab import measuring

    monkeypatch.setattr(measuring, "SECONDS", 0.05)
    test = opened().switch_page(str(PAGES / "laboratory.py")).run()
    test.button(key="lab_measure").click().run()
    assert not test.exception
    job = test.session_state["kept_lab_measuring"].job
    wait(lambda: job.done, 60)
    test.run()
    assert not test.exception
    assert not job.failed
    check_speed(text(test), job.result)
    assert test.button(key="lab_measure").label == "Measure again"
    test.switch_page(str(PAGES / "layer.py")).run()
    test.switch_page(str(PAGES / "laboratory.py")).run()
    assert test.button(key="lab_measure").label == "Measure again"
    # After a reload, and for whoever opens the same case, it is still there.
    assert "quartiles" in text(laboratory())
    assert "quartiles" not in text(laboratory(bias="1"))


def check_speed(shown: str, measured: Measurement) -> None:
    below = shown[shown.index("| Way |") :].splitlines()[2:]
    lines = itertools.takewhile(lambda line: line.startswith("|"), below)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert {row[0] for row in rows} == {"**F.conv2d**", f"auto: {measured.chosen}", *ALGORITHMS}
    ratios = [number(row[3]) for row in rows]
    assert ratios == sorted(ratios)
    memory = {row[0]: number(row[6].lstrip("≈ ×")) for row in rows}
    assert memory["**F.conv2d**"] == 1
    assert memory["im2col"] == pytest.approx(measured.memory_ratio("im2col"), rel=0.01)
    assert "operations per byte" in shown
    assert "GFLOP/s" in shown
    assert f"Here a product took them {written(measured.nanoseconds(measured.timing('loops')))} ns" in shown


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.usefixtures("nothing_measured")
def test_a_measurement_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.lab import measuring

    monkeypatch.setattr(measuring, "SECONDS", 600)
    test = laboratory()
    test.button(key="lab_measure").click().run()
    job = test.session_state["kept_lab_measuring"].job
    test.button(key="lab_cancel").click().run()
    wait(lambda: job.done)
    test.run()
    assert "Cancelled; nothing was kept." in text(test)
    assert test.button(key="lab_measure").label == "Measure on this machine"


def test_the_oldest_results_are_forgotten() -> None:
    results, measured = Results(2), [object() for _ in range(3)]
    for name, each in zip("abc", measured, strict=True):
        results.put(name, each)
    assert [results.get(name) for name in "abc"] == [None, *measured[1:]]


def test_jobs_run_one_after_the_other_and_say_who_is_before() -> None:
    queue, release, order = Queue(), threading.Event(), []

    def work(name):
        def run(tell, stop):
            order.append(f"{name} begins")
            release.wait(10)
            tell(1.0)
            order.append(f"{name} ends")
            return name

        return run

    first, second, third = (Job(work(name)) for name in "abc")
    assert all(queue.start(job) for job in (first, second, third))
    wait(lambda: first.running)
    assert [queue.before(job) for job in (first, second, third)] == [0, 1, 2]
    second.cancel()
    assert queue.before(third) == 1
    release.set()
    wait(lambda: third.done)
    assert order == ["a begins", "a ends", "c begins", "c ends"]
    assert (first.result, second.result, third.result) == ("a", None, "c")


def test_a_job_that_raises_ends_and_the_next_one_runs() -> None:
    queue = Queue()
    broken, sound = Job(lambda tell, stop: 1 / 0), Job(lambda tell, stop: "well")
    assert queue.start(broken)
    assert queue.start(sound)
    wait(lambda: sound.done)
    assert broken.failed
    assert sound.result == "well"


def test_a_full_queue_refuses() -> None:
    queue, release = Queue(), threading.Event()
    jobs = [Job(lambda tell, stop: release.wait(10)) for _ in range(MOST_WAITING + 2)]
    taken = [queue.start(job) for job in jobs]
    assert taken == [True] * (MOST_WAITING + 1) + [False]
    for job in jobs:
        job.cancel()
    release.set()


def test_a_job_that_nobody_looks_at_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages import jobs

    monkeypatch.setattr(jobs, "FORGOTTEN", 0.05)
    queue = Queue()
    job = Job(lambda tell, stop: wait(stop))
    assert queue.start(job)
    wait(lambda: job.done)
    assert job.result is None


@pytest.mark.parametrize(("channels", "by_rows"), [(1, True), (3, False)])
def test_the_code_shown_is_the_code_that_runs(
    channels: int, by_rows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.convolution import conv2d, rows
    from explorer.laboratory.cases import Case
    from pages.lab.code import source_of

    case = Case(torch.ones(1, channels, 5, 6), torch.ones(2, channels, 3, 3))
    ran: list[str] = []
    original = rows._add_up

    def noted(*given: object) -> torch.Tensor:
        ran.append("rows")
        return original(*given)

    monkeypatch.setattr(rows, "_add_up", noted)
    conv2d(case.input, case.weight, algorithm="shift")
    assert bool(ran) is by_rows
    assert ("embedding_bag" in source_of("shift", case)) is by_rows
    assert "def shift(" in source_of("shift", case)
