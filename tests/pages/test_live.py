"""Pictures made live on the page "What it looks for": form, progress, results, files, what can't be made."""

import dataclasses
import json
import re
import subprocess
import sys
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from torch import nn

import explorer
import models
from explorer.apart import UnsendableError, packed, unpacked
from explorer.rendering import number as rendered
from explorer.visualization import Channel, Recipe, VisualizationError
from explorer.visualization.beside import look, values_of
from explorer.visualization.runs import Run, make, read_run, snapshots
from explorer.visualization.store import from_png
from models.own import OwnModel, load_own
from pages import cache, galleries, jobs
from pages.looks import making, sending, settings, taking
from pages.looks.chosen import Chosen
from pages.looks.made import MOST, Made, Mine, picture
from pages.looks.making import Forming
from pages.looks.order import MOST_PIXELS, Order
from tests.terminal import ROOT
from tests.visualization.nets import small_net

PAGE = Path(__file__).parents[2] / "pages" / "looks" / "page.py"
ALONE = f"""
import runpy
from pages import state
state.sync("looks")
runpy.run_path({str(PAGE)!r})
"""
SMALL = OwnModel(
    "tests.visualization.nets:small_net",
    preprocessing=models.Preprocessing(resize=32, crop=32, mean=(0.5,) * 3, std=(0.5,) * 3),
    folder=ROOT,
)
LAYER = "3"


@pytest.fixture(autouse=True, scope="module")
def empty_store():
    """No model of the same name from another test, and none for the next."""
    store, cache.MODELS = cache.MODELS, models.ModelStore()
    yield
    cache.MODELS = store


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """The app started on a tiny network, no gallery, and no processes, which would take seconds to begin."""
    monkeypatch.setenv(models.STARTED_ON, SMALL.to_json())
    monkeypatch.setattr(galleries, "FOLDER", tmp_path)
    monkeypatch.setattr(making, "run_apart", quick)
    monkeypatch.setattr(making, "EVERY", 0.0)


def quick(_work, network, _of_library, run, every):
    try:
        yield from snapshots(unpacked(network), run, every)
    except VisualizationError as error:
        yield str(error)


def opened(**query):
    test = AppTest.from_string(ALONE, default_timeout=60)
    test.query_params.update({"layer": LAYER, "channel": "2", **query})
    return sound(test.run())


def sound(test):
    assert not test.exception
    return test


def told(test):
    parts = [*test.markdown, *test.warning, *test.error]
    return re.sub(r"\\(.)", r"\1", "\n".join(part.value for part in parts))


def own(test) -> Mine:
    return test.session_state["kept_looks_made"]


def number(test, name):
    return test.number_input(key=f"looks_set_{name}")


def press(test, key="looks_make"):
    return sound(test.button(key=key).click().run())


def finished(test):
    """Run the page until nothing is under way."""
    until = time.monotonic() + 30
    while own(test).forming is not None:
        assert time.monotonic() < until
        time.sleep(0.02)
        sound(test.run())
    return test


def made(test):
    """Ask for few steps, press, and wait."""
    number(test, "steps").set_value(4).run()
    return finished(press(test))


def shown(test):
    """What the component of pictures was given."""
    (part,) = [
        json.loads(each.proto.json)
        for each in test.get("bidi_component")
        if each.proto.component_name.endswith("forming")
    ]
    return part


def loaded():
    return load_own(SMALL)


def samples():
    prepare = loaded().preprocess
    return {name: prepare(explorer.decode(explorer.sample_bytes(name))) for name in explorer.SAMPLES}


# ---- Making ----


def test_a_channel_is_made_as_the_library_makes_it() -> None:
    test = opened()
    assert "Nobody has made its picture yet" in told(test)
    made(test)
    (result,) = own(test).made
    run = result.order.run
    assert run.objectives == (Channel(LAYER, 2),)
    assert (run.recipe.steps, run.seeds, run.threads, run.stopped) == (4, (0,), 1, None)
    assert (run.model, run.weights) == ("own", loaded().digest)
    expected = make(small_net(), run).made[0][0]
    assert np.array_equal(result.snapshot.made[0][0].picture, expected.picture)
    data = shown(test)
    assert [figure["note"] for figure in data["figures"]] == [f"mean over the map {rendered(expected.value)}"]
    assert data["chart"]["lines"][0]["values"] == pytest.approx(expected.curve.tolist())
    assert data["chart"]["total"] == 4


def test_the_curve_has_the_strongest_natural_picture_as_a_line() -> None:
    test = made(opened())
    reached = values_of(Channel(LAYER, 2), look(small_net(), [LAYER], samples())).max()
    assert own(test).made[0].order.level == pytest.approx(float(reached))
    value, words = shown(test)["chart"]["level"]
    assert value == pytest.approx(float(reached))
    assert words.startswith("strongest natural picture")


def test_variants_in_both_directions_stand_side_by_side() -> None:
    test = made(opened(variants="3", sign="both"))
    result = own(test).made[0]
    assert result.order.run.objectives == (Channel(LAYER, 2), -Channel(LAYER, 2))
    assert result.order.run.seeds == (0, 1, 2)
    figures = shown(test)["figures"]
    assert [figure["title"] for figure in figures] == [
        f"{sign}, seed {seed}" for sign in ("Highest", "Lowest") for seed in range(3)
    ]
    lowest = result.snapshot.made[1][0]
    assert figures[3]["note"] == f"mean over the map {rendered(-lowest.value)}"
    assert {line["kind"] for line in shown(test)["chart"]["lines"]} == {"up", "down"}


@pytest.mark.parametrize(
    ("query", "title", "objective"),
    [
        ({"raised": "unit"}, "Channel 2 of 3 at the middle", "channel 2 of 3 at the middle"),
        (
            {"raised": "unit", "row": "4", "column": "1"},
            "Channel 2 of 3 at row 4, column 1",
            "channel 2 of 3 at row 4, column 1",
        ),
        ({"raised": "dream"}, "Everything in 3", "everything in 3"),
        ({"class": "6"}, "Class 6", "class 6"),
        ({"raised": "formula", "formula": "3:1 - 0.5*class:2"}, "3:1 - 0.5*class:2", "− 0.5 × class 2"),
        ({"sign": "lowest"}, "Channel 2 of 3", "−channel 2 of 3"),
    ],
    ids=["middle", "unit", "dream", "class", "formula", "lowest"],
)
def test_everything_that_can_be_raised(query, title, objective) -> None:
    test = made(opened(**query))
    (result,) = own(test).made
    assert result.order.title == title
    assert objective in result.order.run.objectives[0].describe()


def test_a_dream_starts_from_what_the_network_sees_of_the_picture() -> None:
    test = opened(raised="dream", picture="coffee")
    assert test.toggle(key="looks_from").value
    made(test)
    start = own(test).made[0].order.run.start
    rgb = explorer.decode(explorer.sample_bytes("coffee")).rgb
    top, left, bottom, right = map(round, loaded().preprocess.visible_box(*rgb.shape[:2]))
    seen = Image.fromarray(rgb[top:bottom, left:right]).resize(start.shape[1::-1], Image.Resampling.BICUBIC)
    assert np.abs(start.astype(int) - np.asarray(seen).astype(int)).max() <= 1


def test_a_combination_needs_no_channel() -> None:
    test = AppTest.from_string(ALONE, default_timeout=60)
    test = sound(test.run())
    assert test.button(key="looks_make").disabled
    test.text_input(key="looks_formula").set_value("3:1 + 3:4").run()
    assert [figure["note"][:7] for figure in shown(made(test))["figures"]] == ["reaches"]
    assert own(test).made[0].order.at is None


def test_a_link_makes_it_at_once_and_only_once() -> None:
    test = opened(make="1")
    finished(test)
    assert len(own(test).made) == 1
    assert "make" not in test.query_params
    sound(test.run())
    assert (own(test).forming, len(own(test).made)) == (None, 1)


# ---- Settings ----


def test_the_settings_change_the_recipe_and_go_back() -> None:
    test = opened()
    usual = {name: number(test, name).value for name in ("steps", "jitter", "turn")}
    for name, value in {"side": 40, "jitter": 3, "low": 0.5, "high": 2.0, "turn": 0.0, "pad": 2}.items():
        number(test, name).set_value(value)
    number(test, "first_seed").set_value(7)
    test.segmented_control(key="looks_set_parametrization").set_value("pixels")
    sound(test.run())
    made(test)
    run = own(test).made[0].order.run
    assert (run.recipe.size, run.seeds) == ((40, 40), (7,))
    assert [step.to_json()["kind"] for step in run.recipe.transformations] == ["pad", "jitter", "scale"]
    assert run.recipe.parametrization.kind == "pixels"
    press(test, "looks_defaults")
    assert {name: number(test, name).value for name in usual} == usual


def test_diversity_keeps_variants_apart() -> None:
    test = opened(variants="2")
    number(test, "diversity").set_value(0.5).run()
    made(test)
    assert "diversity in 3" in own(test).made[0].order.run.objectives[0].describe()


def test_unchanged_settings_leave_the_recipe_as_it_is() -> None:
    recipe = Recipe((40, 56), 7, margin=3)
    assert settings.changed(recipe, {}) is recipe
    assert settings.changed(recipe, settings.values(recipe)) is recipe
    assert settings.changed(recipe, {"steps": 9}) == dataclasses.replace(recipe, steps=9)
    maco = settings.changed(recipe, {"parametrization": "maco"})
    assert (maco.parametrization.kind, maco.learning_rate) == ("maco", maco.parametrization.step)


ABSURD = {
    ("steps", 0): "a picture takes 1 to 4096 steps, not 0",
    ("steps", 10**9): "1 to 4096 steps, not 1000000000",
    ("side", 1): "sides of 8 to 1024 pixels, not 1 × 1",
    ("side", 1000): "take more memory than one visitor may use here: up to 7",
    ("rate", -1.0): "learning rate is above 0",
    ("jitter", 10**6): "jitter is 0 to 512 pixels",
    ("low", 5.0): "the lower first",
    ("turn", 720.0): "0 to 180 degrees",
    ("pad", -3): "padding is 0 to 512 pixels",
    ("margin", -1): "a margin has 0 to 1024 pixels",
}


def test_absurd_settings_are_told_in_a_sentence() -> None:
    test = opened()
    assert MOST_PIXELS < 1000**2
    for (name, value), says in ABSURD.items():
        usual = number(test, name).value
        number(test, name).set_value(value).run()
        sound(test)
        (alert,) = test.error
        assert says in re.sub(r"\\(.)", r"\1", alert.value)
        assert alert.value.startswith("This can't be made: ")
        assert test.button(key="looks_make").disabled
        number(test, name).set_value(usual)


MEANINGLESS = {
    "nowhere:3": "no layer 'nowhere'",
    "class:goldfsh": "no class 'goldfsh'",
    "3": "means nothing here",
    "3:1 - 3:1": "the terms cancel each other",
    "1e999*3:1": "'1e999' is no number",
    "**[x](http://example.org)** <b>": "means nothing here",
}


def test_formulas_that_mean_nothing_are_told() -> None:
    test = opened(raised="formula")
    for formula, says in MEANINGLESS.items():
        test.text_input(key="looks_formula").set_value(formula).run()
        sound(test)
        assert says in told(test)
        assert test.button(key="looks_make").disabled


KNOWN_TO_THE_NETWORK = {
    "3:99": "channels 0 to 4, not 99",
    "class:99": "classes 0 to 6, not 99",
    "3:1@99,0": "no position (99, 0)",
    "3:1 + diversity:3": "at least 2 seeds",
}


def test_what_only_the_network_knows_is_told_when_it_is_made() -> None:
    test = opened(raised="formula")
    for formula, says in KNOWN_TO_THE_NETWORK.items():
        test.text_input(key="looks_formula").set_value(formula).run()
        made(test)
        assert "It can't be made: " in told(test)
        assert says in told(test)
    assert not own(test).made


@pytest.mark.parametrize(
    "query", [{"channel": "99"}, {"layer": "nowhere"}, {"class": "7777"}, {"class": "x"}]
)
def test_links_to_what_does_not_exist_are_told(query) -> None:
    test = opened(**query)
    assert len(test.warning) == 1
    assert not own(test).made


def test_weights_that_are_not_numbers_are_told(monkeypatch) -> None:
    broken = loaded()
    nn.init.constant_(broken.module[0].weight, float("nan"))
    broken = dataclasses.replace(broken, digest="nan")
    monkeypatch.setattr(cache, "loaded", lambda *_: broken)
    test = opened()
    assert "what layer '3' puts out is not finite" in told(test)
    made(test)
    assert "It can't be made" in told(test)
    assert "the weights are damaged" in told(test)


# ---- Stopping, waiting, leaving ----


@pytest.fixture
def slow(monkeypatch):
    """Runs that wait at each step until they are let go."""
    step = threading.Semaphore(0)

    def stepwise(_work, network, _of_library, run, every):
        for snapshot in snapshots(unpacked(network), run, every):
            yield snapshot
            step.acquire(timeout=20)

    monkeypatch.setattr(making, "run_apart", stepwise)
    yield step
    for _ in range(500):
        step.release()


def until(test, what):
    limit = time.monotonic() + 20
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.01)
    return sound(test.run())


def test_one_watches_and_stops_and_keeps_what_there_is(slow) -> None:
    test = press(opened())
    for _ in range(5):
        slow.release()
    until(test, lambda: own(test).forming.snapshot is not None and own(test).forming.snapshot.step == 5)
    steps = own(test).forming.order.run.recipe.steps
    bar = test.get("progress")[0].proto
    assert f"Channel 2 of 3: step 5 of {steps}, about" in re.sub(r"\\(.)", r"\1", bar.text)
    assert len(shown(test)["chart"]["lines"][0]["values"]) == 5
    press(test, "looks_stop")
    (result,) = own(test).made
    assert (result.snapshot.step, result.order.run.stopped) == (5, 5)
    assert f"Stopped after 5 of {steps} steps" in told(test)
    again = make(small_net(), result.order.run)
    assert np.array_equal(again.made[0][0].picture, result.snapshot.made[0][0].picture)


def test_another_channel_shows_its_own_picture_meanwhile(slow) -> None:
    test = press(opened())
    slow.release()
    until(test, lambda: own(test).forming.snapshot is not None and own(test).forming.snapshot.step)
    assert shown(test)["label"] == "Made: Channel 2 of 3"
    test.query_params["channel"] = "4"
    sound(test.run())
    assert "Nobody has made its picture yet" in told(test)
    assert "Channel 2 of 3: step" in re.sub(r"\\(.)", r"\1", test.get("progress")[0].proto.text)
    press(test, "looks_stop")
    test.query_params["channel"] = "2"
    sound(test.run())
    assert "Stopped after" in told(test)


def test_stopped_before_the_first_step_nothing_is_kept(slow) -> None:
    test = press(opened())
    until(test, lambda: own(test).forming.snapshot is not None)
    press(test, "looks_stop")
    assert own(test).made == []
    assert "there is nothing to keep" in told(test)


def test_more_visitors_than_processors_wait_in_line(slow, monkeypatch) -> None:
    queue = jobs.Queue("test", at_once=1)
    monkeypatch.setattr(making, "VISUALIZING", queue)
    monkeypatch.setattr("pages.looks.live.VISUALIZING", queue)
    first, second, third = (press(opened()) for _ in range(3))
    until(first, lambda: own(first).forming.job.running)
    for test, place in ((second, 1), (third, 2)):
        sound(test.run())
        assert f"number {place} in line" in test.get("progress")[0].proto.text
    press(second, "looks_stop")
    sound(third.run())
    assert "number 1 in line" in third.get("progress")[0].proto.text
    for test in (third, first):
        press(test, "looks_stop")


def test_the_run_of_a_visitor_who_left_ends(slow, monkeypatch) -> None:
    test = press(opened())
    job = own(test).forming.job
    monkeypatch.setattr(jobs, "FORGOTTEN", 0.0)
    slow.release()
    limit = time.monotonic() + 20
    while not job.done:
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_too_many_are_asked_to_come_back(monkeypatch) -> None:
    monkeypatch.setattr(jobs.Queue, "start", lambda *_: False)
    assert "please try again in a minute" in told(press(opened()))


# ---- In a process of its own ----


def order(run) -> Order:
    return Order("key", "A channel", Chosen(LAYER, 2), True, (1,), run)


def run_of(**changes) -> Run:
    recipe = Recipe((24, 32), 5)
    return Run(**{"objectives": (Channel(LAYER, 2),), "recipe": recipe, "model": "small", **changes})


def ended(forming, module):
    assert forming.begin(module)
    limit = time.monotonic() + 60
    while not forming.job.done:
        assert time.monotonic() < limit
        forming.job.look()
        time.sleep(0.01)
    return forming


def test_a_process_of_its_own_makes_the_same_picture(monkeypatch) -> None:
    monkeypatch.setattr(making, "run_apart", explorer.apart.run_apart)
    forming = ended(Forming(order(run_of())), small_net())
    assert (forming.job.failed, forming.refused, forming.snapshot.step) == (False, "", 5)
    expected = make(small_net(), run_of()).made[0][0]
    assert np.array_equal(forming.snapshot.made[0][0].picture, expected.picture)


def test_what_a_process_sends(monkeypatch) -> None:
    niceness, before, sent = [], torch.get_num_threads(), []
    monkeypatch.setattr(sending.os, "nice", niceness.append)
    for objective in (Channel(LAYER, 2), Channel("nowhere", 0)):
        run = run_of(objectives=(objective,))
        sending.send_snapshots(sent.append, packed(small_net()), False, run, 0.0)
    torch.set_num_threads(before)
    assert [each.step for each in sent[:-1]] == list(range(6))
    assert "no layer 'nowhere'" in sent[-1]
    assert niceness == [sending.KIND] * 2


def test_a_network_that_cannot_travel_is_used_here(monkeypatch) -> None:
    def untravelled(*_):
        raise UnsendableError("no")
        yield

    monkeypatch.setattr(making, "run_apart", untravelled)
    forming = ended(Forming(order(run_of())), small_net())
    assert forming.snapshot.step == 5
    assert forming.order.run.threads == torch.get_num_threads()


def test_a_process_that_dies_is_told(monkeypatch) -> None:
    def dying(*_):
        raise explorer.apart.ApartError("killed")
        yield

    monkeypatch.setattr(making, "run_apart", dying)
    assert "want of memory" in ended(Forming(order(run_of())), small_net()).refused


# ---- Kept ----


def test_results_are_kept_and_found_again_and_the_oldest_go() -> None:
    test = made(opened())
    finished(press(test))
    assert [each.number for each in own(test).made] == [1, 2]
    box = test.selectbox(key="looks_result")
    assert box.value == 2
    box.set_value(1).run()
    sound(test)
    test.query_params["channel"] = "4"
    sound(test.run())
    assert "Nobody has made its picture yet" in told(test)
    press(test, "looks_back_2")
    assert test.query_params["channel"] == "2"
    assert test.selectbox(key="looks_result").value == 2
    snapshot = own(test).made[0].snapshot
    mine = Mine()
    for _ in range(MOST + 3):
        mine._keep(order(run_of()), snapshot)
    assert [each.number for each in mine.made] == list(range(4, MOST + 4))


def test_other_pages_find_the_latest_picture_of_a_channel(monkeypatch) -> None:
    snapshot = make(small_net(), run_of())
    mine = Mine()
    monkeypatch.setattr("pages.looks.made.mine", lambda: mine)
    assert picture("key", LAYER, 2) is None
    mine._keep(dataclasses.replace(order(run_of()), plain=False), snapshot)
    mine._keep(dataclasses.replace(order(run_of()), signs=(-1,)), snapshot)
    assert picture("key", LAYER, 2) is None
    mine._keep(order(run_of()), snapshot)
    assert picture("key", LAYER, 2) is snapshot.made[0][0].picture
    assert picture("another", LAYER, 2) is None


# ---- Files ----


def result(**changes) -> Made:
    run = run_of(**changes)
    return Made(1, order(run), make(small_net(), run))


def test_the_picture_and_the_recipe_hold_all_that_is_needed() -> None:
    one = result(weights="abc")
    data = taking.pictures(one)
    assert np.array_equal(from_png(data).picture, one.snapshot.made[0][0].picture)
    for file in (data, taking.recipe(one)):
        again = make(small_net(), read_run(file))
        assert np.array_equal(again.made[0][0].picture, one.snapshot.made[0][0].picture)


def test_several_pictures_come_as_one_file() -> None:
    two = result(seeds=(3, 4))
    with zipfile.ZipFile(BytesIO(taking.pictures(two))) as archive:
        assert archive.namelist() == ["a-channel-0-seed3.png", "a-channel-0-seed4.png"]
        assert from_png(archive.read("a-channel-0-seed4.png")).origin.seed == 4


@pytest.mark.parametrize(
    ("title", "stem"),
    [("Channel 2 of blocks.3.2", "channel-2-of-blocks.3.2"), ("../../etc", "etc"), ("∑", "visualization")],
)
def test_the_names_of_files_are_harmless(title, stem) -> None:
    one = result()
    assert taking.stem(dataclasses.replace(one, order=dataclasses.replace(one.order, title=title))) == stem


def test_the_script_runs_and_makes_the_same_picture_of_a_model_of_ones_own(tmp_path) -> None:
    test = made(opened())
    (one,) = own(test).made
    lines = taking.load_lines(SPEC(), taking.stem(one))
    file = tmp_path / "script.py"
    file.write_bytes(taking.python(one, lines))
    done = subprocess.run(
        [sys.executable, str(file)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": "", "PATH": ""},
    )  # fmt: skip
    written = list(ROOT.glob("channel-2-of-3-0-seed0.png"))
    for each in written:
        each.unlink()
    assert done.returncode == 0, done.stderr
    assert "the same picture, bit by bit" in done.stdout
    assert "Other weights" not in done.stdout
    assert len(written) == 1


def SPEC():  # noqa: N802 - as a constant that is read late, in the environment of the test
    return models.find("own")


def test_the_script_loads_twins_and_files_of_ones_own(monkeypatch) -> None:
    monkeypatch.setattr(taking.state, "spec", lambda name: (models.find(name), name))
    assert (
        taking.load_lines(models.find("efficientnet_lite0"), "x")
        == "model = models.load('efficientnet_lite0')"
    )
    twin = models.find("efficientnet_lite0@untrained=3")
    assert taking.load_lines(twin, "x") == "model = models.load('efficientnet_lite0@untrained=3')"
    lines = taking.load_lines(models.find("own@untrained=3"), "x")
    assert "python x.py FILE" in lines
    assert lines.endswith("model = models.untrained_twin(model, 3)")
    compile(lines, "x.py", "exec")
