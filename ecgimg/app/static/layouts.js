// A layout is chosen by its picture, or added as a file.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-layout]");
  if (button) trigger("select", { layout: button.dataset.layout });
});
element.addEventListener("change", async (event) => {
  if (event.target.type !== "file" || !event.target.files.length) return;
  const said = element.querySelector("[data-said]");
  try {
    const file = await window.ecgimg.send(event.target.files[0]);
    trigger("upload", { files: [file] });
  } catch (error) {
    said.textContent = error.message;
  }
  event.target.value = "";
});
