// Files that are dropped, chosen or photographed are sent, and read when those before them are.
const said = element.querySelector("[data-said]");
const video = element.querySelector("video");
const zone = element.querySelector(".ecg-drop");
let stream = null;

async function add(list) {
  const chosen = [...list];
  const files = [];
  try {
    for (const [index, file] of chosen.entries()) {
      said.textContent = chosen.length > 1 ? `Sending file ${index + 1} of ${chosen.length} …` : "Sending the file …";
      files.push(await window.ecgimg.send(file));
    }
    said.textContent = "";
  } catch (error) {
    said.textContent = error instanceof TypeError ? "The file could not be sent; is the app still running?" : error.message;
  }
  if (files.length) window.ecgimg.inTurn(() => trigger("upload", { files }));
}

element.addEventListener("change", async (event) => {
  if (event.target.type !== "file") return;
  await add(event.target.files);
  event.target.value = "";
});
for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => { event.preventDefault(); add(event.dataTransfer.files); });
// a file that misses the zone must not replace the page
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());

function stop() {
  for (const track of stream ? stream.getTracks() : []) track.stop();
  stream = video.srcObject = null;
}
element.querySelector("details").addEventListener("toggle", async (event) => {
  stop();
  if (!event.target.open) return;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 3840 }, height: { ideal: 2160 } } });
    video.srcObject = stream;
  } catch {
    said.textContent = "The camera cannot be used; is it there, allowed, and this page opened over HTTPS?";
  }
});
element.querySelector("[data-shoot]").addEventListener("click", () => {
  if (!stream) return;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((frame) => add([new File([frame], "camera.jpg", { type: "image/jpeg" })]), "image/jpeg", 0.95);
});
