"""Labels: their names, and which statements give them."""

from __future__ import annotations

from ecgimg.classification.labels import FULL_NAMES, LABELS, SUBCLASSES, targets


def test_targets_of_statements():
    """Statements give their labels, and those of the classes above."""
    named = {label for label, said in zip(LABELS, targets(["SR", "NST_", "ASMI", "1AVB"]), strict=True) if said}
    assert named == {
        "SR",
        "NST",
        "AMI",
        "AVB",
        "super_MI",
        "super_STTC",
        "super_CD",
        "cinc_Old MI",
        "cinc_STTC",
        "cinc_CD",
    }
    assert not targets([]).any()


def test_full_names():
    """Every label has a full name."""
    assert set(FULL_NAMES) == set(LABELS)
    assert len(set(LABELS)) == len(LABELS)
    assert len(SUBCLASSES) == 23
