element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sample]");
  if (button) window.ecgimg.inTurn(() => trigger("select", { sample: button.dataset.sample }));
});
