// The tooltip of a timeline's piece. Its text is the piece's title, which browsers show without this script.
const texts = new WeakMap();
const ordered = new WeakMap();

const tooltip = () => document.getElementById("tip");

export function textOf(piece) {
  const title = piece.querySelector("title");
  if (title) {
    texts.set(piece, title.textContent);
    title.remove(); // otherwise the browser would show a second tooltip
  }
  return texts.get(piece) ?? "";
}

// Pieces in order of time; in the document the narrow ones are last, and so on top.
export function piecesOf(track) {
  if (!ordered.has(track)) {
    const pieces = [...track.querySelectorAll("rect")];
    pieces.sort((a, b) => a.x.baseVal.value - b.x.baseVal.value);
    ordered.set(track, pieces);
  }
  return ordered.get(track);
}

export function showTooltip(track, piece, x, y) {
  for (const rect of document.querySelectorAll(".track rect.at")) if (rect !== piece) rect.classList.remove("at");
  piece.classList.add("at");
  const place = tooltip();
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

export function hideTooltip() {
  const place = tooltip();
  if (!place || place.hidden) return;
  place.hidden = true;
  for (const rect of document.querySelectorAll(".track rect.at")) rect.classList.remove("at");
}
