// The cards at a glance. Whatever comes from the host is set as text, never as markup.
const ORDER = ["critical", "high", "stale", "ok"];

export function badge(state) {
  const template = document.getElementById(`state-${state}`);
  return template ? template.content.cloneNode(true) : "";
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.querySelector(".figure-state").replaceChildren(badge(state));
}

function fill(element, figure) {
  setText(element.querySelector(".figure-name bdi"), figure.name);
  setText(element.querySelector(".figure-value"), figure.value);
  setText(element.querySelector(".figure-detail"), figure.detail);
  const bar = element.querySelector(".bar");
  bar.classList.toggle("none", figure.percent === null);
  bar.querySelector(".bar-fill").setAttribute("width", `${(figure.percent ?? 0).toFixed(1)}%`);
  setState(element, figure.state);
}

// Show the figures of a card, one element per name, in their order.
export function showFigures(name, figures) {
  const card = document.querySelector(`[data-card="${name}"]`);
  if (!card || !figures.length) return;
  card.querySelector(".note").hidden = true;
  const list = card.querySelector(".figures");
  const there = new Map([...list.children].map((element) => [element.dataset.name, element]));
  const wanted = figures.map((figure) => {
    let element = there.get(figure.name);
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

// Mark cards whose samplers have given nothing of late; the next round says otherwise.
export function showStale(names) {
  for (const name of names) {
    for (const element of document.querySelectorAll(`[data-card="${name}"] .figure`)) setState(element, "stale");
  }
}

export function showWorst() {
  const states = new Set([...document.querySelectorAll(".figure")].map((element) => element.dataset.state));
  const worst = ORDER.find((state) => states.has(state));
  const place = document.getElementById("worst");
  if (worst && place.firstElementChild?.dataset.state !== worst) place.replaceChildren(badge(worst));
}
