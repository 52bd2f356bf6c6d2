# %% [markdown]
# # A finished lot in Python
#
# This notebook reads a finished study: the example of `karyolot simulate example --size tiny && karyolot run example`, or yours.
# It needs no other package than karyolot.

# %%
import os
from pathlib import Path

import karyolot

study = Path(os.environ.get("KARYOLOT_STUDY", "example"))
records = {lot: karyolot.read_record(study, lot) for lot in karyolot.lots(study)}

# %% [markdown]
# ## Verdicts
#
# A record holds everything that the report says.

# %%
for lot, record in records.items():
    print(f"{lot:<12} {record.verdict.outcome:<14} {record.verdict.headline}")

# %% [markdown]
# ## Copy number of one lot
#
# Calls, with the cell fraction and its 95% interval, and the limits of detection.

# %%
lot = next(name for name, record in records.items() if record.verdict.outcome == "FAIL")
tables = karyolot.read_tables(study, lot)
calls = tables["calls"]
print(calls[["chrom", "start", "end", "type", "fraction", "fraction_low", "fraction_high"]].to_string())

# %%
print(tables["lod"].to_string())

# %% [markdown]
# Figure 1 of the report; in a notebook the last line of a cell shows it.

# %%
picture = karyolot.plot_genome(records[lot])
picture

# %% [markdown]
# ## Your own numbers
#
# Bins of each chromosome, median and standard deviation of their log2 ratio.

# %%
used = tables["log_ratios"].query("mask.isna()")
print(used.groupby("chrom", sort=False)["log2"].agg(["size", "median", "std"]).round(3).to_string())

# %% [markdown]
# ## Expression
#
# AnnData with the samples of the lot and of its donor; layers and columns as scanpy expects them.

# %%
expression = karyolot.read_expression(study, lot)
print(expression)

# %%
is_albumin = (expression.var["gene_name"] == "ALB").to_numpy()
albumin = expression.layers["tpm"][:, is_albumin].mean(axis=1)
print(expression.obs.assign(albumin_tpm=albumin)[["state", "albumin_tpm"]].round(1).to_string())
