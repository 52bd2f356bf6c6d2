"""karyolot: genomic stability of lots of reprogrammed liver cells from sequencing, with the certainty of each verdict.

The names in `__all__` are the public interface: they change only with the major version. They are imported when they are
first used, so that `import karyolot` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from karyolot.api import Picture, call, lots, plot_genome, read_expression, read_record, read_tables

__version__ = "1.0.0"
__all__ = [
    "Picture",
    "__version__",
    "call",
    "lots",
    "plot_genome",
    "read_expression",
    "read_record",
    "read_tables",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'karyolot' has no attribute {name!r}; it has {', '.join(__all__)}")
    from karyolot import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
