"""The digitizer on pages drawn here, where the truth is known, and on the real pages where their folder exists."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ecgimg import BadRequest, read_record
from ecgimg.digitization import digitize_image, views
from ecgimg.digitization.dewarp.grid_fit import fit_map_to_grid
from ecgimg.digitization.segmentation.segmenter import segment
from ecgimg.digitization.text.label_detection import find_labels
from ecgimg.digitization.write import Settings, check_settings
from layouts import load_layout, visible_window
from synth import HeartSpec, PageSpec, make_page, make_random_degradation, simulate
from synth.degradation import Degradation
from synth.page_map import flat_map


def clean_page(layout="3x4+II", record=None, **settings):
    layout = load_layout(layout) if isinstance(layout, str) else layout
    spec = PageSpec(layout=layout, **{"vendor": "ge", "separator": "tick", **settings})
    record = record or simulate(HeartSpec(rate_bpm=66), np.random.default_rng(2)).record
    degradation = Degradation(kind="none", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px)
    return make_page(spec, degradation, record, np.random.SeedSequence(3))


def snr_db(page, found, max_shift_ms: float = 4.0) -> float:
    """Power of what the page shows over that of the error, each lead's offset removed.

    The ends of a pen's stroke leave the start of the columns unsure by a few ms: the best shift of all leads together
    is allowed for, and may be no more than that.
    """
    truth = page.truth.record.select(found.record.leads)
    shown = visible_window(page.truth.layout, truth.leads, 500.0, found.record.n_samples)
    best = -np.inf
    reach = round(max_shift_ms / 2)
    for shift in range(-reach, reach + 1):
        read = np.roll(found.record.signals, shift, axis=1)
        power = error = 0.0
        for row in range(len(truth.leads)):
            known = shown[row] & np.isfinite(read[row])
            if known.sum() > 100:
                a, b = truth.signals[row, known], read[row, known]
                power += float(((a - a.mean()) ** 2).sum())
                error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        best = max(best, 10 * np.log10(power / error))
    return best


@pytest.fixture(scope="module")
def standard():
    page = clean_page()
    return page, digitize_image(page.image)


def test_a_clean_page_is_read(standard):
    page, found = standard
    assert found.status == "ok", found.reasons
    assert found.layout == "3x4+II"
    assert (found.speed_mm_s, found.gain_mm_mv) == (25.0, 10.0)
    assert found.sources["gain"] == "print"
    assert found.px_per_mm == pytest.approx(page.truth.parameters["page"]["px_per_mm"], rel=0.003)
    assert snr_db(page, found) > 20


def test_what_the_page_does_not_show_stays_nan(standard):
    page, found = standard
    shown = visible_window(page.truth.layout, found.record.leads, 500.0)
    assert not (found.record.known & ~shown).any()
    assert (found.record.known & shown).sum() > 0.97 * shown.sum()


def test_the_result_tells_what_it_is(standard):
    _, found = standard
    told = json.loads(json.dumps(found.summary()))
    assert told["schema_version"] == 2
    assert set(told["leads"]) == {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"}
    assert all(0 <= lead["confidence"] <= 1 for lead in told["leads"].values())
    assert told["leads"]["II"]["seconds"] == pytest.approx(10, abs=0.2)


def test_another_gain_is_read_from_the_pulse():
    page = clean_page(gain_mm_mv=5)
    found = digitize_image(page.image)
    assert found.gain_mm_mv == 5
    assert snr_db(page, found) > 12


def test_a_given_scale_is_used():
    page = clean_page(gain_mm_mv=5, pulse="none")
    found = digitize_image(page.image, gain_mm_mv=5, speed_mm_s=25)
    assert found.sources["gain"] == "given"
    assert snr_db(page, found) > 12


@pytest.mark.parametrize("quarters", [1, 2])
def test_a_turned_page_is_turned_back(quarters):
    page = clean_page()
    found = digitize_image(np.ascontiguousarray(np.rot90(page.image, quarters)))
    assert found.rotation_deg == 90 * quarters
    assert found.layout == "3x4+II"
    assert snr_db(page, found) > 12


def test_a_turned_page_without_ruling_says_by_how_much(monkeypatch):
    monkeypatch.setattr(views, "fit_map_to_grid", lambda *_: None)
    found = digitize_image(np.ascontiguousarray(np.rot90(clean_page().image)))
    assert (found.rotation_deg, found.layout) == (90, "3x4+II")


def test_the_ruling_is_found_in_a_photo():
    page = clean_page()
    rng = np.random.default_rng(4)
    spec = PageSpec(layout=load_layout("3x4+II"), vendor="ge", separator="tick")
    degradation = dataclasses.replace(make_random_degradation(spec, "photo", rng), ageing=None)
    photo = make_page(spec, degradation, page.truth.record, np.random.SeedSequence(3))
    marked = segment(photo.image)
    found = fit_map_to_grid(photo.image, marked.ink, marked.trace)
    assert found is not None
    left, top, right, bottom = spec.plot_mm
    mm = np.random.default_rng(0).uniform((left + 20, top + 20), (right - 20, bottom - 20), (200, 2))
    pixels = photo.truth.page_map.page_to_image(mm)
    inside = ((pixels > 5) & (pixels < np.array(photo.truth.size_px) - 5)).all(axis=1)
    # the ruling fixes millimetres up to a whole large square and a quarter turn: compare distances
    read, true = found.image_to_page(pixels[inside]), mm[inside]
    pairs = np.random.default_rng(1).integers(0, inside.sum(), (300, 2))
    ours = np.hypot(*(read[pairs[:, 0]] - read[pairs[:, 1]]).T)
    theirs = np.hypot(*(true[pairs[:, 0]] - true[pairs[:, 1]]).T)
    far = theirs > 40
    assert np.median(np.abs(ours[far] / theirs[far] - 1)) < 0.01


def test_a_page_without_ruling_or_trace_is_refused():
    blank = np.full((900, 1200, 3), 250, np.uint8)
    assert digitize_image(blank).status == "refused"
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3)).astype(np.uint8)
    found = digitize_image(noise)
    assert found.status == "refused"
    assert found.reasons


def test_settings_are_checked_before_any_work(tmp_path):
    page = tmp_path / "a.png"
    with pytest.raises(BadRequest, match="no format 'mp3'"):
        check_settings([page], Settings(formats=("mp3",)))
    with pytest.raises(BadRequest, match=r"both write a\.csv"):
        check_settings([page, tmp_path / "b" / "a.jpg"], Settings())
    with pytest.raises(BadRequest, match="gain"):
        check_settings([page], Settings(gain_mm_mv=0))


def test_the_command_line_writes_records_and_overlays(tmp_path, standard):
    page, _ = standard
    stem = page.save(tmp_path / "sample")
    (tmp_path / "text.png").write_text("not a picture", encoding="utf-8")
    words = ["digitize", stem.name, "text.png", "--out", "out", "--format", "wfdb"]
    done = subprocess.run(
        [sys.executable, "-m", "ecgimg", *words], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"sample.csv", "sample.hea", "sample.dat", "sample.json", "sample.overlay.png"}
    assert read_record(tmp_path / "out" / "sample.csv").fs_hz == 500
    assert json.loads((tmp_path / "out" / "sample.json").read_text(encoding="utf-8"))["status"] == "ok"


def test_digitizing_needs_no_torch():
    code = "import sys, numpy, ecgimg.digitization as d; d.digitize_image(numpy.full((600, 800, 3), 255, 'u1'))"
    done = subprocess.run(
        [sys.executable, "-c", code + "; print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_real_renders_are_read(data_folder):
    from ecgimg.formats.pages import open_pages

    for name in ("ecgminer_ludb/090.png", "kit_renders/10504_hr-0.png"):
        found = digitize_image(next(open_pages(data_folder / "pages" / name)).image)
        truth = read_record(data_folder / "truth" / f"{name.split('/')[1][:-4]}.csv")
        assert found.layout == "3x4+II"
        seen = found.record.known
        read = np.where(seen, found.record.signals, 0)
        true = truth.select(found.record.leads).signals
        power = error = 0.0
        for row in range(12):
            a, b = true[row, seen[row]], read[row, seen[row]]
            power += float(((a - a.mean()) ** 2).sum())
            error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        assert 10 * np.log10(power / error) > 15


def test_vector_pdfs_are_read_from_their_paths(data_folder):
    from ecgimg.digitization import digitize

    found = digitize(data_folder / "pages" / "ecgtizer_pdf" / "00009_hr_6x2.pdf")
    assert found.layout == "6x2"
    assert found.status == "ok"


def test_labels_are_found_on_a_flat_page(standard):
    from ecgimg.digitization.dewarp.resample import dewarp_page

    page, _ = standard
    marked = segment(page.image)
    flat = dewarp_page(page.image, marked, fit_map_to_grid(page.image, marked.ink, marked.trace))
    names = {label.lead for label in find_labels(flat)} - {""}
    assert len(names) >= 8
