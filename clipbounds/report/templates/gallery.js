// Zoom for figures: buttons, or + - 0 while the picture has the focus. Without scripts the picture fits its page.
"use strict";
for (const figure of document.querySelectorAll("figure")) {
  const picture = figure.querySelector(".picture");
  const image = picture.querySelector("img");
  const bar = figure.querySelector(".zoom");
  const shown = bar.querySelector("output");
  const LARGEST = 8, READABLE = 640;
  let scale = 1;

  const zoom = (wanted) => {
    const before = scale;
    scale = Math.min(LARGEST, Math.max(1, wanted));
    // the middle of what is seen stays in the middle
    const x = (picture.scrollLeft + picture.clientWidth / 2) * (scale / before) - picture.clientWidth / 2;
    const y = (picture.scrollTop + picture.clientHeight / 2) * (scale / before) - picture.clientHeight / 2;
    image.style.width = `${100 * scale}%`;
    picture.scrollTo(x, y);
    shown.textContent = `${Math.round(100 * scale)} %`;
  };
  const moves = { in: () => zoom(scale * 1.5), out: () => zoom(scale / 1.5), fit: () => zoom(1) };
  for (const button of bar.querySelectorAll("button")) {
    button.addEventListener("click", moves[button.dataset.zoom]);
  }
  const keys = { "+": "in", "=": "in", "-": "out", 0: "fit" };
  picture.addEventListener("keydown", (event) => {
    if (event.key in keys && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      moves[keys[event.key]]();
    }
  });
  bar.hidden = false;
  // several panels side by side are too small on a phone: start larger, at the first panel
  if (!figure.classList.contains("single") && picture.clientWidth < READABLE) {
    zoom(READABLE / picture.clientWidth);
    picture.scrollTo(0, 0);
  }
}
