"""The panel of corrections becomes corrections."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgimg import BadRequest
from ecgimg.app.web_page.corrections import corrections_of
from ecgimg.digitization.correct import Corrections


def test_corrections_of_panel(read_photo):
    """Choices, numbers, corners and leads of the panel become corrections, or are refused."""
    corners = json.dumps({"corners": [[0, 0], [1, 0], [1, 1], [0, 1]]})
    made = corrections_of(read_photo, "3x4", 90, "50", "as found", corners, "V1", "V2", {})
    width, height = read_photo.page.size_px
    assert made == Corrections(
        90.0, ((-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)), "3x4", 50.0, None,
        {"V1": "V2", "V2": "V1"},
    )  # fmt: skip
    own = {"3x4-clinic": Path("own.yaml")}
    made = corrections_of(read_photo, "3x4-clinic", 0, "as found", "as found", "", None, None, own)
    assert made.layout == "own.yaml"
    with pytest.raises(BadRequest, match="choose both"):
        corrections_of(read_photo, "as found", 0, "as found", "as found", "", "V1", None, {})
    with pytest.raises(BadRequest, match="corners cannot be understood"):
        corrections_of(read_photo, "as found", 0, "as found", "as found", "{", None, None, {})
