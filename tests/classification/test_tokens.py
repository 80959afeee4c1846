"""Tokens: what is hidden never matters, what is empty gives none, and a part of a patch is not the whole of it."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.classification.tokens import MARGIN, PATCH, WINDOW, tokenize
from ecgimg.leads import STANDARD_LEADS
from layouts import load_layout, visible_window


def record(seed: int = 0, samples: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (1, 12, samples)).astype(np.float32)


def test_tokenize_whole_record():
    """A whole record gives a token for every patch of every lead."""
    tokens = tokenize(record())
    assert tokens.values.shape == (1, 12 * 16, 2, WINDOW)
    assert tokens.present.all()
    assert sorted(set(tokens.lead[0].tolist())) == list(range(12))
    assert tokens.time_s.max() == pytest.approx(15.5 * 0.64)


def test_tokenize_patch_with_margins():
    """A token holds its patch and the margins."""
    signals = record()
    tokens = tokenize(signals)
    at = int(np.flatnonzero((tokens.lead[0] == 3) & np.isclose(tokens.time_s[0], 2.5 * 0.64))[0])
    expected = signals[0, 3, 2 * PATCH - MARGIN : 3 * PATCH + MARGIN]
    np.testing.assert_array_equal(tokens.values[0, at, 0], expected)
    assert tokens.values[0, at, 1].all()


@pytest.mark.parametrize("name", ["3x4", "3x4+II", "6x2", "1x1"])
def test_tokenize_layout(name):
    """Only what a layout shows gives tokens."""
    shown = visible_window(load_layout(name), STANDARD_LEADS, 100.0, 1000)
    tokens = tokenize(np.where(shown, record(), np.nan).astype(np.float32))
    expected = sum(len({k // PATCH for k in np.flatnonzero(row)}) for row in shown)
    assert tokens.present.sum() == tokens.values.shape[1] == expected


def test_tokenize_with_masked_values():
    """Values under the mask never matter."""
    shown = visible_window(load_layout("3x4+II"), STANDARD_LEADS, 100.0, 1000)
    one, other = (
        tokenize(np.where(shown, signals, np.nan).astype(np.float32))
        for signals in (record(), record() * np.where(shown, 1, 9))
    )
    np.testing.assert_array_equal(one.values, other.values)


def test_tokenize_partial_patch():
    """A partial patch is kept, and differs from a whole one."""
    whole, part = record(samples=PATCH), record(samples=PATCH)
    part[0, :, 40:] = np.nan
    tokens = tokenize(part)
    assert tokens.present.all()
    assert not np.array_equal(tokens.values, tokenize(whole).values)
    assert tokens.values[0, 0, 1].sum() == 40


def test_tokenize_batch():
    """The records of a batch are padded to the longest."""
    both = np.concatenate([record(0), record(1)])
    both[1, 3:] = np.nan
    tokens = tokenize(both)
    assert tokens.present.sum(axis=1).tolist() == [192, 48]
    assert not tokens.values[1, 48:].any()


def test_tokenize_record_without_values():
    """A record without values has no present token."""
    assert not tokenize(np.full((1, 12, 100), np.nan, np.float32)).present.any()
