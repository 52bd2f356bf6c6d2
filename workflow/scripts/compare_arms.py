"""Rule `compare_arms`: fold changes of a lot and places of the genes -> expression along chromosome arms."""

from karyolot import runtime
from karyolot.contracts.copy_number import Bins
from karyolot.contracts.expression import ArmShifts, DifferentialExpression, Genes
from karyolot.contracts.settings import Section
from karyolot.io.tables import read_table, write_table
from karyolot.rna.arms import arm_shifts

with runtime.job(snakemake, Section):
    given = snakemake.input
    table, genes = read_table(given.table, DifferentialExpression), read_table(given.genes, Genes)
    write_table(arm_shifts(table, genes, read_table(given.bins, Bins)), snakemake.output.arms, ArmShifts)
