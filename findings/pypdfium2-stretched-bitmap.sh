#!/bin/sh
# pypdfium2's PdfPage.render(scale=s) does not draw a page at s pixels a point: it rounds the bitmap up to whole pixels
# and stretches the page over it, across and down by factors of their own.
#
# Seen with pypdfium2 5.15.2 (PDFium 159.0.8149.0), numpy 2.4.0, Python 3.11. On a page of 200.1 x 100.1 points, lines that
# lie 80 % of the page apart are drawn, at scale=1, 0.4 % too far apart across and 0.9 % down; on A4 it is 0.1 %. A
# millimetre of ECG paper that is computed from the scale is wrong by as much, and time and voltage by different amounts.
# The scale is that of the bitmap in each direction: its width over the page's width, its height over the page's height.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet "pypdfium2==5.15.2" "numpy==2.4.0"
cat > "$folder/measure.py" <<'PY'
import sys

import numpy as np
import pypdfium2


def page_pdf(width, height):
    lines = [
        f"{x * width} 0 m {x * width} {height} l S 0 {x * height} m {width} {x * height} l S" for x in (0.1, 0.9)
    ]
    content = "1 w " + " ".join(lines)
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 3 0 R >>",
    ]
    data, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        starts.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "0000000000 65535 f \n" + "".join(f"{start:010d} 00000 n \n" for start in starts)
    tail = f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {len(bodies) + 1}\n{table}{tail}".encode()


def distance_px(profile):
    ink = np.median(profile) - profile
    half = len(ink) // 2
    places = []
    for first, part in ((0, ink[:half]), (half, ink[half:])):
        near = np.arange(max(part.argmax() - 4, 0), min(part.argmax() + 5, len(part)))
        places.append(first + (near * part[near]).sum() / part[near].sum())
    return places[1] - places[0]


worst = 0.0
for width, height in ((200.1, 100.1), (595.28, 841.89)):
    picture = pypdfium2.PdfDocument(page_pdf(width, height))[0].render(scale=1, grayscale=True).to_numpy()
    picture = picture.reshape(picture.shape[:2]).astype(float)
    across = distance_px(np.median(picture, axis=0)) / (0.8 * width)
    down = distance_px(np.median(picture, axis=1)) / (0.8 * height)
    print(f"{width} x {height} points: {across:.4f} pixels a point across, {down:.4f} down, asked for 1.0000")
    worst = max(worst, across - 1, down - 1)
sys.exit(0 if worst > 0.005 else "this has changed")
PY
"$python" "$folder/measure.py"
