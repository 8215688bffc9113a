"""Training a small network while one watches: its first filters turn from noise into edge detectors.

    trainer = Trainer(Plan("bars", seed=0))
    for progress in trainer.run():
        progress.accuracy, progress.filters   # on held-out pictures, after so many steps
    trainer.network, trainer.untrained        # the result, and its twin with the weights it began with

Stop iterating to cancel; the network is then what it has become. The task is drawn by the program, nothing is
loaded. All random numbers come from generators of the run's own, so that the same plan gives the same numbers
(on the same machine and number of threads), and nobody else's random numbers change.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import close_names
from explorer.lesson.builder import Block, NetworkSpec, build
from explorer.lesson.edges import EdgeFit, edge_fits
from explorer.lesson.matrices import LessonError
from explorer.lesson.tasks import SIDE, TASKS, Task

HELD_OUT = 512
"""Pictures that are never trained on."""

QUIET = 0.3
"""The first layer begins at this share of its usual size: the noise in it then stays the smaller part."""


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    Attributes:
        task: A key of `explorer.lesson.tasks.TASKS`.
        seed: Of the weights and of the training pictures. The held-out pictures are the same for all seeds.
        steps: Batches that are trained on, each drawn anew.
        batch: Pictures in a batch.
        every: Steps from one report to the next.
        learning_rate: Of Adam.
        decay: By which share of the learning rate weights shrink in each step. Together with the noise in the
            pictures this takes away of the first weights what the task has no use for.
        noise: Standard deviation of the pictures' noise; the figure is 1 or −1.
        quiet: At which share of its usual size the first layer begins.
        filters: Of the first layer, 7×7 each.
        frozen: Whether only the dense layer is trained, and the filters stay the noise that they are.
    """

    task: str = "bars"
    seed: int = 0
    steps: int = 400
    batch: int = 64
    every: int = 20
    learning_rate: float = 3e-3
    decay: float = 1.0
    noise: float = 0.5
    quiet: float = QUIET
    filters: int = 8
    frozen: bool = False

    @property
    def spec(self) -> NetworkSpec:
        """The network: two blocks and a dense layer."""
        blocks = Block(self.filters, 7), Block(2 * self.filters, 3)
        return NetworkSpec((1, SIDE, SIDE), blocks, len(TASKS[self.task].classes))


@dataclass(frozen=True, eq=False)
class Progress:
    """How far the training is.

    Attributes:
        step: Steps done; 0 before the first.
        steps: Steps in all.
        loss: Cross-entropy on the training pictures since the last report; at step 0 on the held-out ones.
        held_out_loss: Cross-entropy on the held-out pictures.
        accuracy: Share of the held-out pictures that are told right, 0 to 1.
        filters: The first layer's weights now, float32 (O, 1, 7, 7), a copy.
        edges: How much each of them is an edge detector.
    """

    step: int
    steps: int
    loss: float
    held_out_loss: float
    accuracy: float
    filters: Tensor
    edges: tuple[EdgeFit, ...]

    @property
    def edge_detectors(self) -> int:
        """Filters that pass for edge detectors."""
        return sum(edge.is_edge for edge in self.edges)


class Trainer:
    """A training and its results.

    Attributes:
        plan: What is trained.
        task: The task.
        untrained: The network as it began.
        network: The network as it has become.
        pictures: The held-out pictures, float32 (512, 1, 24, 24).
        labels: Their labels, int64 (512,).
    """

    def __init__(self, plan: Plan | None = None) -> None:
        """Make the network and draw the held-out pictures.

        Raises:
            LessonError: If the plan has an unknown task or impossible numbers.
        """
        self.plan = Plan() if plan is None else plan
        check(self.plan)
        self.task: Task = TASKS[self.plan.task]
        self.untrained = build(self.plan.spec, self.plan.seed)
        if not self.plan.frozen:  # weights that stay have to pass on a signal of the usual size
            with torch.no_grad():
                _first(self.untrained).weight.mul_(self.plan.quiet)
        self.network = copy.deepcopy(self.untrained)
        held_out = torch.Generator().manual_seed(_seed("held out", 0))
        self.pictures, self.labels = self.task.draw(HELD_OUT, held_out, self.plan.noise)
        with torch.no_grad():  # what the held-out pictures become in layers that stay needs no second look
            self._features = self.untrained[:-1](self.pictures) if self.plan.frozen else None

    def run(self) -> Iterator[Progress]:
        """Train from the beginning, reporting before the first step, every few steps, and after the last."""
        plan = self.plan
        self.network = copy.deepcopy(self.untrained)
        generator = torch.Generator().manual_seed(_seed("training", plan.seed))
        trained = self.network[-1] if plan.frozen else self.network
        adam = Adam(trained.parameters(), plan.learning_rate, plan.decay)
        yield self._report(0, [])
        losses: list[float] = []
        for step in range(1, plan.steps + 1):
            losses.append(self._step(adam, *self.task.draw(plan.batch, generator, plan.noise)))
            if step % plan.every == 0 or step == plan.steps:
                yield self._report(step, losses)
                losses = []

    def judge(self, network: nn.Module) -> tuple[float, float]:
        """Loss and accuracy of a network on the held-out pictures."""
        with torch.no_grad():
            return self._score(network(self.pictures))

    def _score(self, logits: Tensor) -> tuple[float, float]:
        loss = F.cross_entropy(logits, self.labels)
        return float(loss), float((logits.argmax(1) == self.labels).float().mean())

    def _step(self, adam: Adam, pictures: Tensor, labels: Tensor) -> float:
        # A caller's `no_grad` must not reach in here; and as this is no generator, none of it leaks out.
        with torch.enable_grad():
            loss = F.cross_entropy(self.network(pictures), labels)
            gradients = torch.autograd.grad(loss, adam.parameters)
        adam.step(gradients)
        return float(loss.detach())

    def _report(self, step: int, losses: list[float]) -> Progress:
        if self._features is None:
            held_out, accuracy = self.judge(self.network)
        else:
            with torch.no_grad():
                held_out, accuracy = self._score(self.network[-1](self._features))
        loss = sum(losses) / len(losses) if losses else held_out
        filters = _first(self.network).weight.detach().clone()
        return Progress(step, self.plan.steps, loss, held_out, accuracy, filters, edge_fits(filters))


class Adam:
    """Adam with decoupled weight decay, as `torch.optim.AdamW` computes it.

    Written out because it is short, and because PyTorch's optimizers import its compiler when the first one
    is made, for which whoever watches would have to wait.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Loshchilov and Hutter,
    "Decoupled weight decay regularization", 2019.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, decay: float) -> None:
        self.parameters = list(parameters)
        self._rate, self._decay, self._steps = learning_rate, decay, 0
        self._means = [torch.zeros_like(each) for each in self.parameters]
        self._squares = [torch.zeros_like(each) for each in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor]) -> None:
        """Move every parameter against its gradient."""
        self._steps += 1
        rate = self._rate / (1 - 0.9**self._steps)
        unbias = math.sqrt(1 - 0.999**self._steps)
        for parameter, gradient, mean, square in zip(
            self.parameters, gradients, self._means, self._squares, strict=True
        ):
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            parameter.mul_(1 - self._rate * self._decay)
            parameter.addcdiv_(mean, (square.sqrt() / unbias).add_(1e-8), value=-rate)


def _first(network: nn.Sequential) -> nn.Conv2d:
    first = network[0]
    if not isinstance(first, nn.Conv2d):
        raise TypeError(f"the network must begin with a convolution, not a {type(first).__name__}")
    return first


def _seed(purpose: str, seed: int) -> int:
    """Different numbers for different purposes, so that held-out pictures are never among the training's."""
    return (seed * 2 + (purpose == "training")) % 2**63


def check(plan: Plan) -> None:
    """Check a plan.

    Raises:
        LessonError: If it has an unknown task or impossible numbers.
    """
    if plan.task not in TASKS:
        raise LessonError(f"there is no task {plan.task!r}{close_names(plan.task, TASKS)}")
    for name, value, least, most in (
        ("steps", plan.steps, 1, 5000),
        ("batch", plan.batch, 1, 512),
        ("every", plan.every, 1, 5000),
        ("learning_rate", plan.learning_rate, 1e-6, 1),
        ("decay", plan.decay, 0, 10),
        ("noise", plan.noise, 0, 10),
        ("quiet", plan.quiet, 0.01, 1),
        ("filters", plan.filters, 1, 64),
    ):
        if not least <= value <= most:
            raise LessonError(f"{name} can be {least} to {most}, got {value}")
