// Four handles on the page's corners: dragged by pointer, or moved by the arrow keys (with shift: further).
const NAMES = ["top left", "top right", "bottom right", "bottom left"];
const START = [[0.04, 0.04], [0.96, 0.04], [0.96, 0.96], [0.04, 0.96]];
const box = element.querySelector(".ecg-corners");
const image = box.querySelector("img");
const shape = box.querySelector("polygon");
const said = element.querySelector("[data-said]");
let corners = START.map((corner) => [...corner]);
let set = false;

const draw = () => {
  shape.setAttribute("points", corners.map(([x, y]) => `${x * 100},${y * 100}`).join(" "));
  box.querySelectorAll(".ecg-handle").forEach((handle, k) => {
    handle.style.left = corners[k][0] * 100 + "%";
    handle.style.top = corners[k][1] * 100 + "%";
    const [x, y] = corners[k].map((share) => Math.round(share * 100));
    handle.setAttribute("aria-label", `Page corner ${NAMES[k]}, at ${x} % across and ${y} % down; move it with the arrow keys`);
  });
  said.textContent = set ? "The corners will be used." : "Not used until you move a corner.";
};
const tell = () => {
  props.value = JSON.stringify({ src: image.getAttribute("src"), corners: set ? corners : null });
};
const move = (k, x, y) => {
  corners[k] = [Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1)];
  set = true;
  draw();
};
NAMES.forEach((name, k) => {
  const handle = document.createElement("button");
  handle.type = "button";
  handle.className = "ecg-handle";
  handle.dataset.corner = k;
  box.appendChild(handle);
  handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); event.preventDefault(); handle.focus(); });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const frame = box.getBoundingClientRect();
    move(k, (event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height);
  });
  handle.addEventListener("pointerup", tell);
  handle.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.05 : 0.005;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(k, corners[k][0] + by[0], corners[k][1] + by[1]);
    tell();
  });
});
element.querySelector("[data-reset]").addEventListener("click", () => {
  corners = START.map((corner) => [...corner]);
  set = false;
  draw();
  tell();
});
const shown = () => {
  const told = props.value ? JSON.parse(props.value) : { src: "", corners: null };
  if (told.src) image.setAttribute("src", told.src);
  set = Boolean(told.corners);
  corners = (told.corners || START).map((corner) => [...corner]);
  draw();
};
watch("value", shown);
shown();
