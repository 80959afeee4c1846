"""What kind of file a page is in, told by its first bytes: the suffix need not be right."""

from __future__ import annotations

from pathlib import Path

from ecgimg.errors import UnreadablePage
from ecgimg.formats.pages.limits import MAX_BYTES, reading

# PNG, JPEG, TIFF and BigTIFF in both byte orders, BMP, GIF
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"BM", b"GIF8")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HEAD_BYTES = 1024  # within which the header of a PDF must stand
_KNOWN = "PNG, JPEG, TIFF, BMP, WebP, GIF, HEIC or PDF"


def file_kind(path: Path) -> str:
    """Return ``"PDF"``, ``"HEIC"`` or ``"picture"`` by the file's first bytes; `UnreadablePage` for any other."""
    with reading(path, "picture or PDF"):
        _check_file(path)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    if head.startswith(_MAGIC) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "picture"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "HEIC"
    # readers accept bytes before the header, and some scanners and mail programs put some there
    if b"%PDF-" in head:
        return "PDF"
    raise UnreadablePage(f"{path} is not a known kind of picture{_looks_like(head)}; save it as {_KNOWN}")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UnreadablePage(f"{path} is a folder, not a page; name a file in it")
    if not path.exists():
        raise UnreadablePage(f"{path} does not exist; check the name and the folder")
    if not path.is_file():
        raise UnreadablePage(f"{path} is not an ordinary file; save the page to a file first")
    size = path.stat().st_size
    if size == 0:
        raise UnreadablePage(f"{path} is empty; copy or export it again")
    if size > MAX_BYTES:
        raise UnreadablePage(
            f"{path} holds {size / 1e6:.0f} MB, and files above {MAX_BYTES / 1e6:.0f} MB are not read; "
            "save it smaller or split it"
        )


def _looks_like(head: bytes) -> str:
    """Return words on what an unknown file seems to be, or nothing."""
    if head[128:132] == b"DICM":
        return " but a DICOM file (a waveform is read as a record)"
    if head.startswith(b"PK\x03\x04"):
        return " but an archive or office document"
    if b"\x00" not in head and head.isascii():
        return " but text"
    return ""
