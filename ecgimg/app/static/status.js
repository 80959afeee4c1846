// What is going on must be seen: whoever pressed a button at the foot of a long page is taken to it.
watch("value", () => {
  const told = element.firstElementChild;
  if (!told) return;
  const place = told.getBoundingClientRect();
  if (place.bottom < 0 || place.top > window.innerHeight) told.scrollIntoView({ block: "center" });
});
