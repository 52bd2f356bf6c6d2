"""Robust estimates of a normal distribution."""

MAD_TO_SD = 1.4826
"""Standard deviation over median absolute deviation: 1 / 0.6745, the upper quartile (Rousseeuw and Croux 1993,
doi 10.1080/01621459.1993.10476408)."""
