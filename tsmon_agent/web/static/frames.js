// Draws at most once per frame, and not while the page is hidden.
const waiting = new Set();
let scheduled = false;

function draw() {
  scheduled = false;
  if (document.hidden) return;
  const now = [...waiting];
  waiting.clear();
  for (const work of now) work();
}

export function onNextFrame(work) {
  waiting.add(work);
  if (!scheduled && !document.hidden) {
    scheduled = true;
    requestAnimationFrame(draw);
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && waiting.size && !scheduled) {
    scheduled = true;
    requestAnimationFrame(draw);
  }
});
