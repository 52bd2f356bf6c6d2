"""karyolot: is this lot of reprogrammed liver cells genomically stable, and how sure can we be?"""

__version__ = "0.1.0"
