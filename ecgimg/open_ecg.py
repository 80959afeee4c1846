"""Open what is measured or classified: a record, a page that was read, a file of either, a picture, or signals."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization, digitize, digitize_page
from ecgimg.errors import BadRequest
from ecgimg.formats import is_record_file, iter_records, read_record
from ecgimg.formats.input_files import InputFile
from ecgimg.formats.pages import Picture, is_picture, open_pages
from ecgimg.leads import STANDARD_LEADS, match_leads
from ecgimg.reasons import Reason, ReasonCode
from ecgimg.record import EcgRecord

Ecg = EcgRecord | Digitization | Picture


def open_ecg(
    ecg: Ecg, *, page: int | None = None, fs_hz: float | None = None, leads: Sequence[str] | None = None
) -> EcgRecord | Digitization:
    """Return a record or a digitization as it is; read the file of a record, and digitize any other file or picture.

    Parameters
    ----------
    page : int, optional
        Which page of a PDF or TIFF, from 1.
    fs_hz : float, optional
        Says that `ecg` is an array of signals (leads, samples) in mV.
    leads : sequence of str, optional
        The rows of that array; the twelve standard ones by default.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read, or the signals are no record.
    BadRequest
        For anything else.
    """
    if fs_hz is not None or leads is not None:
        return _record_of_array(ecg, fs_hz, leads)
    path = Path(ecg) if isinstance(ecg, str | os.PathLike) else None
    is_record = path is not None and is_record_file(path)
    if page is not None and (is_record or isinstance(ecg, EcgRecord | Digitization)):
        raise BadRequest("page names a page of a PDF or TIFF, and a record has none; leave page out")
    if isinstance(ecg, EcgRecord | Digitization):
        return ecg
    if path is not None and is_record:
        return read_record(path)
    if is_picture(ecg):
        return digitize(ecg, page=page)
    raise BadRequest(
        f"{_described(ecg)} is no ECG; give an EcgRecord, signals (leads, samples) in mV with fs_hz and leads, a "
        "Digitization, a file, or a picture"
    )


def _record_of_array(ecg: object, fs_hz: float | None, leads: Sequence[str] | None) -> EcgRecord:
    if not isinstance(ecg, np.ndarray) or ecg.dtype.kind not in "iuf":
        raise BadRequest(
            f"{_described(ecg)} cannot be taken for signals; fs_hz and leads go with an array (leads, samples) of mV"
        )
    if fs_hz is None:
        raise BadRequest("the sampling rate of the signals is missing; give fs_hz beside leads")
    names = STANDARD_LEADS if leads is None else (leads,) if isinstance(leads, str) else tuple(leads)
    matched, recorded_as = match_leads([str(name) for name in names])
    # the record refuses what is no lead by the name that was given
    return EcgRecord(ecg, fs_hz, tuple(lead or name for lead, name in zip(matched, names, strict=True)), recorded_as)


def channel_notes(record: EcgRecord) -> tuple[Reason, ...]:
    """Return notes on leads that are taken for others, and on channels of the file that are no leads."""
    notes = []
    if record.recorded_as:
        leads = ", ".join(f"{name} as {lead}" for lead, name in record.recorded_as.items())
        notes.append(ReasonCode.LEADS_RECORDED_AS.reason(leads=leads))
    if record.left_out:
        notes.append(ReasonCode.CHANNELS_LEFT_OUT.reason(text=", ".join(record.left_out)[:200]))
    return tuple(notes)


def _described(thing: object) -> str:
    if isinstance(thing, np.ndarray):
        return f"an array of {thing.dtype} and shape {thing.shape}"
    name = type(thing).__name__
    return f"{'an' if name[0] in 'AEIOUaeio' else 'a'} {name}"


def iter_ecgs(file: InputFile) -> Iterator[tuple[str, EcgRecord | Digitization, NDArray[np.uint8] | None]]:
    """Yield (stem, record or digitization, picture of the page or None) for each record or page of a file.

    The stem is that of the outputs.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read.
    """
    if is_record_file(file.path):
        for stem, record in iter_records(file.path):
            yield file.output_stem(stem), record, None
        return
    for page in open_pages(file.path):
        yield file.output_stem(page.stem), digitize_page(page), page.image
