"""Sealed lots for a registry of several sites: what was found, without reads, genotypes, names, dates or files."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from karyolot.contracts.manifest import Manifest
from karyolot.contracts.record import Record

SCHEMA = "karyolot registry 1.0"
LEAST_SALT = 16
"""Bytes of a salt: with fewer, all ids a site may use can be tried out."""
OWN = "acquired"
"""Origin of a change that may leave the site: a germline one would identify the donor."""
ROUNDED = 1_000_000
"""Bases that positions are rounded to."""


def registry(lots: Iterable[tuple[Manifest, Record]], salt: bytes) -> dict[str, Any]:
    """Rows for a registry from sealed lots. salt: secret of the site; the same salt gives the same ids."""
    return {"schema": SCHEMA, "lots": [_row(manifest, record, salt) for manifest, record in lots]}


def salted(kind: str, name: str | None, salt: bytes) -> str | None:
    """An id that only who has the salt can compute: the first 16 hex digits of HMAC-SHA256. None stays None."""
    return None if name is None else hmac.new(salt, f"{kind}\0{name}".encode(), hashlib.sha256).hexdigest()[:16]


def _row(manifest: Manifest, record: Record, salt: bytes) -> dict[str, Any]:
    """Only what is named here leaves the site: numbers and outcomes, no text of the record."""
    verdict, facts = record.verdict, record.lot.facts
    claim = record.copy_number.claim
    shipped = verdict.differences == ()
    return {
        "lot": salted("lot", record.lot.lot_id, salt),
        "donor": salted("donor", record.lot.donor_id, salt),
        "parent": salted("lot", record.point.parent, salt),
        "revision": manifest.revision,
        "year": manifest.sealed_at[:4],
        "karyolot_version": record.provenance.karyolot_version,
        "acceptance": f"{verdict.acceptance_name} {verdict.acceptance_version}" if shipped else "of the site",
        "passage": record.point.passage,
        "population_doublings": facts.get("pdl"),
        "bank": facts.get("bank"),
        "verdict": verdict.outcome,
        "weakened": bool(verdict.weakened),
        "recommendation": record.disposition.recommendation if record.disposition else None,
        "claim_mb": record.copy_number.claim_mb,
        "limit_gain": claim.gain if claim else None,
        "limit_loss": claim.loss if claim else None,
        "criteria": [
            {
                "metric": one.metric,
                "outcome": one.outcome,
                "value": one.value if isinstance(one.value, (int, float)) else None,
            }
            for one in verdict.criteria
        ],
        "events": None if verdict.suppressed else _events(record),
    }


def _events(record: Record) -> list[dict[str, Any]]:
    """Acquired copy-number changes at a resolution of megabases."""
    return [
        {
            "chrom": call.chrom,
            "start_mb": call.start // ROUNDED,
            "end_mb": -(-call.end // ROUNDED),
            "type": call.type,
            "fraction": round(call.fraction, 3),
            "fraction_low": round(call.fraction_low, 3),
            "fraction_high": round(call.fraction_high, 3),
        }
        for call in record.copy_number.calls
        if call.origin == OWN
    ]
