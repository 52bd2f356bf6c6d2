"""Metrics and criteria -> the verdict on a lot. Pure functions, testable without any sequencing data."""
