"""The directive `table-of`: tables taken from the code as it is while the pages are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import table

from ecgimg.batch.output_dataset import page_schema, record_schema
from ecgimg.classification.labels import FULL_NAMES, LABELS
from ecgimg.leads import KNOWN_LEADS
from ecgimg.reasons import ReasonCode
from layouts import load_layouts


class TableOf(SphinxDirective):
    """``{table-of} layouts``: one of `_TABLES` by its name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return [_TABLES[self.arguments[0]]()]


def _layouts() -> nodes.table:
    rows = [
        (layout.name, f"{layout.seconds_per_column:.3g}", layout.columns_in_time, layout.description)
        for layout in load_layouts("all")
    ]
    return table(("name", "seconds a column", "columns", "description"), rows, (22, 12, 16, 50))


def _labels() -> nodes.table:
    return table(("label", "meaning"), [(label, FULL_NAMES[label]) for label in LABELS], (25, 75))


_MEANING = {
    "page_id": "path of the file in the source, with `-p2` for its second page",
    "source": "path or URL of the file",
    "page": "number of the page in the file, from 1",
    "sha256": "SHA-256 of the file",
    "duplicate_of": "`page_id` of the page with the same content that was read instead",
    "status": "`ok`, `limited`, `refused`, `failed` (not opened, or over a limit) or `pending`",
    "fs_hz": "samples a second",
    "units": "`mV`",
    "confidence": "by lead: the chance that its mean error is below 100 µV",
    "seconds_seen": "by lead",
    "layout": "a name of `ecgimg layouts list`",
    "layout_confidence": "0 to 1, from how far the next best layout lies behind",
    "speed_mm_s": "paper speed",
    "gain_mm_mv": "gain",
    "chest_gain_mm_mv": "gain of V1 to V9",
    "px_per_mm": "pixels of the picture in a millimetre of the page",
    "rotation_deg": "the clockwise turn that brings the picture upright",
    "sources": "where px_per_mm, speed and gain are from, as in STEM.json",
    "rate_bpm": "mean heart rate",
    "p_duration_ms": "median duration of the P wave over beats, of all leads together",
    "pr_ms": "the same of PR",
    "qrs_ms": "the same of QRS",
    "qt_ms": "the same of QT",
    "qtc_fridericia_ms": "QT corrected by Fridericia's formula",
    "qtc_bazett_ms": "QT corrected by Bazett's formula",
    "p_axis_deg": "axis of P in the frontal plane, 0° to the left arm, 90° to the feet",
    "qrs_axis_deg": "axis of QRS",
    "t_axis_deg": "axis of T",
    "sokolow_lyon_mv": "S in V1 and the taller R of V5 and V6",
    "cornell_mv": "R in aVL and S in V3",
    "limb_voltage_mv": "largest QRS of the limb leads",
    "chest_voltage_mv": "largest QRS of V1 to V6",
    "measurement_reason_codes": "codes of why some of the numbers are null; null itself where nothing was measured",
    "st_j60_mv": "by lead: ST level 60 ms after the J point; null where the gain is assumed",
    "reason_codes": "codes of what limits or refuses the page",
    "reasons": "their texts, in the same order",
    "version": "the version of ecgimg that read it",
    "probability": "with `--classify`, by label",
    "lead_confidence": "median over the leads",
    "critical": "with `--classify`: what is critical, by the label or the code of the statement",
    "likely": "what is likely",
    "possible": "what is possible",
    "overlay": "file of the overlay",
    "record_files": "files of other formats; names that WFDB does not allow are cleaned",
    "seconds": "how long digitizing took",
}


def _reasons() -> nodes.table:
    rows = [(code.value, code.severity.value, f"{code.text}\n{' '.join(code.advice)}") for code in ReasonCode]
    return table(("code", "severity", "text, and advice below it"), rows, (28, 12, 60))


def _records() -> nodes.table:
    """The columns of the records, those of the leads as one row."""
    fields = [field for field in record_schema(classified=True) if field.name not in KNOWN_LEADS]
    rows = [_column(field) for field in fields]
    at = next(k for k, row in enumerate(rows) if row[0] == "confidence")
    leads = f"the signal, NaN where the page shows nothing; a column for each of {', '.join(KNOWN_LEADS)}"
    rows.insert(at, ("I, II, …, Z", "list of float, mV", leads))
    return table(("column", "type", "meaning"), rows, (26, 28, 46))


def _pages() -> nodes.table:
    return table(("column", "type", "meaning"), [_column(field) for field in page_schema()], (26, 28, 46))


def _column(field: Any) -> tuple[str, str, str]:
    return field.name, _type_of(field), _MEANING[field.name]


def _type_of(field: Any) -> str:
    """Return the type of a column in words; a struct of leads or labels is not written out."""
    names = [field.type.field(k).name for k in range(field.type.num_fields)]
    kind = str(field.type)
    if kind.startswith("struct"):
        by = {KNOWN_LEADS: "leads", LABELS: "labels"}.get(tuple(names))
        return f"struct of float by {by}" if by else f"struct of string: {', '.join(names)}"
    return "list of string" if kind.startswith("list") else kind


_TABLES: dict[str, Callable[[], nodes.table]] = {
    "layouts": _layouts,
    "labels": _labels,
    "reasons": _reasons,
    "records": _records,
    "pages": _pages,
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("table-of", TableOf)
    return {"parallel_read_safe": True}
