"""Rule `summarise_foreign`: alignments to the panel of foreign sequences -> what was found, copies, integrations."""

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.foreign import PanelSequence
from karyolot.contracts.settings import Section
from karyolot.dna.foreign import foreign_metrics, search
from karyolot.dna.mitochondria import nuclear_reads
from karyolot.inputs.formats import foreign_panel
from karyolot.io.files import read_json, write_metrics
from karyolot.io.foreign import read_searched
from karyolot.io.results import write_found
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, Section):
    given, made = snakemake.input, snakemake.output
    rows = foreign_panel.read(given.panel[0])
    panel, bins = [PanelSequence(*row) for row in rows], read_table(given.bins, Bins)
    said = zip([read_table(path, Counts) for path in given.counts], map(read_json, given.flagstat), strict=True)
    nuclear = dict(zip(("lot", "donor"), [nuclear_reads(bins, *pair) for pair in said], strict=True))
    samples = read_searched(given.hits, panel, snakemake.params.samples, nuclear)
    found = search(samples, panel, foreign_panel.missing([row.name for row in panel]))
    write_found(found, dict(made.items()))
    write_metrics(foreign_metrics(found), made.metrics)
