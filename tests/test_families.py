"""Every family of CNNs is in the table of the docs, and looked at again."""

import random

import pytest

from models import timm_models, torchvision_models
from tests.families import TABLE, Row, computes_as_a_cnn, families, look_at, read, written

ROWS = read(TABLE.read_text(encoding="utf-8"))


def test_the_table_has_every_family():
    assert [(row.library, row.family) for row in ROWS] == list(families())
    for row in ROWS:
        assert row.network in families()[row.library, row.family]
    assert len(ROWS) > 55


def test_every_receptive_field_is_known():
    assert [row for row in ROWS if row.fields != row.layers] == []


def test_the_table_is_written_as_it_is_read():
    assert read(written(ROWS)) == ROWS
    assert written(ROWS) == TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.library}-{row.network}")
def test_every_family(row):
    assert look_at(row.library, row.family, row.network) == row


def test_a_disagreement_is_noticed(monkeypatch):
    import explorer

    table = explorer.layer_table

    def wrong(module, x):
        return table(module, x[..., :-8])

    monkeypatch.setattr(explorer, "layer_table", wrong)
    with pytest.raises(AssertionError, match=r"\(1, .*\) and \(1, "):
        look_at("torchvision", "squeezenet", "squeezenet1_1")


class TestTheRule:
    """What counts as a CNN: the lists in `models` against the operations of the networks."""

    @pytest.mark.parametrize("network", random.Random(4).sample(timm_models.architectures(), 3))
    def test_what_is_listed_computes_as_a_cnn(self, network):
        assert computes_as_a_cnn(network)

    @pytest.mark.parametrize(
        "network",
        ["bat_resnext26ts", "caformer_s18", "fastvit_sa12", "lowformer_b0", "mobilenetv4_hybrid_medium"],
    )
    def test_what_is_left_out_by_name_does_not(self, network):
        assert not timm_models.is_cnn(network)
        assert not computes_as_a_cnn(network)

    @pytest.mark.parametrize("family", random.Random(2).sample(sorted(timm_models.OTHER_FAMILIES), 4))
    def test_a_family_that_is_left_out_does_not(self, family):
        network = timm_models._timm().list_models(module=family)[0]
        assert not computes_as_a_cnn(network)

    def test_every_name_in_the_lists_exists(self):
        timm = timm_models._timm()
        assert set(timm.list_modules()) >= timm_models.OTHER_FAMILIES
        for pattern in timm_models.OTHER_MODELS:
            assert timm.list_models(pattern), pattern
        library = torchvision_models._models()
        known = {torchvision_models.family(model) for model in library.list_models(module=library)}
        assert known > torchvision_models.OTHER_FAMILIES

    def test_a_gate_for_the_whole_picture_is_no_attention(self):
        assert computes_as_a_cnn("gcresnext26ts")


def test_rows_are_read_as_written():
    row = Row("timm", "resnet", "resnet18", 11_689_512, 64, 70, 60, 69)
    assert str(row) == "| timm | resnet | resnet18 | 11,689,512 | 64 × 64 | 70 | 60 | 69 of 70 |"
    assert read(written([row])) == [row]
