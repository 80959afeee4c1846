from __future__ import annotations

import csv
import hashlib
import json

import cv2
import numpy as np
import pytest

import synth
from ecgimg import STANDARD_LEADS, BadOutput, BadRecord, BadRequest, EcgRecord, UnknownLayout
from ecgimg.resample import resample
from layouts import load_layout
from synth.degradation import KINDS
from synth.labels.truth import load_truth
from synth.pages import write_pages


def digests(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_pages(folder, n=8, seed=11, masks=True)
    return folder


def test_same_seed_same_bytes_in_one_process_or_eight(drawn, tmp_path):
    write_pages(tmp_path, n=8, seed=11, masks=True, jobs=8)
    assert digests(tmp_path) == digests(drawn)


def test_another_seed_is_another_page(drawn, tmp_path):
    write_pages(tmp_path, n=1, seed=12)
    assert digests(tmp_path)["page-000000.json"] != digests(drawn)["page-000000.json"]


def test_the_iterator_gives_the_pages_of_the_folder(drawn):
    for index, page in enumerate(synth.pages(n=3, seed=11)):
        on_disk = load_truth(drawn / f"page-{index:06d}")
        assert on_disk.parameters == json.loads(json.dumps(page.truth.parameters))
        file = next(path for path in drawn.glob(f"page-{index:06d}.*") if path.suffix in (".png", ".jpg"))
        assert np.array_equal(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), page.image)


def test_a_stopped_run_goes_on_where_it_was(drawn, tmp_path):
    write_pages(tmp_path, n=4, seed=11, masks=True)
    kept = (tmp_path / "page-000001.npz").stat().st_mtime_ns
    for path in tmp_path.glob("page-000002*"):
        path.unlink()
    done = []
    write_pages(tmp_path, n=8, seed=11, masks=True, on_page=done.append)
    assert digests(tmp_path) == digests(drawn)
    assert (tmp_path / "page-000001.npz").stat().st_mtime_ns == kept
    assert sorted(done) == [f"page-{index:06d}" for index in range(8)]


def test_another_run_in_the_same_folder_is_refused(drawn, tmp_path):
    with pytest.raises(BadOutput, match="another run"):
        write_pages(drawn, n=8, seed=99)
    (tmp_path / "page-000000.png").write_bytes(b"mine")
    with pytest.raises(BadOutput, match="holds pages already"):
        write_pages(tmp_path, n=1)


def test_truth_survives_the_disk(tmp_path):
    for index, page in enumerate(synth.pages(n=6, seed=5)):
        page.save(tmp_path / f"p{index}")
        back = load_truth(tmp_path / f"p{index}")
        truth = page.truth
        assert back.layout == truth.layout
        assert back.page_map == truth.page_map
        assert (back.speed_mm_s, back.gain_mm_mv, back.size_px, back.labels) == (
            truth.speed_mm_s, truth.gain_mm_mv, truth.size_px, truth.labels,
        )  # fmt: skip
        assert np.allclose(back.record.signals, truth.record.signals, atol=0.000501, equal_nan=True)
        assert np.allclose(back.grid_px, truth.grid_px, atol=0.01)
        for ours, theirs in zip(truth.traces, back.traces, strict=True):
            assert ours.slot == theirs.slot
            assert np.array_equal(ours.hidden, theirs.hidden)
            assert np.allclose(ours.points_px, theirs.points_px, atol=0.01, equal_nan=True)
        assert [text.text for text in back.texts] == [text.text for text in truth.texts]


def test_truth_with_gaps_survives_the_disk(tmp_path):
    signals = np.random.default_rng(0).normal(0, 0.3, (12, 5000)).astype(np.float32)
    signals[0, 100:200] = np.nan
    signals[3] = np.nan
    signals[5, :7] = np.nan
    page = next(synth.pages([("gappy", EcgRecord(signals, 500.0))], layouts="12x1", degradation="photo", seed=1))
    page.truth.save(tmp_path / "p")
    back = load_truth(tmp_path / "p")
    signals = signals[:, : back.record.n_samples]
    assert back.record.n_samples > 1000
    assert np.array_equal(np.isnan(back.record.signals), np.isnan(signals))
    assert np.allclose(back.record.signals, signals, atol=0.000501, equal_nan=True)
    assert np.allclose(back.traces[0].points_px, page.truth.traces[0].points_px, atol=0.01, equal_nan=True)


def test_truth_is_compact(data_folder):
    source = data_folder / "ptbxl" / "records_500hz.npz"
    sizes = []
    for page in synth.pages(source, n=8, layouts="12x1,3x4+V1+II+V5", seed=2):
        numbers, text = page.truth.packed()
        sizes.append(len(numbers) + len(text.encode()))
    assert max(sizes) < 300_000


@pytest.mark.parametrize("stem", ["missing", "broken", "other"])
def test_unreadable_truth(tmp_path, stem):
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"format": "else"}', encoding="utf-8")
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(BadRecord, match=stem):
        load_truth(tmp_path / stem)


@pytest.mark.parametrize("degradation", KINDS)
def test_every_degradation_gives_a_page_with_its_truth(degradation):
    page = next(synth.pages(n=1, degradation=degradation, seed=3, masks=True, layouts="3x4+II"))
    height, width, channels = page.image.shape
    assert (width, height) == page.truth.size_px
    assert channels == 3
    assert page.masks.bits.shape == (height, width)
    inked = [trace for trace in page.truth.traces if (~trace.hidden).mean() > 0.5]
    assert len(inked) >= 8
    for index, trace in enumerate(page.truth.traces):
        seen = np.rint(trace.points_px[~trace.hidden]).astype(int)
        if len(seen):
            hit = page.masks.trace(index)[seen[:, 1], seen[:, 0]].mean()
            assert hit > 0.7


def test_lost_pixels_hide_the_trace():
    found = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        spec = synth.make_random_page_spec(load_layout("3x4+II"), rng, "photo")
        degradation = synth.make_random_degradation(spec, "photo", rng)
        if not degradation.light.glare > 0.75:
            continue
        record = synth.simulate(synth.HeartSpec(), np.random.default_rng(1)).record
        page = synth.make_page(spec, degradation, record, np.random.SeedSequence(seed))
        traces = page.truth.traces
        burnt = [t.points_px[t.hidden & np.isfinite(t.points_px).all(axis=1)] for t in traces]
        burnt = np.rint(np.concatenate(burnt)).astype(int)
        inside = ((burnt >= 0) & (burnt < page.truth.size_px)).all(axis=1)
        if inside.sum() > 50:
            found += 1
            values = page.image[burnt[inside, 1], burnt[inside, 0]].astype(float)
            assert np.median(values.max(axis=1)) > 200
        if found == 3:
            return
    pytest.fail("no page with glare over its traces was drawn")


def test_tables_and_boxes(drawn):
    rows = list(csv.DictReader((drawn / "pages.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["stem"] for row in rows] == [f"page-{index:06d}" for index in range(8)]
    coco = json.loads((drawn / "coco.json").read_text(encoding="utf-8"))
    assert {image["file_name"] for image in coco["images"]} == {row["file"] for row in rows}
    names = {category["id"]: category["name"] for category in coco["categories"]}
    for image, row in zip(coco["images"], rows, strict=True):
        own = [item for item in coco["annotations"] if item["image_id"] == image["id"]]
        leads = {names[item["category_id"]] for item in own} - {"label", "pulse", "other"}
        assert leads <= set(load_layout(row["layout"]).record_leads)
        for item in own:
            left, top, width, height = item["bbox"]
            assert left >= 0
            assert top >= 0
            assert left + width <= image["width"]
            assert top + height <= image["height"]


def test_masks_survive_the_disk(drawn):
    page = next(synth.pages(n=1, seed=11, masks=True))
    assert np.array_equal(synth.load_masks(drawn / "page-000000.masks.npz").bits, page.masks.bits)


def test_records_are_taken_in_turn_and_again():
    records = [(str(k), EcgRecord(np.full((12, 5000), 0.1 * k), 500.0)) for k in range(3)]
    pages = list(synth.pages(records, n=5, layouts="3x4", degradation="none", seed=1))
    assert [page.truth.parameters["record"]["record_id"] for page in pages] == ["0", "1", "2", "0", "1"]


def test_records_without_a_value_are_passed_over():
    dead = ("dead", EcgRecord(np.full((12, 5000), np.nan), 500.0))
    live = ("live", EcgRecord(np.zeros((12, 5000)), 500.0))
    pages = list(synth.pages([dead, live], n=2, layouts="3x4", degradation="none"))
    assert {page.truth.parameters["record"]["record_id"] for page in pages} == {"live"}
    with pytest.raises(BadRecord, match="dead has no value at all"):
        next(synth.pages([dead]))


def test_a_record_gets_layouts_that_it_can_fill():
    limb = EcgRecord(np.zeros((6, 5000)), 500.0, STANDARD_LEADS[:6])
    for page in synth.pages([("limb", limb)], n=6, degradation="none"):
        assert page.truth.layout.name in {"6x1-limb", "3x1", "1x1"}
    with pytest.raises(BadRecord, match="the record limb has no lead V1"):
        next(synth.pages([("limb", limb)], layouts="3x4+II"))


def test_fifteen_leads_come_from_the_heart():
    page = next(synth.pages(n=1, layouts="3x5", degradation="none"))
    assert {"V4R", "V8", "V9"} <= {trace.slot.lead for trace in page.truth.traces}
    assert all(np.isfinite(page.truth.record.lead(name)).all() for name in ("V4R", "V8", "V9"))


def test_a_long_record_is_cut_and_the_cut_is_told():
    signals = np.tile(np.arange(30000, dtype=np.float32) / 30000, (12, 1))
    page = next(synth.pages([("long", EcgRecord(signals, 500.0))], layouts="12x1", degradation="none", seed=3))
    start = page.truth.parameters["record"]["start_s"]
    assert 0 < start <= 50
    assert page.truth.record.signals[0, 0] == pytest.approx(start * 500 / 30000, abs=1e-6)


def test_resampling_keeps_time_amplitude_and_gaps():
    t = np.arange(1000) / 100
    signals = np.tile(np.sin(2 * np.pi * 5 * t), (2, 1))
    signals[1, 300:400] = np.nan
    finer = resample(EcgRecord(signals, 100.0, ("I", "II")), 500.0)
    assert finer.fs_hz == 500
    assert finer.n_samples == 5000
    truth = np.sin(2 * np.pi * 5 * np.arange(5000) / 500)
    assert np.abs(finer.signals[0] - truth)[100:-100].max() < 0.01
    gap = np.flatnonzero(np.isnan(finer.signals[1]))
    assert (gap[0], gap[-1]) == (1500, 1999)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"layouts": "3x9"}, UnknownLayout),
        ({"layouts": ""}, UnknownLayout),
        ({"degradation": "flood"}, BadRequest),
        ({"seed": -1}, BadRequest),
        ({"n": 0}, BadRequest),
        ({"jobs": 0}, BadRequest),
        ({"records": "nowhere.npz"}, BadRecord),
        ({"records": []}, BadRecord),
    ],
)
def test_wrong_wishes_leave_nothing_behind(tmp_path, wrong, error):
    out = tmp_path / "out"
    with pytest.raises(error):
        write_pages(out, **{"n": 1, **wrong})
    assert not out.exists()
