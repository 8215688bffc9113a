"""What the convolution laboratory computes beside the convolutions: cases, scripts, and how time grows."""
