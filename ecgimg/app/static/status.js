// What is going on must be seen: whoever pressed a button at the foot of a long page is taken to it.
watch("value", () => {
  const told = element.firstElementChild;
  if (!told) return;
  const place = told.getBoundingClientRect();
  if (place.bottom < 0 || place.top > window.innerHeight) told.scrollIntoView({ block: "center" });
});

// ---- one thing at a time: what adds pages waits for its turn, what changes a page cannot be pressed meanwhile ----

const CHANGES = "#again, #undo, #remove, #ecg-layout-file";
// while a request is on its way, waits or is worked on, the framework shows so beside the status
const isBusy = () => Boolean(document.querySelector("#status .ecg-working, #status .pending, #status .generating"));
const show = () => {
  for (const control of document.querySelectorAll(CHANGES)) control.inert = isBusy();
};
new MutationObserver(show).observe(document.querySelector("#status") || element, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["class"],
});
const until = async (holds, most_ms = Infinity) => {
  for (let waited = 0; !holds() && waited < most_ms; waited += 50) await new Promise((on) => setTimeout(on, 50));
};
let turn = Promise.resolve();
function inTurn(start) {
  turn = turn.then(async () => {
    await until(() => !isBusy());
    start();
    await until(isBusy, 1000);
  });
  return turn;
}

// ---- files go to this app's own upload address, which carries the key of this page, and to nowhere else ----

const KEY = "ecgimg-session";
const address = () => window.gradio_config.root + window.gradio_config.api_prefix;
const key = () => window.gradio_config.api_prefix.split("/").pop();
async function send(file) {
  const form = new FormData();
  form.append("files", file, file.name || "photo.jpg");
  const answer = await fetch(`${address()}/upload`, { method: "POST", body: form });
  if (!answer.ok) throw new Error(await answer.text());
  return { path: (await answer.json())[0], name: file.name || "photo" };
}

// ---- a page that is loaded again asks for the pages it showed; a key is kept only while the page is out of sight ----

const shownPage = () => document.querySelector("[data-page]")?.dataset.page || "";
const keep = () => sessionStorage.setItem(KEY, JSON.stringify({ key: key(), page: shownPage() }));
const before = JSON.parse(sessionStorage.getItem(KEY) || "null");
sessionStorage.removeItem(KEY);
window.addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => (document.hidden ? keep() : sessionStorage.removeItem(KEY)));
if (before && before.page) trigger("select", before);

// an app that was started again knows neither the key nor the login: only a new page has them
const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await ask(...request);
  if ((answer.status === 403 || answer.status === 401) && answer.url.includes(window.gradio_config.api_prefix)) {
    keep();
    window.location.reload();
  }
  return answer;
};
window.ecgimg = { inTurn, send };
