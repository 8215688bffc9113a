"""Sample pictures for the first screen and the gallery.

They ship in scikit-image's wheel and are read from there as files: nothing is downloaded or stored here, and
scikit-image itself, which takes long to import, is not imported. Credits and licences are those that
scikit-image's documentation of `skimage.data` states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from explorer.errors import close_names


class SampleError(ValueError):
    """A sample picture that does not exist or cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Sample:
    """A sample picture.

    Attributes:
        name: Short and stable: what stands in a link.
        title: For the gallery.
        alt: One sentence for those who cannot see the picture.
        file: File name under `skimage/data`.
        credit: Who made it, and where it is from.
        licence: The terms as scikit-image states them.
        expected: ImageNet-1k class indices (0..999) of which any is a right answer; empty where ImageNet has
            no class for what the picture shows.
    """

    name: str
    title: str
    alt: str
    file: str
    credit: str
    licence: str
    expected: tuple[int, ...] = ()


DEFAULT_SAMPLE = "chelsea"
"""What a first visit shows: fur, whiskers and eyes give early, middle and deep layers something each."""

_SAMPLES = (
    Sample(
        name="chelsea",
        title="Chelsea the cat",
        alt="The face of a ginger tabby cat with green eyes, looking past the camera.",
        file="chelsea.png",
        credit="Stefan van der Walt",
        licence="CC0",
        expected=(281, 282, 285),  # tabby, tiger cat, Egyptian cat
    ),
    Sample(
        name="coffee",
        title="Coffee cup",
        alt="A red cup of espresso with a spoon on a red saucer, on a wooden table.",
        file="coffee.png",
        credit="Rachel Michetti, courtesy of Pikolo Espresso Bar",
        licence="CC0",
        expected=(967, 968),  # espresso, cup
    ),
    Sample(
        name="motorcycle",
        title="Motorcycle",
        alt="A red motorcycle in a garage, in front of shelves with boxes.",
        file="motorcycle_left.png",
        credit="Middlebury 2014 stereo benchmark: D. Scharstein, H. Hirschmüller, Y. Kitajima, G. Krathwohl, "
        "N. Nesic, X. Wang and P. Westling",
        licence="No licence stated",
    ),
    Sample(
        name="astronaut",
        title="Astronaut",
        alt="A smiling astronaut in an orange suit before a flag and a model of the space shuttle.",
        file="astronaut.png",
        credit="NASA: Eileen Collins, from the NASA Great Images database",
        licence="Public domain, no known copyright restrictions",
    ),
    Sample(
        name="rocket",
        title="Rocket",
        alt="A white rocket on its launch pad at dusk, between lattice towers and bright lamps.",
        file="rocket.jpg",
        credit="SpaceX Photos: Falcon 9 with DSCOVR, Cape Canaveral",
        licence="Public domain",
    ),
    Sample(
        name="hubble",
        title="Distant galaxies",
        alt="Thousands of small galaxies of many colours on a black sky.",
        file="hubble_deep_field.jpg",
        credit="NASA, HubbleSite: Hubble eXtreme Deep Field",
        licence="Public domain",
    ),
    Sample(
        name="colours",
        title="Colour wheel",
        alt="A disc of all hues, white in its centre, on black.",
        file="color.png",
        credit="scikit-image",
        licence="No licence of its own stated; distributed with scikit-image",
    ),
    Sample(
        name="brick",
        title="Brick wall",
        alt="A wall of long narrow bricks with light joints, in grey, seen at an angle.",
        file="brick.png",
        credit="CC0Textures: Bricks25",
        licence="CC0",
    ),
    Sample(
        name="grass",
        title="Grass",
        alt="Short tangled grass with a few small leaves from above, in grey.",
        file="grass.png",
        credit="linolafett on DeviantArt: Grass 01",
        licence="CC0",
    ),
    Sample(
        name="coins",
        title="Coins",
        alt="Four rows of six worn ancient coins on a dark background, in grey.",
        file="coins.png",
        credit="Brooklyn Museum Collection: Greek coins from Pompeii",
        licence="No known copyright restrictions",
    ),
)

SAMPLES: Mapping[str, Sample] = MappingProxyType({sample.name: sample for sample in _SAMPLES})
"""The sample pictures by name, in the gallery's order."""


def sample_bytes(name: str = DEFAULT_SAMPLE) -> bytes:
    """The file of a sample picture, for `decode`.

    Args:
        name: One of `SAMPLES`.

    Raises:
        SampleError: For an unknown name, or where scikit-image or the file is missing.

    Example:
        >>> sample_bytes("chelsea")[1:4]
        b'PNG'
    """
    if name not in SAMPLES:
        raise SampleError(f"No sample picture is called {name!r}{close_names(name, SAMPLES)}")
    path = _data_folder() / SAMPLES[name].file
    try:
        return path.read_bytes()
    except OSError as error:
        raise SampleError(
            f"The sample picture {name!r} cannot be read from this installation of scikit-image ({path}): "
            "install scikit-image again, for example with `pip install --force-reinstall scikit-image`."
        ) from error


def _data_folder() -> Path:
    """`skimage/data`, found without importing skimage.

    Raises:
        SampleError: Where scikit-image is not installed.
    """
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SampleError(
            "The sample pictures come with scikit-image, which is not installed: `pip install scikit-image`."
        )
    return Path(spec.origin).parent / "data"
