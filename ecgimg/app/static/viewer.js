// Zoom, and the choice between the page as sent and as read. One listener for all that the result ever shows.
const width = (image, percent) => { image.style.width = percent; };
const zoomed = (viewer, how) => {
  for (const image of viewer.querySelectorAll(".ecg-stage img")) {
    if (how === "fit") width(image, "100%");
    else if (how === "true") width(image, "297mm");
    else {
      const shown = image.getBoundingClientRect().width || viewer.clientWidth;
      const next = Math.min(Math.max(shown * (how === "in" ? 1.4 : 1 / 1.4), 160), 6000);
      width(image, next + "px");
    }
  }
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) zoomed(button.closest("[data-viewer]"), button.dataset.zoom);
});
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-toggle]"))
    event.target.closest("[data-viewer]").classList.toggle("as-sent", !event.target.checked);
});
// a download that is gone is said here, and does not replace the page
element.addEventListener("click", async (event) => {
  const link = event.target.closest(".ecg-download");
  if (!link || link.dataset.isThere) return;
  event.preventDefault();
  let said = "The app does not answer; is it still running?";
  try {
    const answer = await fetch(link.href, { method: "HEAD" });
    if (answer.ok) {
      link.dataset.isThere = "yes";
      link.click();
      delete link.dataset.isThere;
      return;
    }
    said = answer.status === 404 ? "Your pages were deleted; add them again." : said;
  } catch {}
  const message = document.createElement("p");
  message.className = "ecg-message";
  message.role = "alert";
  message.textContent = said;
  link.closest(".ecg-card").querySelector(".ecg-message")?.remove();
  link.closest(".ecg-downloads").before(message);
});
watch("value", () => {
  for (const image of element.querySelectorAll(".ecg-stage img")) image.style.width = "";
  const title = element.querySelector("#verdict-title");
  if (!title) return;
  title.focus({ preventScroll: true });
  title.closest("section").scrollIntoView({ block: "start" });
});
