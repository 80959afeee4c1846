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
watch("value", () => {
  for (const image of element.querySelectorAll(".ecg-stage img")) image.style.width = "";
  const title = element.querySelector("#verdict-title");
  if (!title) return;
  title.focus({ preventScroll: true });
  title.closest("section").scrollIntoView({ block: "start" });
});
