"""Classic kernels: small matrices of weights that blur, sharpen, and find edges.

A kernel is laid over a picture as `torch.nn.functional.conv2d` does it, without being flipped: the weight at
the left meets the pixel at the left. So `sobel_x` is positive where the picture brightens to the right.
True convolution would flip the kernel first and turn that sign.

Example:
    >>> KERNELS["sobel_x"].weight()
    tensor([[-1.,  0.,  1.],
            [-2.,  0.,  2.],
            [-1.,  0.,  1.]], dtype=torch.float64)
    >>> KERNELS["gaussian_sigma"].weight(sigma=2.0).shape
    torch.Size([17, 17])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from explorer.errors import close_names

GONZALEZ = "Gonzalez and Woods, Digital Image Processing, 4th edition, chapter 3"


class KernelError(ValueError):
    """A kernel that does not exist, or a parameter outside its range; the message says what is possible."""


@dataclass(frozen=True)
class Parameter:
    """A number that a kernel depends on.

    Attributes:
        name: The keyword of `Kernel.weight`.
        title: For people, with the unit.
        low: Smallest possible value.
        high: Largest possible value.
        default: Value if none is given.
        step: By how much to change it at once.
    """

    name: str
    title: str
    low: float
    high: float
    default: float
    step: float


@dataclass(frozen=True)
class Kernel:
    """A classic kernel.

    Attributes:
        name: Its key in `KERNELS`.
        title: For people.
        does: What it does to a picture, a sentence.
        use: Where it is used, a sentence.
        source: Where it comes from, or whose convention its numbers follow.
        make: Its weights from its parameters.
        parameters: What it depends on.
    """

    name: str
    title: str
    does: str
    use: str
    source: str
    make: Callable[..., Tensor]
    parameters: tuple[Parameter, ...] = ()

    def weight(self, **values: float) -> Tensor:
        """The weights, float64 (kH, kW).

        Args:
            values: Parameters by name; defaults for those left out.

        Raises:
            KernelError: If there is no such parameter, or its value is out of range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in values.items():
            if name not in known:
                raise KernelError(
                    f"{self.name} has no parameter {name!r}; it has: {', '.join(known) or 'none'}"
                )
            low, high = known[name].low, known[name].high
            if not low <= value <= high:
                raise KernelError(f"{name} of {self.name} lies between {low:g} and {high:g}, got {value:g}")
        return self.make(**{name: values.get(name, known[name].default) for name in known})


def find(name: str) -> Kernel:
    """The kernel `name`.

    Raises:
        KernelError: If there is none; the message lists the close names.
    """
    if name not in KERNELS:
        raise KernelError(f"there is no kernel {name!r}{close_names(name, KERNELS)}")
    return KERNELS[name]


def keeps_brightness(weight: Tensor) -> bool:
    """Whether an even picture stays as bright as it was: the weights add up to one."""
    return abs(weight.double().sum().item() - 1) < 1e-6


def gaussian(sigma: float) -> Tensor:
    """A Gaussian bell up to 4 standard deviations, its weights adding up to one: float64 (2r + 1, 2r + 1).

    The same radius r and weights as `scipy.ndimage.gaussian_filter`.

    Args:
        sigma: Standard deviation, in pixels.
    """
    _, bell = _bell(sigma)
    return torch.outer(bell, bell)


def laplacian_of_gaussian(sigma: float) -> Tensor:
    """The second derivatives of a Gaussian bell, added up: float64 (2r + 1, 2r + 1).

    The weights of `scipy.ndimage.gaussian_laplace`: negative in the middle, positive around it.

    Args:
        sigma: Standard deviation, in pixels.
    """
    x, bell = _bell(sigma)
    curvature = (x**2 / sigma**4 - 1 / sigma**2) * bell
    return torch.outer(curvature, bell) + torch.outer(bell, curvature)


def gabor(angle: float, wavelength: float) -> Tensor:
    """A wave under a round Gaussian bell, without its constant part: float64 (k, k), k odd.

    Args:
        angle: Direction in which the wave runs, in degrees; 0 is to the right, and finds vertical stripes.
        wavelength: From crest to crest, in pixels. The bell's deviation is half of it.
    """
    sigma = wavelength / 2
    x, _ = _bell(sigma, reach=3)
    turn = math.radians(angle)
    along = x[None, :] * math.cos(turn) + x[:, None] * math.sin(turn)
    envelope = torch.exp(-(x[None, :] ** 2 + x[:, None] ** 2) / (2 * sigma**2))
    wave = envelope * torch.cos(2 * math.pi * along / wavelength)
    # An even picture is to give zero, so the envelope's share of the constant is taken out.
    balanced = wave - envelope * (wave.sum() / envelope.sum())
    return balanced / balanced.abs().sum()


def motion(length: float, angle: float) -> Tensor:
    """A line of equal weights that add up to one: float64 (length, length).

    Args:
        length: Of the line, in pixels, made odd.
        angle: Of the line, in degrees against the horizontal; 45 rises to the right.
    """
    side = int(length) // 2 * 2 + 1
    steps = torch.arange(side, dtype=torch.float64) - side // 2
    turn = math.radians(angle)
    weight = torch.zeros(side, side, dtype=torch.float64)
    for y, x in zip((-steps * math.sin(turn)).tolist(), (steps * math.cos(turn)).tolist(), strict=True):
        _drop(weight, side // 2 + y, side // 2 + x)
    return weight / side


def random(seed: int, side: int) -> Tensor:
    """Weights as a network may begin with: normal noise of unit length, float64 (side, side).

    Args:
        seed: Which of them; the same seed makes the same weights.
        side: Rows and columns, at least 1.

    Returns:
        Weights whose squares add up to about 1, rounded to two decimals so that they can be read.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(side, side, generator=generator, dtype=torch.float64)
    return torch.round(noise / noise.norm(), decimals=2)


def _bell(sigma: float, reach: float = 4) -> tuple[Tensor, Tensor]:
    """Positions -r..r and a Gaussian over them that adds up to one, each (2r + 1,)."""
    radius = int(reach * sigma + 0.5)
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-(x**2) / (2 * sigma**2))
    return x, bell / bell.sum()


def _drop(weight: Tensor, y: float, x: float) -> None:
    """Share a weight of one among the four taps around a position, the nearer the more."""
    top, left = min(int(y + 1e-9), len(weight) - 2), min(int(x + 1e-9), len(weight) - 2)
    down, right = y - top, x - left
    for i, row in ((top, 1 - down), (top + 1, down)):
        for j, column in ((left, 1 - right), (left + 1, right)):
            weight[i, j] += row * column


def _fixed(rows: list[list[float]], divisor: float = 1) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64) / divisor


def _matrix(*rows: list[float], divisor: float = 1) -> Callable[..., Tensor]:
    return partial(_fixed, list(rows), divisor)


_SIGMA = Parameter("sigma", "Sigma, pixels", 0.5, 7.5, 1.5, 0.5)
_ANGLE = Parameter("angle", "Angle, degrees", 0, 175, 0, 5)

_ALL = (
    Kernel(
        "identity", "Identity", "Leaves every pixel as it is.",
        "The neutral element; sharpening is identity plus details.", GONZALEZ,
        _matrix([0, 0, 0], [0, 1, 0], [0, 0, 0]),
    ),
    Kernel(
        "box", "Box blur", "Replaces every pixel by the mean of its 3×3 neighbours.",
        "Average pooling, quick smoothing, background estimates.", GONZALEZ,
        _matrix([1, 1, 1], [1, 1, 1], [1, 1, 1], divisor=9),
    ),
    Kernel(
        "gaussian", "Gaussian blur 3×3", "Blurs softly: near pixels count more than far ones.",
        "Against noise before edges are looked for, and before a picture is made smaller.",
        "Burt and Adelson, The Laplacian pyramid as a compact image code, 1983 (binomial weights)",
        _matrix([1, 2, 1], [2, 4, 2], [1, 2, 1], divisor=16),
    ),
    Kernel(
        "gaussian_sigma", "Gaussian blur by sigma", "Blurs as widely as sigma says.",
        "Scale space, difference of Gaussians, depth of field.",
        "scipy.ndimage.gaussian_filter, cut off at 4 sigma", gaussian, (_SIGMA,),
    ),
    Kernel(
        "sharpen", "Sharpen", "Raises every pixel against its four neighbours.",
        "Camera and photo software.", GONZALEZ, _matrix([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
    ),
    Kernel(
        "unsharp", "Unsharp mask 5×5", "Adds what a Gaussian blur takes away.",
        "Photo software and printing; gentler on noise than plain sharpening.",
        "2 · identity − binomial 5×5; the darkroom technique of Yule, Unsharp masks, 1944",
        _matrix(
            [-1, -4, -6, -4, -1], [-4, -16, -24, -16, -4], [-6, -24, 476, -24, -6],
            [-4, -16, -24, -16, -4], [-1, -4, -6, -4, -1], divisor=256,
        ),
    ),
    Kernel(
        "edge_vertical", "Vertical edges 1×3", "Right minus left neighbour: large at vertical edges.",
        "The plainest derivative, e.g. in histograms of oriented gradients.",
        "Dalal and Triggs, Histograms of oriented gradients, 2005, section 6.2", _matrix([-1, 0, 1]),
    ),
    Kernel(
        "edge_horizontal", "Horizontal edges 3×1", "Lower minus upper neighbour: large at horizontal edges.",
        "The plainest derivative, e.g. in histograms of oriented gradients.",
        "Dalal and Triggs, Histograms of oriented gradients, 2005, section 6.2", _matrix([-1], [0], [1]),
    ),
    Kernel(
        "edge_diagonal", "Diagonal edges 2×2", "Lower right minus upper left pixel: large at diagonal edges.",
        "The first edge detector of all, and an even kernel: it has no middle.",
        "Roberts, Machine perception of three-dimensional solids, 1963", _matrix([-1, 0], [0, 1]),
    ),
    *(
        Kernel(
            f"{name}_{axis}", f"{name.capitalize()} {arrow}",
            f"Positive where the picture brightens {way}, negative where it darkens.", use, source,
            _matrix(*(rows if axis == "x" else [list(row) for row in zip(*rows, strict=True)])),
        )
        for name, rows, use, source in (
            ("sobel", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
             "The usual first step of edge detectors such as Canny's.",
             "Sobel and Feldman, An isotropic 3×3 image gradient operator, 1968"),
            ("prewitt", [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
             "Edge detection; like Sobel's without the stronger middle.",
             "Prewitt, Object enhancement and extraction, 1970"),
            ("scharr", [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
             "Where an edge's direction must be exact: optical flow, orientation.",
             "Scharr, Optimal operators in digital image processing, 2000"),
        )
        for axis, arrow, way in (("x", "→", "to the right"), ("y", "↓", "downwards"))
    ),
    Kernel(
        "laplacian", "Laplacian", "Four neighbours minus four times the pixel: large at edges and dots.",
        "Edges by zero crossings, measuring whether a picture is in focus.", GONZALEZ,
        _matrix([0, 1, 0], [1, -4, 1], [0, 1, 0]),
    ),
    Kernel(
        "laplacian_of_gaussian", "Laplacian of Gaussian", "Blurs, then takes the Laplacian: finds spots.",
        "Blob detection; an early model of cells in the eye.",
        "Marr and Hildreth, Theory of edge detection, 1980; scipy.ndimage.gaussian_laplace",
        laplacian_of_gaussian, (_SIGMA,),
    ),
    Kernel(
        "emboss", "Emboss", "Lights the picture from the lower right, as if it were a relief.",
        "A photo effect: a diagonal derivative on top of the picture.",
        "The common 3×3 variant of image editors", _matrix([-2, -1, 0], [-1, 1, 1], [0, 1, 2]),
    ),
    Kernel(
        "motion", "Motion blur", "Averages along a line, as if the camera had moved.",
        "Film effects, and the model that deblurring inverts.",
        f"{GONZALEZ.replace('chapter 3', 'section 5.6')}; the line is shared among the nearest taps",
        motion, (Parameter("length", "Length, pixels", 3, 41, 9, 2), _ANGLE),
    ),
    Kernel(
        "gabor", "Gabor", "Answers to stripes of one direction and width.",
        "Texture and fingerprints; first layers of trained networks and the visual cortex have such filters.",
        "Daugman, Uncertainty relation for resolution in space, spatial frequency, and orientation, 1985",
        gabor, (_ANGLE, Parameter("wavelength", "Wavelength, pixels", 3, 20, 6, 1)),
    ),
)  # fmt: skip

KERNELS: dict[str, Kernel] = {kernel.name: kernel for kernel in _ALL}
"""The catalogue, from the simplest on."""
