"""Tests of the convolutions by hand."""
