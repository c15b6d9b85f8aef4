// The pipeline's page, live.
import "./theme_button.js";
import { badge } from "./figures.js";
import { onNextFrame } from "./frames.js";
import { connect } from "./live.js";
import { count, moment, seconds } from "./wording.js";

function text(place, words) {
  const element = typeof place === "string" ? document.getElementById(place) : place;
  if (element.textContent !== words) element.textContent = words;
}

function setBadge(place, state) {
  if (place.firstElementChild?.dataset.state !== state) place.replaceChildren(badge(state));
}

function list(id, sentences) {
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
  setBadge(cell("state"), sampler.state);
  text(cell("interval"), seconds(sampler.interval_s));
  text(cell("rounds"), count(sampler.rounds));
  text(cell("errors"), count(sampler.errors));
  text(cell("duration"), sampler.last_duration_s === null ? "–" : seconds(sampler.last_duration_s));
  text(cell("success"), sampler.last_success_ns === null ? "never" : moment(sampler.last_success_ns / 1e6));
  text(cell("error"), sampler.last_error ?? "none");
}

function show(pipeline) {
  setBadge(document.getElementById("ready"), pipeline.readiness.ready ? "ready" : "not-ready");
  list("reasons", pipeline.readiness.reasons);
  text("store-name", pipeline.store);
  text("flush", seconds(pipeline.flush_period_s));
  text("last-error", pipeline.last_error ?? "none");
  for (const element of document.querySelectorAll("[data-count]")) text(element, count(pipeline[element.dataset.count]));
  list(
    "dropped-by",
    Object.entries(pipeline.dropped_by).map(([reason, number]) => `${count(number)} dropped: ${reason}`),
  );
  const rows = [...document.querySelectorAll("[data-sampler]")];
  const same = rows.map((row) => row.dataset.sampler).join() === pipeline.samplers.map(({ name }) => name).join();
  if (same) rows.forEach((row, i) => showSampler(row, pipeline.samplers[i]));
  else location.reload(); // the settings name other samplers now
}

let newest = null;
const showNewest = () => show(newest);

connect("pipeline", {
  pipeline(message) {
    newest = message.pipeline;
    onNextFrame(showNewest);
  },
});
