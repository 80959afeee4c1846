"""Tables and boxes of a folder of pages."""

from __future__ import annotations

import csv
import json

from layouts import load_layout


def test_tables_and_coco_boxes(drawn):
    """The table and the COCO file name every page, and every box is inside its picture."""
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
