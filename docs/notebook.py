"""Write docs/notebooks/NAME.ipynb from NAME.py, whose cells begin with `# %%`: python docs/notebook.py"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(script: str) -> str:
    """The notebook of a script, as JSON; cells have no output."""
    cells = []
    for number, (kind, text) in enumerate(re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n?)*)", script, flags=re.M)):
        lines = text.strip("\n").splitlines(keepends=True)
        if "[markdown]" in kind:
            source = [re.sub(r"^# ?", "", line) for line in lines]
            cells.append({"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": source})
        else:
            cell = {"cell_type": "code", "execution_count": None, "id": f"cell-{number}", "metadata": {}, "outputs": []}
            cells.append({**cell, "source": lines})
    whole = {"cells": cells, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in FOLDER.glob("*.py"):
        path.with_suffix(".ipynb").write_text(notebook(path.read_text(encoding="utf-8")), encoding="utf-8")
