"""PatchECG: findings from whatever part of an ECG is seen; `tokens` and `network` say how, `predict` does it."""

from ecgimg._verbs import make_callable
from ecgimg.classify.findings import Evidence, Finding, Findings
from ecgimg.classify.predict import classify
from ecgimg.classify.weights import Classifier, load_classifier, shipped_classifier

__all__ = ["Classifier", "Evidence", "Finding", "Findings", "classify", "load_classifier", "shipped_classifier"]

make_callable(__name__)
