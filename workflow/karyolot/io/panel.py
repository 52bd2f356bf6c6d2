"""Reading and writing the reference panel."""

from collections.abc import Sequence

from pydantic import ValidationError

from karyolot.contracts.panel import Panel
from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike, read_json, write_json


def read_panel(path: PathLike) -> Panel:
    """Raises KaryolotError when it is not a panel, or not the one that was frozen."""
    content = read_json(path)
    try:
        panel = Panel.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise KaryolotError(f"{path}: not a reference panel: {place}: {first['msg']}; name another file") from error
    if panel.digest() != panel.sha256:
        raise KaryolotError(
            f"{path}: the content is not the one that was frozen (sha256 does not fit): it was edited, or damaged in copying;"
            " fetch it again, or freeze a new version"
        )
    return panel


def read_panels(paths: Sequence[PathLike]) -> list[Panel]:
    """The one reference panel, or none where it is not given."""
    return [read_panel(path) for path in paths]


def write_panel(panel: Panel, path: PathLike) -> None:
    write_json(panel.model_dump(mode="json", by_alias=True), path)
