"""Scores of a digitized page against the true record.

Competition SNR is that of the PhysioNet challenge of 2025: each lead is shifted by the maximum of the cross-correlation
within ±0.2 s and freed of its offset, what is missing counts as 0 mV, and a page's ratio of powers is held to 384. The
strict SNR aligns nothing: it sees errors of timing, offset and calibration that the first one forgives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate, correlation_lags

Floats = NDArray[np.float64]

# Limits of the competition: its highest ratio of powers (25.8 dB) and its widest shift.
MAX_RATIO = 384.0
_MAX_SHIFT_S = 0.2
# A perfect lead has no finite SNR; leads beyond this limit count alike.
_LIMIT_DB = 60.0
# A page of which less is read counts as failed.
_MIN_COVERAGE = 0.5


@dataclass(frozen=True)
class LeadScore:
    """One lead over the seconds that its page shows.

    Errors in µV over the covered samples; `strict_snr_db` counts missing samples as 0 mV; NaN where nothing was read.
    """

    lead: str
    coverage: float
    strict_snr_db: float
    covered_snr_db: float
    correlation: float
    mae_uv: float
    rmse_uv: float
    shift_ms: float
    signal_power: float
    aligned_error_power: float
    gain_products: tuple[float, float]
    confidence: float = float("nan")


@dataclass(frozen=True)
class PageScore:
    """One page, and what its leads add up to; `ratio` is the competition's, 0 for a page that was not read."""

    stem: str
    groups: Mapping[str, str]
    status: str
    layout_right: bool | None
    leads: tuple[LeadScore, ...]
    ratio: float
    seconds: float
    consistency_db: Mapping[str, float]

    @property
    def coverage(self) -> float:
        """Mean share of the visible samples that was read."""
        return float(np.mean([lead.coverage for lead in self.leads])) if self.leads else 0.0

    @property
    def failed(self) -> bool:
        """True when the page was refused, or less than half of it was read."""
        return self.status in ("refused", "failed") or (bool(self.leads) and self.coverage < _MIN_COVERAGE)

    @property
    def gain_error(self) -> float:
        """Slope of prediction on truth less one, all leads together, each about its own mean."""
        products = np.array([lead.gain_products for lead in self.leads if np.isfinite(lead.mae_uv)])
        if not len(products) or products[:, 1].sum() <= 0:
            return float("nan")
        return float(products[:, 0].sum() / products[:, 1].sum() - 1)


def score_lead(lead: str, truth_mv: Floats, read_mv: Floats, fs_hz: float, confidence: float) -> LeadScore:
    """Score samples that were printed, NaN in `truth_mv` where the truth is not known, in `read_mv` where not read."""
    known = np.isfinite(truth_mv)
    truth, read = truth_mv[known], read_mv[known]
    covered = np.isfinite(read)
    power = float((truth**2).sum())
    if not covered.any():
        nan = float("nan")
        return LeadScore(lead, 0.0, 0.0, nan, nan, nan, nan, nan, power, power, (0.0, 0.0), confidence)
    # Samples that were not read count as 0 mV, in both scores.
    filled = np.where(covered, read, 0.0)
    moved, lag = _aligned(truth, filled, round(_MAX_SHIFT_S * fs_hz))
    error = filled - truth
    both = np.isfinite(moved) & _moved_flags(covered, lag)
    centred_truth = truth[both] - truth[both].mean() if both.any() else np.zeros(0)
    centred_read = moved[both] - moved[both].mean() if both.any() else np.zeros(0)
    # A flat lead has no correlation.
    varies = covered.sum() > 2 and truth[covered].std() > 0 and read[covered].std() > 0
    return LeadScore(
        lead=lead,
        coverage=float(covered.mean()),
        strict_snr_db=_db(power, float((error**2).sum())),
        covered_snr_db=_db(float((truth[covered] ** 2).sum()), float((error[covered] ** 2).sum())),
        correlation=float(np.corrcoef(truth[covered], read[covered])[0, 1]) if varies else float("nan"),
        mae_uv=1000 * float(np.abs(error[covered]).mean()),
        rmse_uv=1000 * float(np.sqrt((error[covered] ** 2).mean())),
        shift_ms=-1000 * lag / fs_hz,
        signal_power=power,
        aligned_error_power=float(((truth - np.nan_to_num(moved)) ** 2).sum()),
        gain_products=(float((centred_truth * centred_read).sum()), float((centred_truth**2).sum())),
        confidence=confidence,
    )


def page_ratio(leads: Iterable[LeadScore]) -> float:
    """Return the competition's ratio of powers of a page that was read."""
    leads = tuple(leads)
    noise = sum(lead.aligned_error_power for lead in leads)
    return float(min(sum(lead.signal_power for lead in leads) / noise, MAX_RATIO)) if noise > 0 else MAX_RATIO


def _aligned(truth: Floats, read: Floats, max_shift: int) -> tuple[Floats, int]:
    """Return `read` shifted onto `truth` and freed of its offset (NaN beyond its ends), and the samples it moved."""
    similarity = correlate(truth - truth.mean(), read - read.mean(), mode="full")
    lags = correlation_lags(len(truth), len(read), mode="full")
    near = np.abs(lags) <= max_shift
    similarity, lags = similarity[near], lags[near]
    # Of equal maxima the smallest shift counts: a flat reading must not seem moved.
    best = np.flatnonzero(similarity == similarity.max())
    lag = int(lags[best[np.abs(lags[best]).argmin()]])
    moved = np.full(len(truth), np.nan)
    if lag >= 0:
        moved[lag:] = read[: len(truth) - lag]
    else:
        moved[:lag] = read[-lag:]
    known = np.isfinite(moved)
    return moved - (moved[known] - truth[known]).mean(), lag


def _moved_flags(flags: NDArray[np.bool_], lag: int) -> NDArray[np.bool_]:
    moved = np.zeros(len(flags), bool)
    if lag >= 0:
        moved[lag:] = flags[: len(flags) - lag]
    else:
        moved[:lag] = flags[-lag:]
    return moved


def _db(signal: float, noise: float) -> float:
    if signal <= 0:
        return 0.0
    return float(np.clip(10 * np.log10(signal / noise), -_LIMIT_DB, _LIMIT_DB)) if noise > 0 else _LIMIT_DB
