"""The lesson's chapter `convolution`."""
