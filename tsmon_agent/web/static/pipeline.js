// The pipeline's page, live.
import "./theme_button.js";
import { showBadge } from "./badges.js";
import { formatCount, formatMoment, formatSeconds } from "./formatting.js";
import { onNextFrame } from "./frames.js";
import { connect } from "./live.js";

function setText(place, words) {
  const element = typeof place === "string" ? document.getElementById(place) : place;
  if (element.textContent !== words) element.textContent = words;
}

function showList(id, sentences) {
  const place = document.getElementById(id);
  if ([...place.children].map((item) => item.textContent).join("\n") === sentences.join("\n")) return;
  place.replaceChildren(
    ...sentences.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
}

function showSampler(row, sampler) {
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
  showBadge(cell("state"), sampler.state);
  setText(cell("interval"), formatSeconds(sampler.interval_s));
  setText(cell("rounds"), formatCount(sampler.rounds));
  setText(cell("errors"), formatCount(sampler.errors));
  setText(cell("duration"), sampler.last_duration_s === null ? "–" : formatSeconds(sampler.last_duration_s));
  setText(cell("success"), sampler.last_success_ns === null ? "never" : formatMoment(sampler.last_success_ns / 1e6));
  setText(cell("error"), sampler.last_error ?? "none");
}

function show(pipeline) {
  showBadge(document.getElementById("ready"), pipeline.readiness.ready ? "ready" : "not-ready");
  showList("reasons", pipeline.readiness.reasons);
  setText("store-name", pipeline.store);
  setText("flush", formatSeconds(pipeline.flush_period_s));
  setText("last-error", pipeline.last_error ?? "none");
  for (const element of document.querySelectorAll("[data-count]")) setText(element, formatCount(pipeline[element.dataset.count]));
  showList(
    "dropped-by",
    Object.entries(pipeline.dropped_by).map(([reason, number]) => `${formatCount(number)} dropped: ${reason}`),
  );
  const rows = [...document.querySelectorAll("[data-sampler]")];
  const same = rows.map((row) => row.dataset.sampler).join() === pipeline.samplers.map(({ name }) => name).join();
  if (same) rows.forEach((row, i) => showSampler(row, pipeline.samplers[i]));
  else location.reload(); // the settings now name other samplers
}

let newest = null;
const showNewest = () => show(newest);

connect("pipeline", {
  pipeline(message) {
    newest = message.pipeline;
    onNextFrame(showNewest);
  },
});
