element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sample]");
  if (button) trigger("select", { sample: button.dataset.sample });
});
