"""A crate of `karyolot export` against the profiles of a Workflow Run RO-Crate, without a network.

    uvx --from roc-validator==0.13.0 --with rocrate==0.13.0 python benchmarks/crate.py CRATE...

roc-validator and what it needs (80 MB) are not among the locked packages of karyolot. The only document it fetches is the
JSON-LD context of RO-Crate 1.1, which the package rocrate 0.13.0 contains. Prints what is required and not met, and what is
recommended and not met; exit code 1 for the first.
"""

import sys
from importlib.resources import files
from typing import Any

import requests
from rocrate_validator import models, services

CONTEXT = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
ADDRESS = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"


def answered(_session: requests.Session, method: str, address: str, **_: Any) -> requests.Response:
    """The context, from the package; no other address is known."""
    made = requests.Response()
    made.url, made.request = address, requests.Request(method, address).prepare()
    made.status_code = 200 if address == ADDRESS else 404
    made.headers["Content-Type"] = "application/ld+json"
    made._content = CONTEXT if address == ADDRESS else b""
    return made


def issues(crate: str, severity: str) -> list[str]:
    settings = services.ValidationSettings(
        rocrate_uri=models.URI(crate),
        profile_identifier=PROFILE,
        requirement_severity=models.Severity[severity],
        no_cache=True,
        skip_availability_check=True,
    )
    found = services.validate(settings)
    return [
        f"{one.check.identifier} {one.severity.name}: {one.message}"
        for one in found.get_issues(models.Severity[severity])
    ]


if __name__ == "__main__":
    requests.Session.request = answered  # type: ignore[method-assign]
    wrong = False
    for crate in sys.argv[1:]:
        required = issues(crate, "REQUIRED")
        recommended = [one for one in issues(crate, "RECOMMENDED") if one not in required]
        for line in (*required, *recommended):
            print(f"{crate}: {line}")
        print(f"{crate}: {len(required)} requirements and {len(recommended)} recommendations not met")
        wrong |= bool(required)
    raise SystemExit(wrong)
