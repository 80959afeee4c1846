"""The app in a real browser: upload, result, correction and download; refusals, two people at once, a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from ecgimg import read_record
from tests.app.app_server import Served, proxied, served
from tests.app.samples import SAMPLES

playwright = pytest.importorskip("playwright.sync_api")
if find_spec("gradio") is None:
    pytest.skip("gradio is not installed", allow_module_level=True)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no chromium on PATH", allow_module_level=True)


FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


LONG_MS = 60_000


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app") / "files", "--keep-min", "0") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Person:
    """Someone with a browser of their own, who notes where it goes and what goes wrong in it."""

    def __init__(self, browser: Any, url: str, password: str = "", **how: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(LONG_MS)
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.url = url
        self.page.goto(url)
        if password:
            self.page.get_by_label("User").fill("ecg")
            self.page.get_by_label("Password").fill(password)
            self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_selector("[data-sample]")

    def drops(self, *names: str) -> None:
        self.page.set_input_files("#drop input[type=file]", [SAMPLES / name for name in names])

    def sees(self, words: str) -> None:
        self.page.get_by_role("heading", name=words).wait_for()

    def is_done(self) -> None:
        self.page.wait_for_selector(".ecg-working", state="detached")
        visible = "[...document.querySelectorAll('.ecg-stage img')].filter((image) => image.offsetParent)"
        self.page.wait_for_function(f"{visible}.every((image) => image.complete && image.naturalWidth)")

    def chooses(self, box: str, words: str) -> None:
        self.page.click(f"#{box} input")
        self.page.get_by_role("option").get_by_text(re.compile(f"^[\\s✓]*{re.escape(words)}")).first.click()

    def opens_corrections(self) -> None:
        """Open the panel, as a person does: look, and click again where it did not open."""
        layout = self.page.locator("#layout input")
        assert layout.count() == 1  # in place before it is asked for
        button = self.page.get_by_role("button", name="Correct this page")
        for _ in range(3):
            button.click()
            try:
                layout.wait_for(timeout=LONG_MS / 6)
                return
            except playwright.TimeoutError:
                continue
        layout.wait_for()

    def leaves(self) -> None:
        outside = [url for url in self.asked if not url.startswith((self.url, "data:", "blob:"))]
        assert outside == []
        assert self.errors == []
        self.context.close()


@pytest.fixture
def person(browser, app) -> Iterator[Person]:
    someone = Person(browser, app.url, viewport={"width": 1280, "height": 900})
    yield someone
    someone.leaves()


@pytest.mark.slow
def test_browser_compares_two_pages(person):
    """With one page there is nothing to compare; with two the change of each number and the beats are shown."""
    page = person.page
    person.drops("photo.jpg")
    person.sees("The page was read")
    person.is_done()
    assert not page.locator("#compare").is_visible()
    person.drops("scan.jpg")
    page.locator("#compare-run").wait_for()
    page.click("#compare-run")
    person.sees("What changed")
    told = page.locator("#comparison")
    assert "−27\xa0bpm" in told.get_by_role("row", name="Heart rate").inner_text()
    assert "New: ST elevation" in told.inner_text()
    page.wait_for_function("document.querySelector('#comparison img').naturalWidth > 0")


@pytest.mark.slow
def test_browser_read_correct_and_download(person, tmp_path):
    """A page is read, corrected by hand, taken away, and the corrections are undone."""
    page = person.page
    person.drops("photo.jpg")
    person.sees("The page was read")
    person.is_done()
    assert page.locator(".ecg-leads tbody tr").count() == 12
    numbers = page.locator(".ecg-numbers")
    assert numbers.get_by_role("rowheader", name="QRS duration").count() == 1
    assert "bpm" in numbers.get_by_role("row", name="Heart rate").inner_text()
    assert "105 bpm" in page.locator(".ecg-rate-line").inner_text()
    assert "Atrial fibrillation" in page.locator(".ecg-findings").first.inner_text()
    before = page.locator(".ecg-stage img[src$='paper.svg']").get_attribute("src")

    person.opens_corrections()
    person.chooses("layout", "3x4+II:")
    person.chooses("gain", "10")
    person.chooses("lead-read", "V1")
    person.chooses("lead-true", "V2")
    page.get_by_role("button", name="Read the page again").click()
    page.get_by_text("Corrected by hand: lead labels, V1 is V2, V2 is V1.").wait_for()
    assert page.get_by_text("Corrected by hand: gain 10 mm/mV.").is_visible()
    assert page.get_by_text("Corrected by hand: layout 3x4+II.").is_visible()
    assert page.locator(".ecg-stage img[src$='paper.svg']").get_attribute("src") != before
    person.is_done()

    for kind, suffix in (("csv", ".csv"), ("report", ".pdf"), ("wfdb", ".zip"), ("dicom", ".dcm")):
        with page.expect_download() as started:
            page.click(f".ecg-download[href$='/{kind}']")
        assert started.value.suggested_filename == f"ecg-page-1{suffix}"
        started.value.save_as(tmp_path / f"page{suffix}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    record = read_record(tmp_path / "page.csv")
    assert record.known[record.leads.index("II")].mean() > 0.9

    page.get_by_role("button", name="Undo all corrections").click()
    page.get_by_text("Corrected by hand").first.wait_for(state="detached")


@pytest.mark.slow
def test_browser_reload_and_remove(person):
    """Clicks while a page is read wait for it; a reload keeps pages and corrections; a page is removed."""
    page = person.page
    for sample in ("too-close", "strip", "too-close"):
        page.click(f"[data-sample={sample}]")
    page.wait_for_selector("[data-page='3']", timeout=3 * LONG_MS)
    person.is_done()
    page.click("#previous")
    page.wait_for_selector("[data-page='2']")
    person.opens_corrections()
    page.locator("#layout-pictures summary").click()
    page.click("[data-layout='3x4+II']")
    page.get_by_role("button", name="Read the page again").click()
    page.wait_for_function("document.querySelector('#again').inert")
    page.get_by_text("Corrected by hand: layout 3x4+II.").wait_for()
    person.is_done()
    page.reload()
    page.wait_for_selector("[data-page='2']")
    assert page.get_by_text("Corrected by hand: layout 3x4+II.").is_visible()
    with page.expect_download() as started:
        page.click(".ecg-download[href$='/all/zip']")
    assert started.value.suggested_filename == "ecg-page-all.zip"
    page.click("#remove")
    page.wait_for_selector("[data-page='3']")
    page.click("#previous")
    page.wait_for_selector("[data-page='1']")


@pytest.mark.slow
def test_browser_lost_session(browser, tmp_path):
    """Pages that were deleted are told of in one sentence, for a download, a correction, a removal and a reload."""
    gone = "Your pages were deleted; add them again."
    with served(tmp_path / "files") as app:
        person = Person(browser, app.url, viewport={"width": 1280, "height": 900})
        page = person.page
        page.click("[data-sample=strip]")
        person.sees("The page was read, with limits")
        person.is_done()
        person.opens_corrections()
        # another window asks for the pages, as this one would after a reload, and has them from then on
        page.evaluate("dispatchEvent(new Event('pagehide'))")
        kept = page.evaluate("sessionStorage.getItem('ecgimg-session')")
        other = Person(browser, app.url)
        other.page.add_init_script(f"sessionStorage.setItem('ecgimg-session', JSON.stringify({kept}))")
        other.page.reload()
        other.page.wait_for_selector("[data-page='1']")
        other.page.click("#remove")
        other.page.wait_for_selector("[data-page]", state="detached")
        page.click(".ecg-download[href$='/csv']")
        page.locator(".ecg-card .ecg-message", has_text=gone).wait_for()
        for button in ("#undo", "#again", "#remove"):
            page.click(button)
            page.locator("#status .ecg-message", has_text=gone).wait_for()
        page.reload()
        page.locator("#status .ecg-message", has_text=gone).wait_for()
        other.leaves()
        person.leaves()


@pytest.mark.slow
def test_browser_move_corners(person):
    """The corners of the page are moved by keyboard and by pointer."""
    page = person.page
    page.click("[data-sample=photo]")
    person.sees("The page was read")
    person.is_done()
    person.opens_corrections()
    corner = page.get_by_role("button", name="Page corner top left")
    corner.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert "at 3 % across" in (corner.get_attribute("aria-label") or "")
    corner = page.get_by_role("button", name="Page corner bottom right")
    corner.scroll_into_view_if_needed()
    box = corner.bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 30, steps=4)
    page.mouse.up()
    page.get_by_text("The corners will be used.").wait_for()
    page.get_by_role("button", name="Read the page again").click()
    page.get_by_text("Corrected by hand: page corners.").wait_for()


@pytest.mark.slow
def test_browser_refused_page(person):
    """A refused page says why, what to do, and can be read again."""
    person.drops("too-close.jpg")
    person.sees("The page could not be read")
    person.is_done()
    assert "left edge with the lead labels" in person.page.locator(".ecg-verdict").inner_text()
    assert person.page.locator(".ecg-download").count() == 0
    assert person.page.get_by_role("button", name="Read the page again").is_visible()


@pytest.mark.slow
def test_browser_two_people(browser, app):
    """Two people at once see their own pages."""
    anna = Person(browser, app.url, viewport={"width": 1280, "height": 900})
    bert = Person(browser, app.url, viewport={"width": 1280, "height": 900})
    anna.drops("strip.jpg", "photo.jpg")
    bert.page.click("[data-sample=scan]")
    anna.sees("The page was read, with limits")
    bert.sees("The page was read")
    anna.is_done()
    bert.is_done()
    assert bert.page.get_by_role("button", name="Next").is_disabled()
    anna.chooses("pages", "2. photo.jpg")
    anna.page.get_by_text("Gain: 5 mm/mV").wait_for()
    links = [
        each.page.locator(".ecg-download[href$='/csv']").get_attribute("href").split("/")[2] for each in (anna, bert)
    ]
    assert links[0] != links[1]
    anna.leaves()
    bert.leaves()


@pytest.mark.slow
def test_browser_on_phone(browser, app):
    """On a phone nothing is wider than the screen."""
    phone = Person(browser, app.url, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = phone.page
    assert page.get_by_text("Take a photo", exact=True).is_visible()
    assert page.get_by_text("not a medical device").first.is_visible()
    page.set_input_files("#ecg-camera-input", SAMPLES / "photo.jpg")
    phone.sees("The page was read")
    phone.is_done()
    phone.opens_corrections()
    page.get_by_role("button", name="Read the page again").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("[data-viewer=paper] [data-zoom=in]").click()
    stage = page.locator("[data-viewer=paper] .ecg-stage")
    assert stage.evaluate("(stage) => stage.scrollWidth > stage.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    phone.leaves()


@pytest.mark.slow
def test_browser_accessible_names(person):
    """Everything that can be used has an accessible name."""
    person.page.click("[data-sample=photo]")
    person.sees("The page was read")
    person.is_done()
    nameless = person.page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, img, [tabindex="0"]')]
        .filter((each) => each.offsetParent && !each.closest('[aria-hidden=true]'))
        .filter((each) => !(each.getAttribute('aria-label') || each.innerText || each.hasAttribute('alt') || each.title
            || (each.labels && each.labels.length) || each.getAttribute('aria-labelledby')))
        .map((each) => each.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@pytest.mark.slow
@pytest.mark.parametrize("password", ["", "open sesame"])
def test_browser_behind_proxy(browser, tmp_path, password):
    """A new person's photo goes through a proxy in one step, with and without a password."""
    with served(tmp_path / "files", "--root-path", "/ecg", password=password) as app, proxied(app.url, "/ecg") as url:
        person = Person(browser, url, password)
        person.drops("photo.jpg")
        person.sees("The page was read")
        person.is_done()
        assert person.page.locator(".ecg-leads tbody tr").count() == 12
        person.leaves()
