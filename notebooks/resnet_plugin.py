"""A classifier of one's own, put through the test of layouts: here a ResNet that reads zeros where nothing is printed.

    ecgimg train classifier --network resnet --records records.npz --labels labels.csv --out resnet
    PYTHONPATH=notebooks ecgimg evaluate layouts --model resnet_plugin:predict --records test.npz --labels test.csv

Any callable ``(signals_mv, mask, fs_hz) -> probabilities`` will do; `labels` names its columns. It is given
records at 100 Hz in mV, the twelve leads in their usual order, and 0 in place of NaN where the mask is False.
"""

import os

import numpy as np
import onnxruntime

from ecgimg.classification.labels import LABELS

WEIGHTS = os.environ.get("RESNET_ONNX", "resnet/classifier.onnx")


def predict(signals_mv, mask, fs_hz):
    """Return probabilities (records, labels) for signals (records, 12, samples) in mV, 0 where the mask is False."""
    assert fs_hz == 100, "the network reads 100 samples a second"
    session = onnxruntime.InferenceSession(WEIGHTS)
    channels = np.concatenate([signals_mv, mask], axis=1).astype(np.float32)
    (logits,) = session.run(None, {"channels": channels})
    return 1 / (1 + np.exp(-logits))


predict.labels = LABELS
