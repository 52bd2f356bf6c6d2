"""How many independent tests is the search for a segment worth? What BINS_PER_TEST and MOST_TESTS_PER_BIN of
`karyolot.dna.thresholds` are fitted to.

    .venv/bin/python benchmarks/scan_threshold.py        (about ten minutes, and as long again for 60,000 bins)

White noise on genomes of 150 to 60,000 bins in 40 arms of realistic relative length; the largest |z| of any stretch is
taken from each of 600 genomes; its 95 % quantile equals that of n x `tests_per_bin` independent tests. `used` is what the
pipeline takes.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from karyolot.contracts.copy_number import Noise
from karyolot.dna.segment import _Search, track
from karyolot.dna.thresholds import BINS_PER_TEST, MOST_TESTS_PER_BIN

GENOMES = 600
WHITE = Noise(
    blocks=(1,),
    measured=(1.0,),
    inflation=(1.0,),
    white=1.0,
    lengths=(),
    waves=(),
    bins=1000,
    assessable=True,
    reason="",
)


def main() -> None:
    generator = np.random.default_rng(1)
    shares = np.linspace(0.2, 1.8, 40) / 40
    print("bins\tquantile_95\ttests_per_bin\tused")
    for bins in (150, 500, 1500, 5000, 15000, 60000):
        largest = []
        for _ in range(GENOMES):
            scores = [0.0]
            for share in shares:
                n = max(6, round(bins * share))
                arm = track(generator.normal(size=n), np.ones(n), WHITE)
                for against_rest in (True, False):
                    found = _Search(arm, 0, n, 3, against_rest).best()
                    scores.append(found[0] if found else 0.0)
            largest.append(max(scores))
        quantile = float(np.quantile(largest, 0.95))
        used = min(bins / BINS_PER_TEST, MOST_TESTS_PER_BIN)
        print(f"{bins}\t{quantile:.2f}\t{0.05 / (2 * norm.sf(quantile)) / bins:.1f}\t{used:.1f}", flush=True)


if __name__ == "__main__":
    main()
