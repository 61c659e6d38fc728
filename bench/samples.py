"""Whether two samples of timings could be of one kind: Mann-Whitney (is one shifted?) and Kolmogorov-Smirnov (is it shaped otherwise?)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class Comparison(msgspec.Struct, frozen=True):
    """`auc`: how often a timing of the first sample is longer than one of the second; 0.5 when they are alike. p-values are two-sided."""

    auc: float
    shift_p: float
    shape_p: float

    @property
    def p(self) -> float:
        return min(self.shift_p, self.shape_p)


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Asymptotic p-values: good to the second digit from some fifty timings a sample on."""
    n, m = len(first), len(second)
    ordered = sorted([(value, True) for value in first] + [(value, False) for value in second])
    ranks = ties = 0.0
    farthest = 0.0
    seen = [0, 0]
    start = 0
    while start < n + m:
        end = start
        while end < n + m and ordered[end][0] == ordered[start][0]:
            end += 1
        alike = end - start
        ours = sum(is_first for _, is_first in ordered[start:end])
        ranks += ours * (start + 1 + end) / 2
        ties += alike**3 - alike
        seen[0] += ours
        seen[1] += alike - ours
        farthest = max(farthest, abs(seen[0] / n - seen[1] / m))
        start = end
    pairs = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1))))
    shift = abs(pairs - n * m / 2) / spread if spread else 0.0
    return Comparison(pairs / (n * m), math.erfc(shift / math.sqrt(2)), _kolmogorov(farthest, n * m / (n + m)))


def _kolmogorov(distance: float, size: float) -> float:
    """Stephens' approximation (Numerical Recipes, 14.3.3)."""
    x = (math.sqrt(size) + 0.12 + 0.11 / math.sqrt(size)) * distance
    if x < 0.3:
        return 1.0
    return float(min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101)))))
