"""How the page looks: its theme, style sheet, scripts, and the HTML that scripts bring to life."""

from __future__ import annotations

from importlib.resources import files

import gradio as gr

from ecgimg.plotting.paper_page import NOTICE

# Gradio's own fonts come from another machine
_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Arial", "sans-serif")

CORNERS_HTML = """
<p class="ecg-hint" id="corners-hint">Drag the four handles onto the corners of the paper, or move them with the arrow
keys. The perspective is undone before the page is read again.</p>
<div class="ecg-corners" role="group" aria-describedby="corners-hint"><img alt="The page as it was sent">
<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><polygon points=""></polygon></svg></div>
<div class="ecg-corners-foot"><button type="button" data-reset>Reset the corners</button>
<span data-said role="status"></span></div>
"""
DROP_HTML = """
<div class="ecg-drop"><input id="ecg-files" type="file" multiple
accept=".jpg,.jpeg,.png,.heic,.heif,.tif,.tiff,.bmp,.webp,.gif,.pdf">
<label for="ecg-files"><strong>Drop ECG pages here</strong><span>or click to choose files</span></label></div>
<div class="ecg-camera"><input id="ecg-camera-input" type="file" accept="image/*" capture="environment">
<label for="ecg-camera-input">Take a photo</label></div>
<p class="ecg-hint" data-said role="status"></p>
<details class="ecg-webcam"><summary>Use this computer's camera</summary><video autoplay playsinline muted></video>
<button type="button" aria-label="Take the picture" data-shoot>Take the picture</button></details>
"""
# paper is light: traces and ruling have the colours of paper, which a dark page would not suit
LIGHT_ONLY = "() => document.body.classList.remove('dark')"
# the corrections are built open and then closed, so that all of them exist before there is a page
CLOSED = "() => ({__type__: 'update', open: false})"


def static_text(name: str) -> str:
    """Return one of the app's own style sheets or scripts."""
    return (files("ecgimg.app") / "static" / name).read_text(encoding="utf-8")


def login_page() -> str:
    """Return the page that asks for user and password, whole: the framework's own one has other words and colours."""
    return static_text("login.html").replace("NOTICE", NOTICE)


def theme() -> gr.themes.Base:
    """Return the theme: system fonts, paper and red; nothing is fetched for it."""
    base = gr.themes.Base(
        primary_hue="red", neutral_hue="stone", font=_SYSTEM_FONTS, font_mono=("ui-monospace", "monospace")
    )
    return base.set(
        body_background_fill="#fffaf6",
        background_fill_primary="#fffaf6",
        background_fill_secondary="#fffaf6",
        block_background_fill="#ffffff",
        input_background_fill="#f6f1ee",
        block_border_color="#e6dad4",
        block_radius="10px",
        button_primary_background_fill="#a3322a",
        button_primary_background_fill_hover="#8a2720",
        button_primary_text_color="#ffffff",
        block_label_text_color="#635b58",
        body_text_color="#1d1d24",
    )
