"""SNOMED CT codes of the CinC challenges 2020 and 2021, as the SCP-ECG statements that say the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SCP_OF_SNOMED: dict[str, str] = {
    "426783006": "SR", "164889003": "AFIB", "164890007": "AFLT", "427084000": "STACH", "426177001": "SBRAD",
    "427393009": "SARRH", "426761007": "SVTAC", "67198005": "PSVT", "10370003": "PACE", "11157007": "BIGU",
    "251180001": "TRIGU", "284470004": "PAC", "63593006": "PAC", "427172004": "PVC", "17338001": "PVC",
    "270492004": "1AVB", "195042002": "2AVB", "27885002": "3AVB", "164947007": "LPR", "713426002": "IRBBB",
    "713427006": "CRBBB", "59118001": "CRBBB", "251120003": "ILBBB", "733534002": "CLBBB", "164909002": "CLBBB",
    "445118002": "LAFB", "445211001": "LPFB", "698252002": "IVCD", "74390002": "WPW", "164873001": "LVH",
    "89792004": "RVH", "67741000119109": "LAO/LAE", "446358003": "RAO/RAE", "251146004": "LVOLT",
    "164917005": "QWAVE", "59931005": "INVT", "164934002": "NT", "429622005": "STD", "164931005": "STE",
    "428750005": "NST", "164861001": "ISC", "425623009": "ISCLA", "426434006": "ISCAN", "425419005": "ISCIN",
    "111975006": "LNGQT",
}  # fmt: skip
"""Left and right bundle branch block without degree are taken as complete."""


def header_codes(header: Path) -> tuple[str, ...] | None:
    """Return the SNOMED codes on the ``Dx`` line of a WFDB header, or None where it has no such line."""
    for line in header.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.lstrip("# \t").partition(":")
        if line.startswith("#") and name.strip().lower() == "dx":
            return tuple(code.strip() for code in value.split(",") if code.strip())
    return None


def statements_of(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the SCP-ECG statements of those codes that have one."""
    return tuple(SCP_OF_SNOMED[code] for code in codes if code in SCP_OF_SNOMED)
