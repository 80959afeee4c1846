// The phone's own camera gives a sharper picture than a video frame of the browser would.
element.addEventListener("change", async (event) => {
  const file = event.target.files && event.target.files[0];
  if (!file) return;
  const { path } = await upload(file);
  event.target.value = "";
  trigger("upload", { path });
});
