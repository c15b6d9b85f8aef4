// Runs before the page is drawn, so that it never flashes in the other colours.
"use strict";
try {
  const chosen = localStorage.getItem("tsmon-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Without access to storage the system's theme applies.
}
