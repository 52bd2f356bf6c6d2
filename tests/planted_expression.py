"""Counts with a planted truth: donors that differ, states that differ in known genes, replicates that scatter."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData


def expression(
    samples: Sequence[tuple[str, str]],
    changes: Mapping[int, float] | None = None,
    genes: int = 300,
    seed: int = 1,
    dispersion: float = 0.02,
    depth: Sequence[float] | None = None,
    donor_sd: float = 0.0,
) -> AnnData:
    """Genes G000, G001, ... of the given (donor, state) samples, named S0, S1, ...

    changes: gene number -> log2 change of state 'lot'. donor_sd: of log2 differences between donors. dispersion: of
    strongly expressed genes, squared coefficient of variation. TPM are counts per million: genes are of one length.
    """
    rng = np.random.default_rng(seed)
    base = rng.lognormal(5, 1.2, genes)
    donors = {donor: donor_sd * rng.standard_normal(genes) for donor in sorted({donor for donor, _ in samples})}
    change = np.zeros(genes)
    for gene, log2 in (changes or {}).items():
        change[gene] = log2
    scale = np.ones(len(samples)) if depth is None else np.asarray(depth, dtype=float)
    mean = np.array([base * 2 ** (donors[donor] + (state == "lot") * change) for donor, state in samples])
    spread = dispersion + 1 / base  # as in real data: weakly expressed genes scatter more
    counts = rng.poisson(scale[:, None] * mean * rng.gamma(1 / spread, spread, mean.shape))
    return table(counts, samples)


def table(counts: np.ndarray, samples: Sequence[tuple[str, str]], names: Sequence[str] | None = None) -> AnnData:
    """Counts (samples x genes) as expression; gene names are the ids unless given."""
    ids = pd.Index([f"G{place:03d}" for place in range(counts.shape[1])], name="gene_id")
    obs = {
        "donor": [donor for donor, _ in samples],
        "lot": ["L1" if state == "lot" else "" for _, state in samples],
        "state": [state for _, state in samples],
    }
    data = AnnData(
        obs=pd.DataFrame(obs, index=pd.Index([f"S{place}" for place in range(len(samples))], name="sample_id")),
        var=pd.DataFrame({"gene_name": list(ids if names is None else names)}, index=ids),
        layers={
            "counts": counts.astype(np.int64),
            "tpm": 1e6 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
            "length": np.full(counts.shape, 1000.0),
        },
    )
    return with_facts(data)


def with_facts(data: AnnData) -> AnnData:
    """`data` with what the contract asks for beside donor, lot, state and gene names: counts of women, without places."""
    data.obs["sex"] = "F"
    data.obs["passage"] = np.where(data.obs["state"] == "lot", 4, 0)
    data.obs["replicate"] = data.obs.groupby(["donor", "lot"]).cumcount() + 1
    data.obs[["library", "strandedness", "library_type", "platform", "library_kit", "seq_run"]] = ""
    data.var["chrom"] = ""
    for place in ("start", "end"):
        data.var[place] = pd.array([pd.NA] * data.n_vars, dtype="Int64")
    data.var["length"] = 1000.0
    data.uns = {
        "annotation": {"gtf": "", "sha256": "", "genes": 0},
        "quantification": {"method": "counts", "version": "", "index_sha256": ""},
        "made": {"counts": "planted", "karyolot": ""},
    }
    return data


PAIR = [("D1", "hepatocyte"), ("D1", "hepatocyte"), ("D1", "lot"), ("D1", "lot")]
"""A lot and its own donor, two replicates each."""
