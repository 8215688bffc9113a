"""Objectives as they are typed."""

import pytest

from explorer.visualization import Channel, Diversity, Dream, Logit, Unit, VisualizationError
from explorer.visualization.notation import parse_objective

LABELS = ("tench", "goldfish", "hot pot")


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("blocks.3.2:17", Channel("blocks.3.2", 17)),
        (" a:0 ", Channel("a", 0)),
        ("a:3@4,5", Unit("a", 3, 4, 5)),
        ("a:3@0,0", Unit("a", 3, 0, 0)),
        ("a:3@middle", Unit("a", 3)),
        ("class:2", Logit(2)),
        ("class:Goldfish", Logit(1)),
        ("class:hot_pot", Logit(2)),
        ("class:hot pot", Logit(2)),
        ("dream:blocks.3", Dream("blocks.3")),
        ("diversity:a", Diversity("a")),
        ("-2*a:1", -2 * Channel("a", 1)),
        ("0.5*a:1 - class:tench + 1e-1*dream:b", 0.5 * Channel("a", 1) - Logit(0) + 0.1 * Dream("b")),
    ],
)
def test_what_can_be_typed(text, objective):
    assert parse_objective(text, LABELS) == objective


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "means nothing here"),
        ("blocks.3", "a channel is LAYER:NUMBER"),
        ("a:-1", "means nothing here"),
        ("a:1@2", "means nothing here"),
        ("class:", "means nothing here"),
        ("class:goldfsh", "no class 'goldfsh'; did you mean 'goldfish'"),
        ("1.2.3*a:1", "'1.2.3' is no number"),
        ("a:1 - a:1", "terms cancel each other"),
        ("a:1 +", "means nothing here"),
    ],
)
def test_what_means_nothing(text, says):
    with pytest.raises(VisualizationError, match=says):
        parse_objective(text, LABELS)
