// Badges, cloned from the page's templates, so that the server and the scripts show the same.
export function badge(name) {
  const template = document.getElementById(`state-${name}`);
  return template ? template.content.cloneNode(true) : "";
}

// Show a badge in `place`, unless it is there already; without a name nothing changes.
export function showBadge(place, name) {
  if (name && place.firstElementChild?.dataset.state !== name) place.replaceChildren(badge(name));
}
