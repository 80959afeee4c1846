"""Pages in the format of ecg-image-kit, written here after its description, are read into the same truth."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecgimg import BadRecord, write_record
from synth import ecg_image_kit_pages, read_ecg_image_kit_page
from synth.labels.coco import coco_annotations

COLUMNS = [["I", "II", "III"], ["aVR", "aVL", "aVF"], ["V1", "V2", "V3"], ["V4", "V5", "V6"]]
PX_PER_MM, FS_HZ = 200 / 25.4, 500


def entry(lead, record, first, last, x_mm, y_mm, columns_first):
    samples = record.lead(lead)[first:last].astype(float)
    x = (x_mm + np.arange(last - first) / FS_HZ * 25) * PX_PER_MM
    y = (y_mm - 10 * samples) * PX_PER_MM
    order = (lambda a, b: [a, b]) if columns_first else (lambda a, b: [b, a])
    box = [(x.min(), y.min()), (x.max(), y.min()), (x.max(), y.max()), (x.min(), y.max())]
    corners = {str(k): order(*map(float, corner)) for k, corner in enumerate(box)}
    return {
        "lead_name": lead.upper() if lead.startswith("a") else lead,
        "start_sample": first,
        "end_sample": last,
        "plotted_pixels": [order(float(a), float(b)) for a, b in zip(x, y, strict=True)],
        "lead_bounding_box": corners,
        "text_bounding_box": corners,
    }


def write_kit(folder, record, columns_first=False, **changes):
    entries = [
        entry(lead, record, 1250 * c, 1250 * (c + 1), 10 + 62.5 * c, 60 + 40 * r, columns_first)
        for c, names in enumerate(COLUMNS)
        for r, lead in enumerate(names)
    ]
    entries.append(entry("II", record, 0, 5000, 10, 190, columns_first))
    values = {"sampling_frequency": FS_HZ, "width": 2200, "height": 1700, "leads": entries, **changes}
    write_record(record, folder / "00001_hr.hea")
    (folder / "00001_hr-0.json").write_text(json.dumps(values), encoding="utf-8")
    (folder / "00001_hr-0.png").write_bytes(b"")
    return folder / "00001_hr-0.json"


@pytest.mark.parametrize("columns_first", [False, True])
def test_read_kit_pages(tmp_path, heart_record, columns_first):
    """A page becomes truth, with its layout, traces and record."""
    record = heart_record.select(("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))
    write_kit(tmp_path, record, columns_first)
    [(picture, truth)] = list(ecg_image_kit_pages(tmp_path))
    assert picture.name == "00001_hr-0.png"
    assert truth.layout.name == "3x4+II"
    assert truth.layout.leads == (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
    assert truth.size_px == (2200, 1700)
    assert np.allclose(truth.record.signals, record.signals, atol=6e-4)
    trace = next(trace for trace in truth.traces if trace.slot.lead == "V5" and trace.slot.column == 3)
    assert trace.first_sample == 3750
    assert trace.points_px[0, 0] == pytest.approx((10 + 62.5 * 3) * PX_PER_MM)
    millivolt = (100 * PX_PER_MM - trace.points_px[:, 1]) / PX_PER_MM / 10
    assert np.allclose(millivolt, record.lead("V5")[3750:5000], atol=1e-5)
    assert truth.traces[-1].slot.column is None
    assert coco_annotations([(picture.name, truth)])["annotations"]


def test_read_kit_page_with_units(tmp_path, heart_record):
    """Numbers with units, as older versions wrote them, are read."""
    record = heart_record.select(("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))
    path = write_kit(tmp_path, record, width={"val": 2200, "unit": "px"}, height={"val": 1700, "unit": "px"})
    assert read_ecg_image_kit_page(path).size_px == (2200, 1700)


def test_kit_truth_round_trip(tmp_path, heart_record):
    """The truth survives the disk."""
    from synth import load_truth

    record = heart_record.select(("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))
    truth = read_ecg_image_kit_page(write_kit(tmp_path, record))
    truth.save(tmp_path / "ours")
    back = load_truth(tmp_path / "ours")
    assert back.page_map is None
    assert np.allclose(back.traces[0].points_px, truth.traces[0].points_px, atol=0.01)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"width": 1, "height": 1, "leads": []}'])
def test_read_kit_page_refusals(tmp_path, content):
    """Other JSON is refused."""
    (tmp_path / "a-0.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadRecord, match=r"a-0\.json is not a page of ecg-image-kit"):
        read_ecg_image_kit_page(tmp_path / "a-0.json")


def test_read_kit_page_without_record(tmp_path, heart_record):
    """A page without its record and a folder without pages are refused."""
    record = heart_record.select(("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))
    path = write_kit(tmp_path, record)
    (tmp_path / "00001_hr.hea").unlink()
    with pytest.raises(BadRecord, match=r"00001_hr\.hea is not beside"):
        read_ecg_image_kit_page(path)
    with pytest.raises(BadRecord, match="holds no page"):
        list(ecg_image_kit_pages(tmp_path / "nowhere"))
