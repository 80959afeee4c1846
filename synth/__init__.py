"""Synthetic ECG pages with exact truth: a simulated heart, the page renderer, paper and camera degradation, labels."""

from synth.ecg_image_kit import ecg_image_kit_pages, read_ecg_image_kit_page
from synth.heart import HeartSpec, make_random_heart_spec, simulate
from synth.labels.masks import Masks, load_masks
from synth.labels.truth import PageTruth, TextTruth, TraceTruth, load_truth
from synth.page import Page, make_page
from synth.page_folder import write_pages
from synth.page_spec import PageSpec
from synth.page_stream import pages
from synth.random_degradation import make_random_degradation
from synth.random_page_spec import make_random_page_spec

__all__ = [
    "HeartSpec",
    "Masks",
    "Page",
    "PageSpec",
    "PageTruth",
    "TextTruth",
    "TraceTruth",
    "ecg_image_kit_pages",
    "load_masks",
    "load_truth",
    "make_page",
    "make_random_degradation",
    "make_random_heart_spec",
    "make_random_page_spec",
    "pages",
    "read_ecg_image_kit_page",
    "simulate",
    "write_pages",
]
