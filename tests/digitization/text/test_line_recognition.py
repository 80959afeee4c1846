"""Lines of print are decoded from the output of their network."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.text.line_recognition import ALPHABET, decode_ctc


def test_decode_ctc_of_blanks_and_repeats():
    """Decoding drops blanks and repeats."""
    logits = np.full((9, 1 + len(ALPHABET)), -9.0)
    for frame, letter in enumerate("--mm-mm/s"):
        logits[frame, 0 if letter == "-" else 1 + ALPHABET.index(letter)] = 9
    read = decode_ctc(logits)
    assert read.text == "mm/s"
    assert (read.confidences > 0.99).all()
    assert decode_ctc(logits[:2]).text == ""


@pytest.mark.parametrize(("sure", "text"), [(3.0, "chest: 5"), (9.0, "ches t: 5")])
def test_decode_ctc_of_doubtful_space(sure: float, text: str):
    """A doubtful space within a word is dropped."""
    line = "ches t: 5"
    logits = np.full((len(line), 1 + len(ALPHABET)), -9.0)
    for frame, letter in enumerate(line):
        logits[frame, 1 + ALPHABET.index(letter)] = 9
    logits[4, [0, 1 + ALPHABET.index(" ")]] = 2.5, sure
    read = decode_ctc(logits)
    assert read.text == text
    assert len(read.confidences) == len(read.positions_px) == len(text)
