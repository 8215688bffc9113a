"""The lesson's chapter `kernels`."""
