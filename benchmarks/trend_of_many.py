"""The monthly trend of many series at once, in processor seconds; and its p against scipy's exact one.

    python benchmarks/trend_of_many.py                 300,000 series of 24 months

Series are drawn with a fixed seed: shares of few cases (full of ties and holes), medians of hours, flat ones,
ones that move. Twelve of the 24 months are a series' window, as on every night. Without ties the exact p must
be that of scipy.stats.kendalltau(method="exact"), of as many series as ``--compared`` says.
"""

import argparse
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from scipy import stats

from transforms.changes.effects import Effect
from transforms.changes.months import Grid
from transforms.changes.trend import REASONS, trends

MONTHS = 24


def drawn(count: int, seed: int) -> Grid:
    """Half of the series are shares of 3 to 14 cases, half are hours; a tenth of the months are holes."""
    random = np.random.default_rng(seed)
    cases = random.integers(3, 15, (count // 2, MONTHS))
    level = np.clip(
        random.uniform(0.3, 1, (len(cases), 1))
        + np.arange(MONTHS) * random.choice((0, 0, 0.01, -0.02), (len(cases), 1)),
        0,
        1,
    )
    shares = random.binomial(cases, level) / cases
    hours = np.exp(random.normal(1.5, 0.6, (count - len(cases), MONTHS)))
    value = np.concatenate([shares, hours])
    value[random.random(value.shape) < 0.1] = np.nan
    value[::50] = 1.0
    return Grid(value=value, is_final=np.ones(value.shape, np.bool_), segment=np.zeros(value.shape, np.int64))


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, default=300_000)
    parser.add_argument("--compared", type=int, default=2_000, help="series without ties set beside scipy")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    grid = drawn(asked.series, asked.seed)
    used = processor_seconds()
    found = trends(grid, Effect(size=0.1))
    cpu = processor_seconds() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.series:,} series of {MONTHS} months: {cpu:.1f} processor seconds, peak {peak:.0f} MB")
    reasons, counts = np.unique(found.reason, return_counts=True)
    print(", ".join(f"{REASONS[reason]} {n:,}" for reason, n in zip(reasons, counts, strict=True)))
    print(f"largest difference to scipy's exact p without ties: {difference(found, asked.compared):.2g}")


def difference(found: object, compared: int) -> float:
    window, p = found.window, found.p  # type: ignore[attr-defined]
    largest, left = 0.0, compared
    for row in range(len(window) - 1, -1, -1):
        y = window[row][~np.isnan(window[row])]
        if len(np.unique(y)) < len(y) or np.isnan(p[row]):
            continue
        largest = max(largest, abs(p[row] - stats.kendalltau(np.arange(len(y)), y, method="exact").pvalue))
        left -= 1
        if left == 0:
            return largest
    raise SystemExit(f"only {compared - left} of {compared} series could be compared")


if __name__ == "__main__":
    main()
