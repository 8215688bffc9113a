"""The page "What it looks for": pictures made so that a channel or a class answers to them."""
