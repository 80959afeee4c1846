"""Opening pages: pictures and PDFs of any common kind become upright RGB arrays, one page at a time.

What a file is, its content says; the suffix need not be right. `isolated_decoding` runs the decoders (`decode`) in a
process of their own (`ecgimg.isolation`).
"""

from ecgimg.formats.pages.any_picture import Picture, is_picture, iter_pages, open_page
from ecgimg.formats.pages.isolated_decoding import OPENING, count_pages, open_pages
from ecgimg.formats.pages.limits import MAX_BYTES, PAGE_SUFFIXES
from ecgimg.formats.pages.page_input import PageInput

__all__ = [
    "MAX_BYTES",
    "OPENING",
    "PAGE_SUFFIXES",
    "PageInput",
    "Picture",
    "count_pages",
    "is_picture",
    "iter_pages",
    "open_page",
    "open_pages",
]
