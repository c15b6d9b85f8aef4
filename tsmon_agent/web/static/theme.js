// Loaded before the page is drawn, so that it never flashes in the other colours.
"use strict";
try {
  const chosen = localStorage.getItem("tsmon-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
