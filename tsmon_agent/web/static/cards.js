// The cards of the host's page. Names and values from the host are set as text, never as markup.
import { badge, showBadge } from "./badges.js";

const WORST_FIRST = ["critical", "high", "stale", "ok"];

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setSeverity(element, severity) {
  if (element.dataset.state === severity) return;
  element.dataset.state = severity;
  element.querySelector(".figure-state").replaceChildren(badge(severity));
}

function fill(element, figure) {
  setText(element.querySelector(".figure-name bdi"), figure.name);
  setText(element.querySelector(".figure-value"), figure.value);
  setText(element.querySelector(".figure-detail"), figure.detail);
  const bar = element.querySelector(".bar");
  bar.classList.toggle("none", figure.percent === null);
  bar.querySelector(".bar-fill").setAttribute("width", `${(figure.percent ?? 0).toFixed(1)}%`);
  setSeverity(element, figure.state);
}

// Show the figures of a card in their order, reusing the elements that are there by name.
export function showFigures(name, figures) {
  const card = document.querySelector(`[data-card="${name}"]`);
  if (!card || !figures.length) return;
  card.querySelector(".note").hidden = true;
  const list = card.querySelector(".figures");
  const existing = new Map([...list.children].map((element) => [element.dataset.name, element]));
  const wanted = figures.map((figure) => {
    let element = existing.get(figure.name);
    if (!element) {
      element = document.getElementById("figure").content.firstElementChild.cloneNode(true);
      element.dataset.name = figure.name;
    }
    fill(element, figure);
    return element;
  });
  if (wanted.length !== list.children.length || wanted.some((element, i) => element !== list.children[i])) {
    list.replaceChildren(...wanted);
  }
}

// Mark the cards whose samplers have no recent round; the next round clears the mark.
export function showStale(names) {
  for (const name of names) {
    for (const element of document.querySelectorAll(`[data-card="${name}"] .figure`)) setSeverity(element, "stale");
  }
}

export function showWorst() {
  const severities = new Set([...document.querySelectorAll(".figure")].map((element) => element.dataset.state));
  showBadge(document.getElementById("worst"), WORST_FIRST.find((severity) => severities.has(severity)));
}
