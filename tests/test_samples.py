import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from explorer import samples
from explorer.images import decode
from explorer.samples import DEFAULT_SAMPLE, SAMPLES, SampleError, sample_bytes


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_a_picture_without_surprises(name):
    picture = decode(sample_bytes(name))
    assert min(picture.rgb.shape[:2]) >= 300
    assert picture.rgb.std() > 10
    assert not any("Transparent" in note or "first of" in note for note in picture.notes)


def test_the_gallery_describes_each_picture():
    assert 8 <= len(SAMPLES) <= 10
    assert len({sample.file for sample in SAMPLES.values()}) == len(SAMPLES)
    for name, sample in SAMPLES.items():
        assert sample.name == name
        assert name.isidentifier()
        assert 3 < len(sample.title) < 25
        assert sample.alt.endswith(".")
        assert sample.credit
        assert sample.licence
        assert all(0 <= index < 1000 for index in sample.expected)


def test_the_first_screen_shows_a_colour_photograph_with_a_class():
    assert next(iter(SAMPLES)) == DEFAULT_SAMPLE == "chelsea"
    assert SAMPLES[DEFAULT_SAMPLE].expected == (281, 282, 285)
    assert sample_bytes() == sample_bytes("chelsea")
    rgb = decode(sample_bytes()).rgb.astype(int)
    assert abs(rgb[..., 0] - rgb[..., 2]).mean() > 20  # red and blue differ: not grey


def test_the_gallery_cannot_be_changed_by_a_visitor():
    with pytest.raises(TypeError):
        SAMPLES["chelsea"] = None
    with pytest.raises(AttributeError):
        SAMPLES["chelsea"].title = "Dog"


def test_an_unknown_name_gets_the_close_ones():
    with pytest.raises(SampleError, match="'chelsee'; did you mean 'chelsea'"):
        sample_bytes("chelsee")
    with pytest.raises(SampleError, match="there are 10, for example 'chelsea', 'coffee'"):
        sample_bytes("../../etc/passwd")


def test_a_missing_file_is_named(monkeypatch):
    broken = {**SAMPLES, "coffee": replace(SAMPLES["coffee"], file="no_such_file.png")}
    monkeypatch.setattr(samples, "SAMPLES", broken)
    with pytest.raises(
        SampleError, match=r"'coffee' cannot be read .*no_such_file.png.*install scikit-image again"
    ):
        sample_bytes("coffee")


def test_missing_scikit_image_is_named(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(SampleError, match="not installed: `pip install scikit-image`"):
        sample_bytes("chelsea")


def test_reading_a_sample_does_not_import_scikit_image():
    program = (
        "import sys; from explorer.images import decode; from explorer.samples import sample_bytes; "
        "decode(sample_bytes()); "
        "print(sorted({'skimage', 'scipy', 'torch', 'streamlit', 'matplotlib'} & set(sys.modules)))"
    )
    root = Path(__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
