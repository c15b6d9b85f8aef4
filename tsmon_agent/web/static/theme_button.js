// The button that cycles through the system's theme, light and dark.
const THEMES = ["system", "light", "dark"];
const SHAPES = { system: "◐", light: "○", dark: "●" };

const root = document.documentElement;
const button = document.getElementById("theme");

function show() {
  const theme = root.dataset.theme ?? "system";
  button.querySelector(".theme-shape").textContent = SHAPES[theme];
  button.querySelector(".theme-word").textContent = `Theme: ${theme}`;
}

function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem("tsmon-theme", theme);
  } catch {
    // Without access to storage the choice lasts as long as the page.
  }
  show();
  document.dispatchEvent(new Event("theme"));
}

button.addEventListener("click", () => {
  const now = THEMES.indexOf(root.dataset.theme ?? "system");
  choose(THEMES[(now + 1) % THEMES.length]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
button.hidden = false;
show();
