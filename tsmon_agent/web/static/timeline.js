// The timeline of an instrument: tooltips by pointer and arrow keys, zoom by dragging, live statuses.
import "./theme_button.js";
import { showBadge } from "./badges.js";
import { connect } from "./live.js";
import { refreshPeriodically } from "./refresh.js";
import { hideTooltip, piecesOf, showTooltip, textOf } from "./tooltip.js";

const SECOND = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/;
const SHORTEST_DRAG = 6;

const timeline = () => document.getElementById("timeline");

function textAt(fraction) {
  const { start, stop } = timeline().dataset;
  const seconds = Number(start) + fraction * (Number(stop) - Number(start));
  return new Date(Math.round(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");
}

function go(start, stop) {
  if (!SECOND.test(start) || !SECOND.test(stop) || start >= stop) return;
  const address = new URL(location.href);
  address.searchParams.delete("range");
  address.searchParams.set("start_time", start);
  address.searchParams.set("stop_time", stop);
  location.assign(address);
}

// The piece under the pointer: of several within reach the narrowest, since a wide one is easy to hit.
function pieceAt(track, x, y) {
  let best = null;
  for (const shift of [0, -2, 2, -4, 4]) {
    for (const element of document.elementsFromPoint(x + shift, y)) {
      if (element.parentNode !== track || element.localName !== "rect") continue;
      if (!best || element.getBoundingClientRect().width < best.getBoundingClientRect().width) best = element;
    }
  }
  return best;
}

let dragged = null;

function markSelection(from, to, track) {
  const box = track.getBoundingClientRect();
  const outer = timeline().getBoundingClientRect();
  dragged.overlay.style.left = `${Math.min(from, to)}px`;
  dragged.overlay.style.width = `${Math.abs(to - from)}px`;
  dragged.overlay.style.top = `${outer.top}px`;
  dragged.overlay.style.height = `${outer.height}px`;
  return [from, to].map((x) => Math.min(Math.max((x - box.left) / box.width, 0), 1)).sort((a, b) => a - b);
}

document.addEventListener("pointermove", (event) => {
  if (dragged) {
    dragged.range = markSelection(dragged.x, event.clientX, dragged.track);
    hideTooltip();
    return;
  }
  const track = event.target.closest?.(".track");
  const piece = track && pieceAt(track, event.clientX, event.clientY);
  if (piece) showTooltip(track, piece, event.clientX, event.clientY);
  else if (!document.activeElement?.classList.contains("track")) hideTooltip();
});

document.addEventListener("pointerdown", (event) => {
  const track = event.target.closest?.(".track");
  if (!track || event.button !== 0 || event.pointerType === "touch") return;
  const overlay = document.createElement("div");
  overlay.className = "selection";
  dragged = { track, overlay, x: event.clientX, range: null };
  document.body.append(overlay);
});

document.addEventListener("pointerup", (event) => {
  if (!dragged) return;
  const { x, range, overlay } = dragged;
  overlay.remove();
  dragged = null;
  if (range && Math.abs(event.clientX - x) >= SHORTEST_DRAG) go(textAt(range[0]), textAt(range[1]));
});

document.addEventListener("keydown", (event) => {
  const track = event.target;
  if (event.key === "Escape") {
    dragged?.overlay.remove();
    dragged = null;
    hideTooltip();
  }
  if (!track.classList?.contains("track")) return;
  const pieces = piecesOf(track);
  const at = pieces.findIndex((piece) => piece.classList.contains("at"));
  const moves = { ArrowLeft: Math.max(at - 1, 0), ArrowRight: Math.min(at + 1, pieces.length - 1), Home: 0, End: pieces.length - 1 };
  if (event.key in moves && pieces.length) {
    event.preventDefault();
    showTooltip(track, pieces[moves[event.key]]);
  } else if (event.key === "Enter" && at >= 0) {
    const found = /^(.{19}) to (.{19}) UTC/m.exec(textOf(pieces[at]));
    if (found) go(found[1], found[2]);
  }
});

document.addEventListener("focusin", (event) => {
  if (event.target.classList?.contains("track") && event.target.matches(":focus-visible")) {
    const [first] = piecesOf(event.target);
    if (first) showTooltip(event.target, first);
  }
});
document.addEventListener("focusout", (event) => {
  if (event.target.classList?.contains("track")) hideTooltip();
});
addEventListener("scroll", hideTooltip, { passive: true });

refreshPeriodically(["timeline", "shares"], () => timeline()?.hasAttribute("data-moving"));

connect("streams", {
  streams(message) {
    for (const place of document.querySelectorAll("[data-instrument]")) {
      showBadge(place, message.instruments[place.dataset.instrument]);
    }
    for (const place of document.querySelectorAll("[data-stream]")) {
      showBadge(place, message.streams[place.dataset.stream]);
    }
  },
});
