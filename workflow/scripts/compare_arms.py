"""Rule `compare_arms`: fold changes of a lot, those of the panel, positions of genes -> expression along chromosome arms."""

from karyolot.contracts.copy_number import Bins
from karyolot.contracts.expression import ArmShifts, DifferentialExpression, Genes
from karyolot.contracts.settings import Section
from karyolot.io.panel import read_panel
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.arms import arm_shifts
from karyolot.rna.panel import typical_changes

with job(snakemake, Section):
    given = snakemake.input
    table, genes = read_table(given.table, DifferentialExpression), read_table(given.genes, Genes)
    typical = typical_changes(read_panel(given.panel[0]), snakemake.wildcards.lot) if given.panel else None
    write_table(arm_shifts(table, genes, read_table(given.bins, Bins), typical), snakemake.output.arms, ArmShifts)
