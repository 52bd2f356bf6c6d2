"""Geometry of the figures, one module each: record in, positions in drawing units out; the templates write them as SVG."""
