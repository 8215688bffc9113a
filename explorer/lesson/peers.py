"""The same operators in SciPy and OpenCV: the call that gives what a kernel gives, over a whole picture.

Each continues the picture beyond its edge with its last pixel, as `filtering.laid_over` does. The tests run
every one of these calls as it is written here.
"""

from __future__ import annotations

from torch import Tensor

PEERS: dict[str, str] = {
    "box": 'scipy.ndimage.uniform_filter(picture, 3, mode="nearest")',
    "gaussian": "cv2.GaussianBlur(picture, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)",
    "gaussian_sigma": 'scipy.ndimage.gaussian_filter(picture, {sigma:g}, mode="nearest")',
    "sobel_x": 'scipy.ndimage.sobel(picture, axis=1, mode="nearest")',
    "sobel_y": 'scipy.ndimage.sobel(picture, axis=0, mode="nearest")',
    "prewitt_x": 'scipy.ndimage.prewitt(picture, axis=1, mode="nearest")',
    "prewitt_y": 'scipy.ndimage.prewitt(picture, axis=0, mode="nearest")',
    "scharr_x": "cv2.Scharr(picture, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)",
    "scharr_y": "cv2.Scharr(picture, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)",
    "laplacian": 'scipy.ndimage.laplace(picture, mode="nearest")',
    "laplacian_of_gaussian": 'scipy.ndimage.gaussian_laplace(picture, {sigma:g}, mode="nearest")',
}
"""Operators with a name of their own, by the kernel's name; the picture is float64 (H, W)."""


def peer(name: str, kernel: Tensor, **parameters: float) -> str:
    """The call of SciPy or OpenCV that does the same as a kernel.

    Args:
        name: Of the kernel; one that has no operator of its own is handed to SciPy as `kernel`.
        kernel: Its weights (kH, kW).
        parameters: What they depend on.

    Example:
        >>> import torch
        >>> peer("gaussian_sigma", torch.ones(17, 17), sigma=2.0)
        'scipy.ndimage.gaussian_filter(picture, 2, mode="nearest")'
        >>> peer("own", torch.ones(2, 2))
        'scipy.ndimage.correlate(picture, kernel, mode="nearest", origin=(-1, -1))'
    """
    if name in PEERS:
        return PEERS[name].format(**parameters)
    # An even kernel has no middle; SciPy begins its window one pixel earlier than PyTorch.
    origin = tuple(-1 if side % 2 == 0 else 0 for side in kernel.shape)
    moved = f", origin={origin}" if any(origin) else ""
    return f'scipy.ndimage.correlate(picture, kernel, mode="nearest"{moved})'
