"""Synthetic ECG pages with exact truth: a simulated heart, the page renderer, paper and camera damage, labels."""

from synth.heart import HeartSpec, sample_heart, simulate
from synth.kit import kit_pages, read_kit_page
from synth.masks import Masks, load_masks
from synth.page import Page, make_page
from synth.pages import pages, write_pages
from synth.sample_damage import sample_damage
from synth.sample_spec import sample_spec
from synth.spec import PageSpec
from synth.truth import PageTruth, TextTruth, TraceTruth, load_truth

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
