"""Corrections of a page: what is refused, what they do to the picture, and the lead labels."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ecgimg import STANDARD_LEADS, BadRequest, EcgRecord
from ecgimg.digitization import Digitization, LeadReading
from ecgimg.digitization.correct import (
    Corrections,
    combine_relabelling,
    correct_picture,
    digitize_corrected,
    relabel_leads,
)
from ecgimg.reporting import verdict_text
from tests.app.samples import SAMPLES


def picture(name: str) -> np.ndarray:
    with Image.open(SAMPLES / name) as image:
        return np.array(image.convert("RGB"))


def page_of(leads: tuple[str, ...]) -> Digitization:
    signals = np.arange(len(leads), dtype=np.float32)[:, None] * np.ones((1, 10), np.float32)
    box = np.zeros((4, 2))
    return Digitization(
        "ok",
        "",
        EcgRecord(signals, 500.0, leads),
        lead_confidence={lead: index / 20 for index, lead in enumerate(leads)},
        readings=tuple(LeadReading(lead, 1, 0, 0, 0.0, 1.0, box, box) for lead in leads),
    )


def test_corrections_refusals():
    """Corrections that no page can have are refused with what is wrong."""
    with pytest.raises(BadRequest, match="speed must be between"):
        Corrections(speed_mm_s=0)
    with pytest.raises(BadRequest, match="gain must be between"):
        Corrections(gain_mm_mv=1000)
    with pytest.raises(BadRequest, match="no lead 'V19'"):
        Corrections(leads={"V19": "V1"})
    with pytest.raises(BadRequest, match="both be V3"):
        Corrections(leads={"V1": "V3", "V2": "V3"})
    with pytest.raises(BadRequest, match="enclose no page"):
        Corrections(corners_px=((0, 0), (0, 10), (10, 10), (10, 0)))
    with pytest.raises(BadRequest, match="far outside"):
        correct_picture(np.zeros((90, 120, 3), np.uint8), Corrections(corners_px=((-900, 0), (9, 0), (9, 9), (0, 9))))
    with pytest.raises(BadRequest, match="too little"):
        correct_picture(np.zeros((90, 120, 3), np.uint8), Corrections(corners_px=((0, 0), (9, 0), (9, 9), (0, 9))))


def test_correct_picture_of_corners_and_turn():
    """Corners undo the perspective, and a turn is clockwise."""
    image = np.full((100, 200, 3), 255, np.uint8)
    image[20:30, 40:60] = 0
    cut = correct_picture(image, Corrections(corners_px=((30, 10), (130, 10), (130, 70), (30, 70))))
    assert cut.shape == (60, 100, 3)
    assert cut[15, 20].max() < 60
    turned = correct_picture(image, Corrections(rotate_deg=90))
    assert turned.shape == (200, 100, 3)
    assert turned[50, 75].max() == 0
    tilted = correct_picture(image, Corrections(rotate_deg=30))
    assert tilted.shape[0] > 150
    assert tilted[0, 0].min() == 255


def test_relabel_leads_onto_taken_name():
    """Renaming a lead to a name that is taken swaps the two."""
    digitization = page_of(STANDARD_LEADS)
    named = relabel_leads(digitization, {"V1": "V2"})
    assert named.record is not None
    assert named.record.leads == STANDARD_LEADS
    assert named.record.lead("V2")[0] == STANDARD_LEADS.index("V1")
    assert named.record.lead("V1")[0] == STANDARD_LEADS.index("V2")
    assert named.lead_confidence["V2"] == digitization.lead_confidence["V1"]
    assert named.readings[6].lead == "V2"
    assert named.readings[7].lead == "V1"


def test_relabel_leads_in_ring_and_to_absent_lead():
    """Three leads may change places, and a lead may get a name that the page lacks."""
    ring = relabel_leads(page_of(STANDARD_LEADS), {"V1": "V2", "V2": "V3"}).record
    assert [ring.lead(name)[0] for name in ("V1", "V2", "V3")] == [8, 6, 7]
    right = relabel_leads(page_of(STANDARD_LEADS), {"V4": "V4R"}).record
    assert right.leads == (*STANDARD_LEADS, "V4R")
    assert right.lead("V4R")[0] == 9
    assert np.isnan(right.lead("V4")).all()


def test_combine_relabelling_from_new_labels():
    """A second renaming is given in the names of the first."""
    once = combine_relabelling({}, {"V1": "V2"})
    assert once == {"V1": "V2", "V2": "V1"}
    assert combine_relabelling(once, {"V2": "V1"}) == {}
    assert combine_relabelling(once, {"V2": "V3"}) == {"V1": "V3", "V2": "V1", "V3": "V2"}


def test_digitize_corrected_notes_corrections():
    """The corrections are noted in the summary and in the verdict."""
    made = Corrections(layout="3x4+II", speed_mm_s=25.0, leads={"V1": "V2", "V2": "V1"})
    corrected, digitization = digitize_corrected(picture("photo.jpg"), made)
    assert corrected.shape == picture("photo.jpg").shape
    summary = digitization.summary()
    assert summary["corrections"] == {"layout": "3x4+II", "speed_mm_s": 25.0, "leads": {"V1": "V2", "V2": "V1"}}
    texts = [reason["text"] for reason in summary["reasons"] if reason["code"] == "corrected_by_hand"]
    assert "Corrected by hand: layout 3x4+II." in texts
    assert "Corrected by hand: lead labels, V1 is V2, V2 is V1." in texts
    assert verdict_text.verdict_of(digitization).corrected
    assert Digitization("ok", "").summary()["corrections"] == {}
