"""PDF pages that carry their traces as vector paths: exact lines, no vision.

`read_vector_page` lists what a page draws and writes, in millimetres of the page as it is shown: x right, y down, from
its top-left corner. `split_vector` sorts that into traces, grid, calibration pulses and lead labels.
"""

from ecgimg.formats.vector_pdf.elements import VectorEcg, VectorPage, VectorPath, VectorPulse, VectorText
from ecgimg.formats.vector_pdf.read_page import read_vector_page
from ecgimg.formats.vector_pdf.sort_paths import split_vector

__all__ = ["VectorEcg", "VectorPage", "VectorPath", "VectorPulse", "VectorText", "read_vector_page", "split_vector"]
