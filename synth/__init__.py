"""Synthetic ECG pages with exact truth: a simulated heart, the page renderer, paper and camera damage, labels."""

from synth.ecg_image_kit import kit_pages, read_kit_page
from synth.heart import HeartSpec, sample_heart, simulate
from synth.labels.masks import Masks, load_masks
from synth.labels.truth import PageTruth, TextTruth, TraceTruth, load_truth
from synth.page import Page, make_page
from synth.pages import pages, write_pages
from synth.random_degradation import sample_damage
from synth.random_page_spec import sample_spec
from synth.spec import PageSpec

__all__ = [
    "HeartSpec",
    "Masks",
    "Page",
    "PageSpec",
    "PageTruth",
    "TextTruth",
    "TraceTruth",
    "kit_pages",
    "load_masks",
    "load_truth",
    "make_page",
    "pages",
    "read_kit_page",
    "sample_damage",
    "sample_heart",
    "sample_spec",
    "simulate",
    "write_pages",
]
