"""What changed from one ECG to another of the same person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.comparison.changes import Change
from ecgimg.comparison.picture import draw_beats
from ecgimg.comparison.usual_beats import UsualBeat
from ecgimg.comparison.words import lead_rows, main_rows
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.plotting import EcgPlot
from ecgimg.plotting.notebook_html import card, paragraph, picture, table
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import sentence_case
from ecgimg.reporting import Judgement, Report

SCHEMA_VERSION = 1

Fate = Literal["new", "gone", "unchanged", "not comparable"]
"""What became of a statement."""


@dataclass(frozen=True, eq=False)
class LeadComparison:
    """One lead in both ECGs.

    Parameters
    ----------
    lead : str
    values : mapping of a name of `LEAD_NAMES` to its change
        Empty where one of the ECGs does not show the lead.
    old_beat, new_beat : UsualBeat or None
        None where the ECG does not show the lead.
    """

    lead: str
    values: Mapping[str, Change] = field(repr=False)
    old_beat: UsualBeat | None
    new_beat: UsualBeat | None

    def __getitem__(self, name: str) -> Change:
        """Return the change of a number; `KeyError` for an unknown name, and where one ECG lacks the lead."""
        return self.values[name]

    def summary(self) -> dict[str, Any]:
        """Return the lead as the JSON holds it."""
        beats = {"old_beats": self.old_beat, "new_beats": self.new_beat}
        counts = {name: beat.n if beat else 0 for name, beat in beats.items()}
        return counts | {name: self.values[name].summary() for name in LEAD_NAMES if name in self.values}


@dataclass(frozen=True)
class StatementChange:
    """What became of something that is told of one of the ECGs, or of both.

    Parameters
    ----------
    fate : {"new", "gone", "unchanged", "not comparable"}
        Not comparable is what the other ECG could not show.
    old, new : Judgement or None
        As each ECG tells it.
    lacking : str
        Of what is not comparable: what the other ECG lacks.
    """

    fate: Fate
    old: Judgement | None
    new: Judgement | None
    lacking: str = ""

    @property
    def text(self) -> str:
        """What is told now, or was before, with another grade or what is lacking."""
        told = self.new or self.old
        assert told is not None
        if self.old is not None and self.new is not None:
            return _text_of_both(self.old, self.new)
        which = "old" if self.old is None else "new"
        return f"{told.text} The {which} ECG cannot tell: {self.lacking}." if self.lacking else told.text

    def summary(self) -> dict[str, Any]:
        """Return the statement as the JSON holds it."""
        return {
            "fate": self.fate, "text": self.text, "old": self.old.summary() if self.old else None,
            "new": self.new.summary() if self.new else None, "lacking": self.lacking or None,
        }  # fmt: skip


def _text_of_both(old: Judgement, new: Judgement) -> str:
    before, now = old.finding, new.finding
    if old.code != new.code and before is not None and now is not None and before.label == now.label:
        # one of them tells the finding beside something that is measured, which may be new
        shares = [100 * (finding.probability or 0.0) for finding in (before, now)]
        return f"{sentence_case(now.name)} {shares[1]:.0f} %; it was {shares[0]:.0f} %."
    change = f" It was {old.grade.value}, and is {new.grade.value}." if old.grade is not new.grade else ""
    return new.text + change


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two ECGs of one person beside each other. Research use only, not a medical device.

    Parameters
    ----------
    old, new : Report
        What was measured and found in each; its `reasons` say why there is nothing, or what limits it.
    values : mapping of a name of `GLOBAL_NAMES` to its change
    leads : mapping of lead to LeadComparison
        Every lead that one of them shows.
    statements : tuple of StatementChange
        New ones first, then those that are gone, unchanged, and not comparable, the gravest first.
    times_s : (samples,) float64
        Of every usual beat, from the QRS onset on.
    """

    old: Report
    new: Report
    values: Mapping[str, Change]
    leads: Mapping[str, LeadComparison]
    statements: tuple[StatementChange, ...]
    times_s: NDArray[np.float64]

    def __getitem__(self, name: str) -> Change:
        """Return the change of a number of the whole record; `KeyError` for an unknown name."""
        return self.values[name]

    @property
    def only_old(self) -> tuple[str, ...]:
        """The leads that the old ECG alone shows."""
        return tuple(name for name, lead in self.leads.items() if lead.new_beat is None)

    @property
    def only_new(self) -> tuple[str, ...]:
        """The leads that the new ECG alone shows."""
        return tuple(name for name, lead in self.leads.items() if lead.old_beat is None)

    def of_fate(self, fate: Fate) -> tuple[StatementChange, ...]:
        """Return the statements that are new, gone, unchanged, or not comparable."""
        return tuple(statement for statement in self.statements if statement.fate == fate)

    @property
    def lacking_leads(self) -> tuple[str, ...]:
        """A sentence for each ECG that lacks leads which the other one shows."""
        lacking = (("new", self.only_old), ("old", self.only_new))
        return tuple(f"The {which} ECG does not show {', '.join(leads)}." for which, leads in lacking if leads)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return name, old, new, change and what it is worth of each of the main numbers, in words."""
        return main_rows(self.values)

    def lead_rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return the same of each amplitude and ST level of a lead whose change exceeds its error."""
        return lead_rows({name: lead.values for name, lead in self.leads.items()})

    def plot(self) -> EcgPlot:
        """Draw the usual beats of each lead: the old one, the new one, and both on their common QRS onset.

        The paper is that of an ECG, 25 mm/s and 10 mm/mV. `BadRequest` where neither ECG shows a beat.
        """
        return draw_beats({name: (lead.old_beat, lead.new_beat) for name, lead in self.leads.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return what ``ecgimg compare --json`` prints."""
        from ecgimg._version import __version__

        return {
            "schema": "ecgimg-comparison", "schema_version": SCHEMA_VERSION, "version": __version__,
            "notice": "research use only, not a medical device",
            "old_reasons": [reason.summary() for reason in self.old.reasons],
            "new_reasons": [reason.summary() for reason in self.new.reasons],
            "only_old": list(self.only_old), "only_new": list(self.only_new),
            "global": {name: self.values[name].summary() for name in GLOBAL_NAMES if name in self.values},
            "leads": {name: lead.summary() for name, lead in self.leads.items()},
            "statements": [statement.summary() for statement in self.statements],
        }  # fmt: skip

    def __repr__(self) -> str:
        counts = {fate: len(self.of_fate(fate)) for fate in ("new", "gone", "unchanged")}
        told = ", ".join(f"{count} {fate}" for fate, count in counts.items())
        return (
            f"Comparison({self.old.numbers or 'nothing measured'} → {self.new.numbers or 'nothing measured'}; {told})"
        )

    def _repr_html_(self) -> str:
        rows = [("number", "old", "new", "change", ""), *self.rows(), *self.lead_rows()]
        lines = [(statement.fate, statement.text) for statement in self.statements]
        statements = table([("", "what"), *lines]) if lines else ""
        beats = picture(self.plot()) if self.leads else ""
        return card(repr(self), table(rows), statements, beats, paragraph(f"{NOTICE}."))
