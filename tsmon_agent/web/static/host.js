// The host's page: cards and charts, both live.
import "./theme_button.js";
import { Chart } from "./chart.js";
import { showFigures, showStale, showWorst } from "./cards.js";
import { onNextFrame } from "./frames.js";
import { connect } from "./live.js";

const charts = [...document.querySelectorAll("[data-chart]")].map((section) => new Chart(section));
const ranges = [...document.querySelectorAll("[data-range]")];

let range = ranges.find((link) => link.hasAttribute("aria-current"));
let loading = new AbortController();
let refresh = 0;
let refreshSoon = false;

// Live rounds are finer than the windows from the store, so the charts are reloaded from time to time.
function refreshPeriod() {
  return Math.min(Math.max(range.dataset.length / 300, 60_000), 600_000);
}

async function load(chart, signal) {
  const address = new URL(`${document.documentElement.dataset.base}/api/host/series`, location.href);
  address.search = new URLSearchParams({ range: range.dataset.range, chart: chart.name });
  try {
    const response = await fetch(address, { signal });
    const answer = await response.json();
    if (response.ok) chart.show(answer);
    else chart.fail(answer.error);
  } catch {
    if (!signal.aborted) chart.fail("The agent does not answer.");
  }
}

async function loadAll() {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  clearTimeout(refresh);
  refreshSoon = false;
  await Promise.all(charts.map((chart) => load(chart, signal)));
  if (!signal.aborted) refresh = setTimeout(refreshVisible, refreshPeriod());
}

function refreshVisible() {
  if (!document.hidden) loadAll();
  else document.addEventListener("visibilitychange", refreshVisible, { once: true });
}

function choose(link) {
  for (const other of ranges) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  range = link;
  for (const chart of charts) chart.clear(Number(link.dataset.length));
  loadAll();
}

for (const link of ranges) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link === range) return;
    history.pushState(null, "", link.href);
    choose(link);
  });
}
addEventListener("popstate", () => {
  const name = new URLSearchParams(location.search).get("range") ?? "1h";
  const link = ranges.find((one) => one.dataset.range === name);
  if (link && link !== range) choose(link);
});
document.addEventListener("theme", () => {
  for (const chart of charts) chart.rebuild();
});

let greeted = false;
const figures = new Map();
const showWaiting = () => {
  for (const [name, list] of figures) showFigures(name, list);
  figures.clear();
  showWorst();
};

connect("host", {
  hello() {
    if (greeted) loadAll(); // it was disconnected in between
    greeted = true;
  },
  round(message) {
    for (const [name, list] of Object.entries(message.figures)) figures.set(name, list);
    onNextFrame(showWaiting);
    let unknown = false;
    for (const chart of charts) {
      const values = message.values[chart.name];
      if (values && Object.keys(values).length) unknown = chart.append(message.time, values) || unknown;
    }
    if (unknown) reloadSoon();
  },
  beat(message) {
    onNextFrame(() => {
      showStale(message.stale);
      showWorst();
    });
  },
});

// There is a new disk, device or interface, which the store knows after the next flush. Later rounds with it must
// not delay the reload.
function reloadSoon() {
  if (refreshSoon) return;
  refreshSoon = true;
  clearTimeout(refresh);
  refresh = setTimeout(refreshVisible, 1_500);
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.getElementById("zone").textContent = ` (${zone})`;
choose(range);
