"""Differential expression on a planted study and on real counts, beside R's DESeq2.

    .venv/bin/python benchmarks/expression.py                             redoes expression.tsv (fifteen minutes)
    .venv/bin/python benchmarks/expression.py --liver-kidney FOLDER       redoes liver_kidney.tsv

Debian's r-bioc-deseq2 and r-bioc-org.hs.eg.db (symbols) are needed for the committed tables; without them R is left out.

Planted: 3 donors x 2 states x 2 replicates, dispersions scattering about their trend with a log sd of 0.5; false
discoveries and power at an adjusted p of 0.05 over 100 studies of 2,000 genes of which a third changed by 2^1 to 2^3, as
a change of cell type does, and over 30 of which a tenth changed by 2^0.5 to 2^2, which is harder: there the method itself
gives more false discoveries than it says, in R as here. One study of 20,000 genes for time
and memory, and one of 6 samples x 20,000 genes from counts to the enrichment of the shipped gene sets. Each engine runs in
a process of its own, of which CPU seconds and peak memory are those of the system's accounts, start and imports included.
FOLDER holds marioni2008_human_liver_kidney_counts.tsv.gz and marioni2008_samples.tsv (Marioni 2008, as in Bioconductor's
NOISeq).
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from meter import metered

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

GENES, MANY_GENES = 2_000, 20_000
STRONG, WEAK = (1 / 3, 1.0, 3.0), (0.1, 0.5, 2.0)
"""Fraction of genes that change, least and largest log2 change."""
ALPHA = 0.05
R_ENGINE = """
suppressMessages(library(DESeq2))
for (name in commandArgs(TRUE)) {
  counts <- as.matrix(read.delim(paste0(name, ".counts.tsv"), row.names = 1, check.names = FALSE))
  samples <- read.delim(paste0(name, ".samples.tsv"), row.names = 1, stringsAsFactors = TRUE)
  design <- if (nlevels(samples$donor) > 1) ~ donor + state else ~ state
  found <- results(DESeq(DESeqDataSetFromMatrix(counts, samples, design), quiet = TRUE), alpha = 0.05)
  table <- data.frame(gene_id = rownames(found), as.data.frame(found)[c("baseMean", "log2FoldChange", "stat", "pvalue", "padj")])
  names(table)[-1] <- c("base_mean", "log2fc", "stat", "p", "padj")
  write.table(table, paste0(name, ".r.tsv"), sep = "\\t", quote = FALSE, row.names = FALSE, na = "")
}
"""


def simulate(
    folder: Path, name: str, genes: int, replicates: int, seed: int, changes: tuple[float, float, float] = STRONG
) -> pd.Series:
    """Writes counts and samples; True for a changed gene, by gene id."""
    generator = np.random.default_rng(seed)
    base = np.exp(generator.normal(np.log(150), 2, genes))
    dispersion = (0.03 + 2 / base) * np.exp(generator.normal(0, 0.5, genes))
    share, least, largest = changes
    changed = generator.random(genes) < share
    change = np.where(changed, generator.choice([-1, 1], genes) * generator.uniform(least, largest, genes), 0)
    donors = generator.normal(0, 0.5, (3, genes))
    samples = [(donor, state) for donor in range(3) for state in (0, 1) for _ in range(replicates)]
    depth = np.exp(generator.normal(0, 0.3, len(samples)))
    mean = np.array([base * 2 ** (donors[donor] + state * change) for donor, state in samples]) * depth[:, None]
    counts = generator.poisson(mean * generator.gamma(1 / dispersion, dispersion, mean.shape))
    ids = pd.Index(gene_names(genes), name="gene_id")
    names = [f"S{place:02d}" for place in range(len(samples))]
    labels = [(f"D{donor}", ("hepatocyte", "lot")[state]) for donor, state in samples]
    pd.DataFrame(counts.T, ids, names).to_csv(folder / f"{name}.counts.tsv", sep="\t")
    pd.DataFrame(labels, names, ["donor", "state"]).to_csv(folder / f"{name}.samples.tsv", sep="\t")
    return pd.Series(changed, ids)


def shipped_sets() -> tuple[dict[str, frozenset[str]], pd.DataFrame]:
    from karyolot.contracts.expression import SetAxes
    from karyolot.inputs.formats import gene_sets

    shipped = ROOT / "resources/gene_sets"
    sets, axes = gene_sets.read(sorted(shipped.glob("*.gmt")), shipped / "axes.tsv")
    return dict(sets), SetAxes.of(axes)


def gene_names(genes: int) -> list[str]:
    """Those of the shipped gene sets, and others."""
    known = sorted(set().union(*shipped_sets()[0].values()))[:genes]
    return known + [f"OTHER{place}" for place in range(genes - len(known))]


def run_ours(names: list[str], enriched: bool) -> None:
    """In a process of its own: tests, and for the last study enriches."""
    from anndata import AnnData

    from karyolot.contracts.settings import Pathways
    from karyolot.rna.camera import residuals
    from karyolot.rna.differential import differential
    from karyolot.rna.enrichment import enrich

    for name in names:
        counts = pd.read_csv(f"{name}.counts.tsv", sep="\t", index_col=0)
        samples = pd.read_csv(f"{name}.samples.tsv", sep="\t", index_col=0).assign(lot="")
        genes = pd.DataFrame({"gene_name": counts.index}, counts.index.rename("gene_id"))
        data = AnnData(obs=samples, var=genes, layers={"counts": counts.to_numpy().T})
        table = differential(data, "~ donor + state")
        table.to_csv(f"{name}.karyolot.tsv", sep="\t", index=False)
    if enriched:
        sets, axes = shipped_sets()
        enrich(table, sets, axes, Pathways(), residuals(data, "~ donor + state"))


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MiB of a command. One thread: more of them fight over the same small matrices."""
    used = metered(f"OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 exec {shlex.join(command)}")
    return used.cpu_s, used.max_mb * 1_000 / 1_024


def engines(enriched: bool = False) -> dict[str, list[str]]:
    """Name -> command that takes names of studies; R only where it is installed."""
    ours = {"karyolot": [sys.executable, __file__, "--enrich" if enriched else "--test"]}
    rscript = shutil.which("Rscript")
    asked = [rscript or "", "-e", 'quit(status = !requireNamespace("DESeq2", quietly = TRUE))']
    if not rscript or subprocess.run(asked, capture_output=True, check=False).returncode:
        print("R with DESeq2: not installed", file=sys.stderr)
        return ours
    return ours | {"r": [rscript, "-e", R_ENGINE]}


def judge(folder: Path, what: str, truth: dict[str, pd.Series], samples: int, enriched: bool = False) -> pd.DataFrame:
    """One row per engine: discoveries, how many of them are false, power, agreement with R."""
    commands = engines(enriched)
    cost = {engine: measured([*line, *(str(folder / name) for name in truth)]) for engine, line in commands.items()}
    called = {
        engine: {
            name: pd.read_csv(folder / f"{name}.{engine}.tsv", sep="\t", index_col="gene_id")["padj"].reindex(
                truth[name].index
            )
            < ALPHA
            for name in truth
        }
        for engine in commands
    }
    theirs = called.get("r", {})
    rows = []
    for engine, calls in called.items():
        false = [(call & ~truth[name]).sum() / max(1, call.sum()) for name, call in calls.items()]
        alike = [(calls[name] & call).sum() / (calls[name] | call).sum() for name, call in theirs.items()]
        rows.append(
            {
                "study": what,
                "engine": {"r": "R DESeq2"}.get(engine, engine),
                "studies": len(calls),
                "samples": samples,
                "genes": len(next(iter(truth.values()))),
                "discoveries": round(np.mean([call.sum() for call in calls.values()]), 1),
                "false_discovery_rate": round(np.mean(false), 4),
                "its_standard_error": round(np.std(false, ddof=1) / np.sqrt(len(false)), 4) if len(false) > 1 else None,
                "power": round(np.mean([call[truth[name]].mean() for name, call in calls.items()]), 4),
                "jaccard_with_r": round(np.mean(alike), 4) if alike else None,
                "cpu_s": round(cost[engine][0], 1),
                "peak_mib": round(cost[engine][1]),
            }
        )
    return pd.DataFrame(rows)


def planted() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = []
        for what, studies, changes in (("a third changed", 100, STRONG), ("a tenth changed, and less", 30, WEAK)):
            many = {f"s{seed}": simulate(folder, f"s{seed}", GENES, 2, seed, changes) for seed in range(studies)}
            parts.append(judge(folder, what, many, 12))
        large = {"large": simulate(folder, "large", MANY_GENES, 2, 1000)}
        parts.append(judge(folder, "a third changed", large, 12))
        six = {"six": simulate(folder, "six", MANY_GENES, 1, 1001)}
        parts.append(judge(folder, "counts to enrichment (R: to results)", six, 6, enriched=True))
    table = pd.concat(parts)
    table.to_csv(ROOT / "benchmarks/expression.tsv", sep="\t", index=False)
    print(table.to_string(index=False))


def liver_kidney(source: Path, top: int = 15) -> None:
    """Technical replicates of one liver and one kidney: p values are too small in any engine; ranks and changes count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = pd.read_csv(source / "marioni2008_human_liver_kidney_counts.tsv.gz", sep="\t", index_col=0)
        samples = pd.read_csv(source / "marioni2008_samples.tsv", sep="\t", index_col=0).loc[counts.columns]
        states = samples["Tissue"].map({"Kidney": "hepatocyte", "Liver": "lot"})  # liver over kidney
        counts.rename_axis("gene_id").to_csv(folder / "real.counts.tsv", sep="\t")
        pd.DataFrame({"donor": "D", "state": states}).to_csv(folder / "real.samples.tsv", sep="\t")
        found = {}
        for engine, line in engines().items():
            measured([*line, str(folder / "real")])
            found[engine] = pd.read_csv(folder / f"real.{engine}.tsv", sep="\t", index_col="gene_id")
    ours = found["karyolot"].sort_values("stat", ascending=False)
    columns = ["base_mean", "log2fc", "stat", "padj"]
    table = ours[columns].head(top)
    if "r" in found:
        theirs = found["r"].reindex(ours.index)
        table = table.join(theirs[["log2fc", "stat", "padj"]], rsuffix="_r")
        both = [frame["padj"] < ALPHA for frame in (ours, theirs)]
        alike = (both[0] & both[1]).sum()
        known = ours["base_mean"] > 5
        away = (ours["log2fc"] - theirs["log2fc"])[known].abs()
        print(f"padj < {ALPHA}: {both[0].sum()} here, {both[1].sum()} in R, {alike} in both: Jaccard "
              f"{alike / (both[0] | both[1]).sum():.3f}")  # fmt: skip
        print(f"largest difference of log2 fold changes at a base mean above 5: {away.max():.2g}")
        print(f"top {top} the same: {set(table.index) == set(theirs['stat'].nlargest(top).index)}")
        table.insert(0, "symbol", symbols(list(table.index)))
    table.to_csv(ROOT / "benchmarks/liver_kidney.tsv", sep="\t", float_format="%.4g")
    print(table.to_string())


def symbols(ensembl: list[str]) -> list[str]:
    """As Debian's org.Hs.eg.db has them; NA where that is not installed or does not know a gene."""
    script = """ids <- commandArgs(TRUE)
        known <- requireNamespace("org.Hs.eg.db", quietly = TRUE)
        map <- function() AnnotationDbi::mapIds(org.Hs.eg.db::org.Hs.eg.db, ids, "SYMBOL", "ENSEMBL")
        cat(if (known) suppressMessages(map()) else rep(NA, length(ids)), sep = "\n")"""
    done = subprocess.run(["Rscript", "-e", script, *ensembl], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--liver-kidney", type=Path, metavar="FOLDER")
    parser.add_argument("--test", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--enrich", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.test or given.enrich:
        run_ours(given.test or given.enrich, bool(given.enrich))
    elif given.liver_kidney:
        liver_kidney(given.liver_kidney)
    else:
        planted()


if __name__ == "__main__":
    main()
