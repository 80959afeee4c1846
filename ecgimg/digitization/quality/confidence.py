"""How far a lead can be trusted: the chance that its mean error is below 100 µV, from what the page itself shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_WEIGHTS = {
    "bias": 6.59,
    "log_error": -0.307,
    "log_size": -1.47,
    "agreement": 0.126,
    "layout": 3.56,
    "gain_assumed": -2.05,
    "no_ruling": -1.57,
    "missing": -2.97,
}
"""A logistic regression on 3 199 leads of 300 synthetic pages, seed 2 000 000: no reported number is from these."""

_UNKNOWN_DB = 8.0
_AGREEMENT_DB = (-5.0, 20.0)


@dataclass(frozen=True)
class PageEvidence:
    """What speaks for a page: its layout's confidence, its agreement with itself (dB), a known gain, a ruling."""

    layout_confidence: float
    agreement_db: Mapping[str, float]
    is_gain_known: bool
    has_grid: bool


def lead_confidence(error_uv: float, covered: float, size_uv: float, page: PageEvidence) -> float:
    """Return the chance 0-1 that a lead's mean absolute error is below 100 µV.

    Parameters
    ----------
    error_uv : float
        The error that the stroke reader expects of the lead's trace.
    covered : float
        Share of the lead's cell that was read, 0-1.
    size_uv : float
        Standard deviation of what was read.
    """
    values = confidence_features(error_uv, covered, size_uv, page)
    return float(1 / (1 + np.exp(-sum(_WEIGHTS[name] * value for name, value in values.items()))))


def confidence_features(error_uv: float, covered: float, size_uv: float, page: PageEvidence) -> dict[str, float]:
    """Return the numbers that `lead_confidence` weighs, by name."""
    agreement = min(page.agreement_db.values()) if page.agreement_db else _UNKNOWN_DB
    return {
        "bias": 1.0,
        "log_error": float(np.log(max(error_uv, 0.5))),
        "log_size": float(np.log(max(size_uv, 10.0))),
        "agreement": float(np.clip(agreement, *_AGREEMENT_DB)),
        "layout": page.layout_confidence,
        "gain_assumed": 0.0 if page.is_gain_known else 1.0,
        "no_ruling": 0.0 if page.has_grid else 1.0,
        "missing": 1 - covered,
    }
