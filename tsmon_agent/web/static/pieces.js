// The tip that tells of a piece of a timeline; its text comes with the piece, as the title that browsers show.
const texts = new WeakMap();
const ordered = new WeakMap();

const tip = () => document.getElementById("tip");

export function textOf(piece) {
  const title = piece.querySelector("title");
  if (title) {
    texts.set(piece, title.textContent);
    title.remove(); // else the browser would show a second tip
  }
  return texts.get(piece) ?? "";
}

// Pieces in order of time: the narrow ones stand last in the document, so that they lie on top.
export function piecesOf(track) {
  if (!ordered.has(track)) {
    const pieces = [...track.querySelectorAll("rect")];
    pieces.sort((a, b) => a.x.baseVal.value - b.x.baseVal.value);
    ordered.set(track, pieces);
  }
  return ordered.get(track);
}

export function show(track, piece, x, y) {
  for (const rect of document.querySelectorAll(".track rect.at")) if (rect !== piece) rect.classList.remove("at");
  piece.classList.add("at");
  const place = tip();
  const text = textOf(piece);
  if (place.textContent !== text) place.textContent = text;
  place.hidden = false;
  const box = piece.getBoundingClientRect();
  const size = place.getBoundingClientRect();
  const left = (x ?? Math.max(box.left, 0)) + 12;
  const below = (y ?? box.bottom) + 14;
  place.style.left = `${Math.max(Math.min(left, document.documentElement.clientWidth - size.width - 8), 8)}px`;
  place.style.top = `${below + size.height > innerHeight ? Math.max((y ?? box.top) - size.height - 10, 4) : below}px`;
}

export function hide() {
  const place = tip();
  if (!place || place.hidden) return;
  place.hidden = true;
  for (const rect of document.querySelectorAll(".track rect.at")) rect.classList.remove("at");
}
