"""The lesson: what a convolution is, why it suits pictures, and how networks are built from it."""
