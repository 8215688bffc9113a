"""The lesson's chapters in their order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """A chapter of the lesson.

    Attributes:
        path: Of its page, and the name of its folder.
        title: In the navigation.
        heading: On its page.
    """

    path: str
    title: str
    heading: str


CHAPTERS = (
    Chapter("convolution", "1 · What is convolution?", "What is convolution?"),
    Chapter("why", "2 · Why for images?", "Why convolution for images?"),
    Chapter("kernels", "3 · Stride, padding, kernels", "Stride, padding, kernels"),
    Chapter("networks", "4 · Building CNNs", "From convolutions to networks"),
)
