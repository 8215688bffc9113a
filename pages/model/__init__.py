"""The model at work: finding, bringing, giving and comparing models."""
