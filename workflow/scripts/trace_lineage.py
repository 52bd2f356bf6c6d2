"""Rule `trace_lineage`: fragments per bin of a lot, of the lots it was grown from and of their donor -> clones over passages."""

from karyolot.contracts.copy_number import Bins, Calls, Counts
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.lineage import LineLot, trace
from karyolot.inputs.reference import places
from karyolot.io.files import read_verdict, write_model
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given, line = snakemake.input, snakemake.params.line
    bins, donor = read_table(given.bins, Bins), read_table(given.donor, Counts)
    atlas = Atlas.of(places(given.layout, given.recurrent, given.gtf))
    earlier = zip(given.verdicts, given.metrics, [lot["lot_id"] for lot in line[:-1]], strict=True)
    usable = [not read_verdict(*files).suppressed for files in earlier]
    counts, calls = (
        [read_table(path, kind) for path in paths] for paths, kind in ((given.counts, Counts), (given.calls, Calls))
    )
    lots = [LineLot(*facts.values(), *own) for facts, *own in zip(line, counts, calls, [*usable, True], strict=True)]
    write_model(trace(bins, lots, donor, snakemake.params.sex, settings, atlas), snakemake.output.kinetics)
