"""Preprocessing: equal to timm's and torchvision's, bounded for any shape, and honest about what it shows."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from models import import_torchvision
from models.preprocessing import Preprocessing

HALF = Preprocessing(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
ONE_LEVEL = 2 / 255  # one grey level on the scale -1..1


def picture(height, width, seed=0):
    rng = np.random.default_rng(seed + 7 * height + width)
    return SimpleNamespace(rgb=rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def whole_then_crop(rgb, resize=256, crop=224):
    """The same by Pillow alone, without a limit: the whole picture is resized."""
    height, width, _ = rgb.shape
    short = min(height, width)
    size = (int(resize * width / short), int(resize * height / short))
    left, top = (round((length - crop) / 2.0) for length in size)
    image = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image.crop((left, top, left + crop, top + crop))).astype(np.float32) / 255 * 2 - 1


class TestEqualsTheLibraries:
    @pytest.mark.parametrize(
        "size",
        [
            (300, 217),
            (512, 341),
            (1, 15),
            (15, 1),
            (1, 1),
            (100, 60),
            (60, 101),
            (256, 256),
            (224, 1000),
            (257, 255),
        ],
    )
    def test_timm(self, size):
        import_torchvision()
        from timm.data import create_transform

        transform = create_transform(
            input_size=(3, 224, 224), interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3, crop_pct=0.875
        )
        given = picture(*size)
        expected = transform(Image.fromarray(given.rgb))
        torch.testing.assert_close(HALF(given)[0], expected, rtol=0, atol=0)

    @pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
    def test_torchvision(self, interpolation):
        torchvision = import_torchvision()
        mode = torchvision.transforms.InterpolationMode(interpolation)
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        reference = torchvision.transforms._presets.ImageClassification(
            crop_size=97, resize_size=110, mean=mean, std=std, interpolation=mode
        )
        given = picture(143, 211)
        ours = Preprocessing(110, 97, tuple(mean), tuple(std), interpolation)
        torch.testing.assert_close(ours(given)[0], reference(Image.fromarray(given.rgb)), rtol=0, atol=1e-6)


class TestExtremeShapes:
    @pytest.mark.parametrize("size", [(1, 40), (40, 1), (3, 100), (101, 4), (17, 290)])
    def test_equal_to_the_whole_resized_within_a_grey_level(self, size):
        given = picture(*size)
        difference = np.abs(HALF(given)[0].permute(1, 2, 0).numpy() - whole_then_crop(given.rgb))
        assert difference.max() <= ONE_LEVEL * 1.01
        assert (difference > ONE_LEVEL / 2).mean() < 0.01  # and that for one value in a hundred at most

    @pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 3_000_000), (2, 1_500_001)])
    def test_no_picture_makes_a_big_intermediate_one(self, size, monkeypatch):
        made = []
        resize = Image.Image.resize

        def recording(self, size, *args, **kwargs):
            made.append((self.size, size))
            return resize(self, size, *args, **kwargs)

        monkeypatch.setattr(Image.Image, "resize", recording)
        assert HALF(picture(*size)).shape == (1, 3, 224, 224)
        assert made
        assert all(a * b <= 256 * 4096 for pair in made for a, b in pair)

    def test_a_long_picture_shows_its_middle(self):
        rgb = np.zeros((2, 9000, 3), dtype=np.uint8)
        rgb[:, 4500:, 0] = 255  # red on the right
        x = HALF(SimpleNamespace(rgb=rgb))[0]
        assert torch.all(x[0, :, :40] == -1)
        assert torch.all(x[0, :, -40:] == 1)
        assert torch.all(x[1:] == -1)


class TestVisibleBox:
    def test_by_hand(self):
        # 300 x 600 becomes 256 x 512; rows 16..240 and columns 144..368 are kept; a pixel was 300 / 256.
        scale = 300 / 256
        assert HALF.visible_box(300, 600) == pytest.approx(
            (16 * scale, 144 * scale, 240 * scale, 368 * scale)
        )

    @pytest.mark.parametrize("size", [(83, 131), (310, 205), (400, 401), (40, 1900)])
    @pytest.mark.parametrize("where", [(0.1, 0.12), (0.1, 0.9), (0.5, 0.47), (0.93, 0.08), (0.88, 0.91)])
    def test_a_marked_pixel_is_where_the_box_says(self, size, where):
        top, left, bottom, right = HALF.visible_box(*size)
        row, column = int(top + where[0] * (bottom - top)), int(left + where[1] * (right - left))
        rgb = np.zeros((*size, 3), dtype=np.uint8)
        rgb[row, column] = 255
        light = HALF(SimpleNamespace(rgb=rgb))[0, 0].double() + 1  # (224, 224), 0 where it is black
        positions = torch.arange(224, dtype=torch.float64) + 0.5
        centre_row = (light.sum(1) * positions).sum() / light.sum() / 224 * (bottom - top) + top
        centre_column = (light.sum(0) * positions).sum() / light.sum() / 224 * (right - left) + left
        # The two scales differ where the long side was rounded down, hence a box that is not quite square.
        assert abs(centre_row - (row + 0.5)) < 0.2
        assert abs(centre_column - (column + 0.5)) < 0.2

    @pytest.mark.parametrize("side", ["top", "left", "bottom", "right"])
    def test_what_lies_outside_is_not_seen(self, side):
        height, width = 300, 410
        top, left, bottom, right = HALF.visible_box(height, width)
        rgb = np.zeros((height, width, 3), dtype=np.uint8)
        outside = {
            "top": np.s_[: int(top) - 3],
            "left": np.s_[:, : int(left) - 3],
            "bottom": np.s_[int(bottom) + 4 :],
            "right": np.s_[:, int(right) + 4 :],
        }[side]
        rgb[outside] = 255
        assert rgb.any()
        assert torch.all(HALF(SimpleNamespace(rgb=rgb)) == -1)

    @pytest.mark.parametrize("size", [(1, 1), (1, 5000), (7, 3), (5000, 2)])
    def test_lies_within_the_picture(self, size):
        top, left, bottom, right = HALF.visible_box(*size)
        assert 0 <= top < bottom <= size[0]
        assert 0 <= left < right <= size[1]


class TestValues:
    def test_constant_pictures_stay_constant(self):
        for level in (0, 127, 255):
            x = HALF(SimpleNamespace(rgb=np.full((31, 45, 3), level, dtype=np.uint8)))
            assert x.unique().tolist() == pytest.approx([level / 255 * 2 - 1], abs=1e-6)

    def test_channels_keep_their_order(self):
        rgb = np.zeros((31, 45, 3), dtype=np.uint8)
        rgb[..., 2] = 255
        assert HALF(SimpleNamespace(rgb=rgb)).mean((0, 2, 3)).tolist() == [-1, -1, 1]

    def test_the_picture_is_not_changed_and_may_be_read_only(self):
        given = picture(50, 70)
        before = given.rgb.copy()
        given.rgb.flags.writeable = False
        x = HALF(given)
        assert (x.dtype, x.shape, x.is_contiguous()) == (torch.float32, (1, 3, 224, 224), True)
        assert np.array_equal(given.rgb, before)

    def test_a_view_with_strides(self):
        given = picture(50, 70)
        mirrored = SimpleNamespace(rgb=given.rgb[:, ::-1])
        copied = SimpleNamespace(rgb=given.rgb[:, ::-1].copy())
        torch.testing.assert_close(HALF(mirrored), HALF(copied), rtol=0, atol=0)

    @pytest.mark.parametrize(
        "rgb",
        [
            np.zeros((5, 6), dtype=np.uint8),
            np.zeros((5, 6, 4), dtype=np.uint8),
            np.zeros((5, 6, 3), dtype=np.float32),
            np.zeros((0, 6, 3), dtype=np.uint8),
        ],
    )
    def test_anything_else_is_refused_with_what_was_given(self, rgb):
        with pytest.raises(ValueError, match=str(rgb.dtype) + r".*\("):
            HALF(SimpleNamespace(rgb=rgb))


class TestDescription:
    def test_describe(self):
        assert HALF.describe() == (
            "The short side is resized to 256 pixels (bicubic), the central 224 × 224 pixels are kept, and "
            "from each value on a scale of 0 to 1 the mean 0.5 is subtracted before dividing by 0.5."
        )
        usual = Preprocessing(256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear").describe()
        assert "(bilinear)" in usual
        assert (
            "the mean (0.485, 0.456, 0.406) is subtracted before dividing by (0.229, 0.224, 0.225)" in usual
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"crop": 257}, r"crop \(=257\).*\(=256\)"),
            ({"crop": 0}, r"crop \(=0\)"),
            ({"interpolation": "magic"}, "bilinear, bicubic, lanczos, not 'magic'"),
            ({"std": (0.5, 0.0, 0.5)}, r"std above 0.*\(0\.5, 0\.0, 0\.5\)"),
            ({"mean": (0.5,)}, r"one number per channel"),
        ],
    )
    def test_settings_that_make_no_sense(self, change, message):
        settings = {"resize": 256, "crop": 224, "mean": (0.5,) * 3, "std": (0.5,) * 3} | change
        with pytest.raises(ValueError, match=message):
            Preprocessing(**settings)

    def test_equal_settings_are_equal(self):
        assert Preprocessing(256, 224, (0.5,) * 3, (0.5,) * 3) == HALF
        assert hash(Preprocessing(256, 224, (0.5,) * 3, (0.5,) * 3)) == hash(HALF)
