"""What a release must agree on: one version everywhere, and descriptions that name what is there."""

import json
import re
from pathlib import Path

import yaml

from karyolot import __version__

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    metadata = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert {citation["version"], metadata["version"]} == {__version__}
    wheels = re.findall(r"karyolot-([\w.]+)-py3-none-any\.whl", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert wheels and set(wheels) == {__version__}


def test_citation_and_metadata_name_the_same_licence_and_keywords() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    metadata = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert metadata["license"].endswith(citation["license"]) and metadata["keywords"] == citation["keywords"]
    assert citation["license"] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_templates_of_issues_and_pull_requests_ask_whether_a_number_changes() -> None:
    pull = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    assert "Numeric changes" in pull
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        fields = {field.get("id") for field in yaml.safe_load(path.read_text(encoding="utf-8"))["body"]}
        assert "number" in fields, path.name
