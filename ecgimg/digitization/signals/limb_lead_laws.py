"""The laws of the limb leads (Einthoven 1912, Goldberger 1942): all six are mixtures of leads I and II."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.numerics import Floats

LIMB_LEAD_MIX = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
"""How much of lead I and of lead II each limb lead holds."""


@dataclass(frozen=True, eq=False)
class LimbLeadFit:
    """The leads I and II that explain limb leads best.

    Parameters
    ----------
    leads_i_ii : (2, n) float64
        Fitted leads I and II, mV, without their means.
    power : float
        Sum of the squares of the limb leads, mV².
    residual : float
        Sum of the squares that the fit leaves, mV², divided by its share of the degrees of freedom.
    """

    leads_i_ii: Floats
    power: float
    residual: float


def limb_lead_mix(leads: Iterable[str]) -> Floats:
    """Return how limb leads are made of leads I and II, (leads, 2)."""
    return np.array([LIMB_LEAD_MIX[lead] for lead in leads])


def vanishing_sums(leads: Iterable[str]) -> Floats:
    """Return the weights (leads - 2, leads) of the sums of three or more limb leads that are 0 mV at any time."""
    _, _, basis = np.linalg.svd(limb_lead_mix(leads).T)
    return np.asarray(basis[2:], np.float64)


def fit_limb_leads(mix: Floats, signals_mv: Floats) -> LimbLeadFit:
    """Fit one pair of leads I and II to three or more limb leads, all freed of their means.

    Parameters
    ----------
    mix : (leads, 2) float64
        How each lead is made of leads I and II, as `limb_lead_mix` returns it.
    signals_mv : (leads, n) float64
        Simultaneous samples, without NaN.

    Returns
    -------
    LimbLeadFit
    """
    signals = signals_mv - signals_mv.mean(axis=1, keepdims=True)
    leads_i_ii = np.asarray(np.linalg.lstsq(mix, signals, rcond=None)[0], np.float64)
    # two of the leads are explained exactly, whatever they are: the rest shows the misfit of all
    freedom = len(mix) / (len(mix) - 2)
    residual = float(((signals - mix @ leads_i_ii) ** 2).sum()) * freedom
    return LimbLeadFit(leads_i_ii, float((signals**2).sum()), residual)
