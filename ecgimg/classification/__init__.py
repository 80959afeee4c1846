"""PatchECG: findings from whatever part of an ECG is seen; `tokens` and `network` say how, `predict` does it."""

from ecgimg.classification.findings import Evidence, Finding, Findings
from ecgimg.classification.predict import classify
from ecgimg.classification.trained_classifier import Classifier, load_classifier, shipped_classifier

__all__ = ["Classifier", "Evidence", "Finding", "Findings", "classify", "load_classifier", "shipped_classifier"]
