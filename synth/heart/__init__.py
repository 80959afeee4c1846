"""A simulated heart: twelve leads and more, with statements and the exact place of every wave.

>>> import numpy as np
>>> from synth.heart import HeartSpec, simulate
>>> beats = simulate(HeartSpec(rate_bpm=62, conduction="clbbb"), np.random.default_rng(1))
>>> beats.record.leads[:3], beats.labels
(('I', 'II', 'III'), ('SR', 'CLBBB'))
"""

from synth.heart.fiducials import Fiducials, LeadWave
from synth.heart.random_spec import make_random_heart_spec
from synth.heart.simulate import SimulatedEcg, simulate
from synth.heart.spec import HeartSpec

__all__ = ["Fiducials", "HeartSpec", "LeadWave", "SimulatedEcg", "make_random_heart_spec", "simulate"]
