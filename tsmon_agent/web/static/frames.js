// Draws at most once a frame, and not at all while nobody sees the page.
const waiting = new Set();
let asked = false;

function draw() {
  asked = false;
  if (document.hidden) return;
  const now = [...waiting];
  waiting.clear();
  for (const work of now) work();
}

export function onNextFrame(work) {
  waiting.add(work);
  if (!asked && !document.hidden) {
    asked = true;
    requestAnimationFrame(draw);
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && waiting.size && !asked) {
    asked = true;
    requestAnimationFrame(draw);
  }
});
