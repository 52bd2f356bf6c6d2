"""A sealed lot as a Workflow Run RO-Crate: JSON-LD that states which workflow made which files from which inputs.

https://w3id.org/ro/wfrun/workflow/0.5, on RO-Crate 1.1.
"""

from collections.abc import Iterable
from typing import Any

from karyolot.contracts.manifest import MANIFEST, Manifest
from karyolot.contracts.provenance import InputFile

METADATA, README, WORKFLOW = "ro-crate-metadata.json", "README.md", "workflow/Snakefile"
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
TYPES = {
    "json": "application/json",
    "html": "text/html",
    "pdf": "application/pdf",
    "tsv": "text/tab-separated-values",
    "png": "image/png",
    "svg": "image/svg+xml",
    "yaml": "application/yaml",
    "parquet": "application/vnd.apache.parquet",
    "h5ad": "application/x-hdf5",
    "gz": "application/gzip",
    "vcf": "text/x-vcf",
    **dict.fromkeys(("bed", "bedgraph", "seg"), "text/tab-separated-values"),
}
RUN, LANGUAGE, AGENT, SITE, DATA_LICENCE = "#run", "#snakemake", "#agent", "#site", "#licence"
Entity = dict[str, Any]


def metadata(manifest: Manifest, manifest_file: InputFile, licence: str) -> Entity:
    """The content of ro-crate-metadata.json.

    Parameters
    ----------
    manifest_file
        seal.json itself, which the manifest cannot list.
    licence
        Terms of the results, in words of the site.
    """
    files = [*manifest.files, manifest_file]
    made_from = [_input(number, file) for number, file in enumerate(manifest.provenance["inputs"], 1)]
    tools = [_tool(name, version) for name, version in manifest.provenance["tools"].items()]
    outputs = [_reference(file.path) for file in files]
    site = manifest.settings.get("site")
    graph = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": _reference("./"),
            "conformsTo": [_reference("https://w3id.org/ro/crate/1.1"), _reference(PROFILES[2])],
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Genomic stability of lot {manifest.lot_id}, revision {manifest.revision}",
            "description": f"Sealed results of lot {manifest.lot_id}: verdict {manifest.outcome} by {manifest.criteria.name}"
            f" {manifest.criteria.version}; record sha256 {manifest.record_sha256}.",
            "datePublished": manifest.sealed_at,
            "license": _reference(DATA_LICENCE),
            "conformsTo": list(map(_reference, PROFILES)),
            "author": _reference(AGENT),
            **({"publisher": _reference(SITE)} if site else {}),
            "hasPart": [*outputs, _reference(README), _reference(WORKFLOW)],
            "mainEntity": _reference(WORKFLOW),
            "mentions": _reference(RUN),
            "identifier": manifest.record_sha256,
        },
        _workflow(manifest, tools),
        _run(manifest, made_from, outputs),
        {"@id": AGENT, "@type": "Person", "name": manifest.by, **({"affiliation": _reference(SITE)} if site else {})},
        *([{"@id": SITE, "@type": "Organization", "name": site}] if site else []),
        {"@id": README, "@type": "File", "name": README, "encodingFormat": "text/markdown", "about": _reference("./")},
        {"@id": LANGUAGE, "@type": "ComputerLanguage", "name": "Snakemake", "alternateName": "SMK",
         "identifier": _reference("https://doi.org/10.12688/f1000research.29032.2"), "url": _reference("https://snakemake.github.io")},
        {"@id": LICENCE, "@type": "CreativeWork", "name": "BSD-3-Clause", "description": "Of the workflow."},
        {"@id": DATA_LICENCE, "@type": "CreativeWork", "name": "Terms of the results", "description": licence},
        *(_profile(address) for address in PROFILES),
        *made_from,
        *tools,
        *(_file(file) for file in files),
    ]  # fmt: skip
    return {"@context": CONTEXT, "@graph": graph}


def readme(manifest: Manifest) -> str:
    """What a person reads first in the crate."""
    return (
        f"# Lot {manifest.lot_id}, revision {manifest.revision}\n\n"
        f"Sealed results of karyolot {manifest.provenance['karyolot_version']}: verdict {manifest.outcome}, report"
        f" {manifest.report_id}, sealed {manifest.sealed_at}.\n\n"
        f"`report.html` and `report.pdf` are for reading, `report.json` is the record (sha256 {manifest.record_sha256}),"
        f" `{MANIFEST}` lists every file with its sha256, and `{METADATA}` describes this folder as a Workflow Run RO-Crate.\n"
    )


def _run(manifest: Manifest, made_from: Iterable[Entity], outputs: list[Entity]) -> Entity:
    return {
        "@id": RUN,
        "@type": "CreateAction",
        "name": f"karyolot on lot {manifest.lot_id}, revision {manifest.revision}",
        "description": "Reads of a lot and of its donor to the record and report on its genomic stability.",
        "instrument": _reference(WORKFLOW),
        "agent": _reference(AGENT),
        "object": [_reference(entity["@id"]) for entity in made_from],
        "result": outputs,
        "endTime": manifest.sealed_at.replace("Z", "+00:00"),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }


def _workflow(manifest: Manifest, tools: Iterable[Entity]) -> Entity:
    made = manifest.provenance
    return {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": f"karyolot {made['karyolot_version']}",
        "description": "Snakemake workflow from sequencing reads to a verdict on genomic stability.",
        "programmingLanguage": _reference(LANGUAGE),
        "version": made["commit"] or made["files_sha256"],
        "license": _reference(LICENCE),
        "encodingFormat": "text/x-python",
        "conformsTo": _reference("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        "softwareRequirements": [_reference(tool["@id"]) for tool in tools],
        "sha256": made["files_sha256"],
    }


def _file(file: InputFile) -> Entity:
    kind = file.path.rpartition(".")[2]
    entity = {
        "@id": file.path,
        "@type": "File",
        "name": file.path,
        "contentSize": str(file.bytes),
        "sha256": file.sha256,
    }
    if file.path == MANIFEST:
        entity["description"] = "Manifest of the sealed lot: every file, input and tool with its sha256."
    return entity | ({"encodingFormat": TYPES[kind]} if kind in TYPES else {})


def _input(number: int, file: dict[str, Any]) -> Entity:
    """An input by its checksum: reads stay at the site."""
    return {
        "@id": f"#input-{number}",
        "@type": "CreativeWork",
        "name": file["path"],
        "description": "Input of the run, not part of this crate.",
        "identifier": f"sha256:{file['sha256']}",
        "size": str(file["bytes"]),
    }


def _tool(name: str, version: str) -> Entity:
    return {"@id": f"#tool-{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}


def _profile(address: str) -> Entity:
    kind, _, version = address.removeprefix("https://w3id.org/").rpartition("/")
    return {"@id": address, "@type": "CreativeWork", "name": f"RO-Crate profile {kind}", "version": version}


def _reference(name: str) -> Entity:
    return {"@id": name}
