"""Results: their records, the digest that finds them, and a store that notices damage."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from explorer.visualization import Channel, Fourier, Jitter, Logit, Recipe, VisualizationError, visualize
from explorer.visualization.optimize import origin_of
from explorer.visualization.recipe import Origin
from explorer.visualization.store import Store, from_png, to_png
from tests.visualization.nets import recipe, small_net


@pytest.fixture(scope="module")
def made():
    settings = recipe(steps=4, transformations=(Jitter(1),))
    results = visualize(small_net(), [Channel("3", 1), Logit(2)], settings, model="small", weights="abc")
    return [result for (result,) in results]


def test_a_result_records_everything_needed_to_make_it_again(made):
    record = json.loads(json.dumps(made[0].to_json()))
    origin = Origin.from_json(record)
    assert origin == made[0].origin
    assert origin.digest == record["digest"] == made[0].digest
    assert record["weights_sha256"] == "abc"
    assert record["objective"] == {"kind": "channel", "layer": "3", "channel": 1}
    assert record["versions"]["torch"] == torch.__version__
    assert record["value"] == made[0].value
    ((again,),) = visualize(small_net(), [origin.objective], origin.recipe, seeds=origin.seeds)
    assert np.array_equal(again.picture, made[0].picture)


def test_the_digest_follows_everything(made):
    origin = made[0].origin
    others = [
        dataclasses.replace(origin, seed=1),
        dataclasses.replace(origin, weights="abd"),
        dataclasses.replace(origin, objective=Channel("3", 2)),
        dataclasses.replace(origin, objective=-Channel("3", 1)),
        dataclasses.replace(origin, start="0" * 64),
        dataclasses.replace(origin, versions=(("torch", "1.0"),)),
        *(
            dataclasses.replace(origin, recipe=dataclasses.replace(origin.recipe, **change))
            for change in (
                {"steps": 5},
                {"size": (24, 31)},
                {"learning_rate": 0.2},
                {"margin": 1},
                {"mean": (0.4, 0.5, 0.5)},
                {"parametrization": Fourier(0.05, 1.1)},
                {"transformations": (Jitter(2),)},
            )
        ),
    ]
    digests = {origin.digest, *(other.digest for other in others)}
    assert len(digests) == len(others) + 1


def test_kept_and_found_again(tmp_path, made):
    store = Store(tmp_path / "new")
    assert store.get(made[0].origin) is None
    for result in made:
        store.put(result)
    assert len(store) == 2
    found = store.get(made[1].origin)
    assert np.array_equal(found.picture, made[1].picture)
    assert not found.picture.flags.writeable
    assert found.value == made[1].value
    assert found.curve == pytest.approx(made[1].curve, rel=1e-3)
    assert found.origin == made[1].origin
    asked = origin_of(Logit(2), made[1].origin.recipe, 0, (0,), "small", "abc")
    assert asked in store
    assert dataclasses.replace(asked, seed=3) not in store
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_file_counts_as_missing(tmp_path, made, damage):
    store = Store(tmp_path)
    path = store.put(made[0])
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    path.write_bytes({"cut": data[:200], "empty": b"", "text": b"no picture"}.get(damage, bytes(data)))
    assert store.get(made[0].origin) is None
    store.put(made[0])
    assert store.get(made[0].origin) is not None


def test_another_picture_under_its_name_is_not_taken(tmp_path, made):
    store = Store(tmp_path)
    first, second = map(store.put, made)
    first.write_bytes(second.read_bytes())
    assert store.get(made[0].origin) is None


def test_the_oldest_go_first(tmp_path, made):
    store = Store(tmp_path, limit=1)
    store.put(made[0])
    store.put(made[1])
    assert len(store) == 1
    assert store.get(made[1].origin) is not None
    with pytest.raises(ValueError, match="at least one"):
        Store(tmp_path, limit=0)


def test_changed_pixels_are_noticed(made):
    other = made[0].picture.copy()
    other[3, 4, 1] ^= 1
    png = to_png(made[0])
    swapped = to_png(dataclasses.replace(made[1], picture=other))
    assert from_png(png).digest == made[0].digest
    assert from_png(swapped).digest == made[1].digest  # as it was stored
    with pytest.raises(VisualizationError):
        from_png(png[:-300])


@pytest.mark.parametrize(
    "wrong",
    [{}, {"size": [8]}, {**Recipe().to_json(), "steps": "many"}, {**Recipe().to_json(), "mean": [1, 2]}],
)
def test_what_is_no_recipe(wrong):
    with pytest.raises(VisualizationError):
        Recipe.from_json(wrong)
