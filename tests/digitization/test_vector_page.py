"""Vector pages are read from their paths."""

from __future__ import annotations


def test_digitize_vector_pdf(data_folder):
    """The traces of a vector PDF are read from its paths."""
    from ecgimg.digitization import digitize

    digitization = digitize(data_folder / "pages" / "ecgtizer_pdf" / "00009_hr_6x2.pdf")
    assert digitization.layout == "6x2"
    assert digitization.status == "ok"
