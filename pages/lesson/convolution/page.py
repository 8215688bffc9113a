"""The lesson's chapter `convolution`."""

from __future__ import annotations

from explorer.lesson.walkthrough import worked_example
from pages.widgets.stepper import Setting, stepper

stepper("lesson_steps", Setting.of(worked_example()), label="The worked example, step by step")
