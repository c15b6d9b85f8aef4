// One chart: its drawing (by uPlot), its legend, which shows the values under the cursor, and its table.
import { ChartValues } from "./chart_values.js";
import { onNextFrame } from "./frames.js";
import { AXIS, UNITS, formatMoment, formatTicks } from "./formatting.js";

const HEIGHT = 200;
const ROWS = 30;
const GREY = new Set(["free", "CPUs"]); // capacity, not use
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

const POWERS_OF_TWO = Array.from({ length: 54 }, (_, power) => 2 ** power);

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class Chart {
  constructor(section) {
    this.name = section.dataset.chart;
    this.section = section;
    this.unit = section.dataset.unit;
    this.stacked = section.dataset.stacked === "yes";
    this.plot = section.querySelector(".plot");
    this.legend = section.querySelector(".legend");
    this.details = section.querySelector(".values");
    this.values = new ChartValues();
    this.length = 0;
    this.drawing = null;
    this.shape = "";
    this.#listen();
  }

  // Empty the chart for another range, `length` milliseconds long.
  clear(length) {
    this.length = length;
    this.values = new ChartValues();
    this.loaded = false;
    this.#destroy();
    this.#showMessage("Loading …");
    this.legend.replaceChildren();
  }

  show(answer) {
    this.loaded = true;
    this.values.replace(answer);
    const omitted = this.section.querySelector(".omitted");
    omitted.hidden = !answer.omitted;
    omitted.textContent = `${answer.omitted} more with lower values are not drawn.`;
    this.redraw();
  }

  // The store does not answer: an existing drawing stays.
  fail(sentence) {
    if (!this.drawing) this.#showMessage(sentence);
  }

  append(time, values) {
    if (!this.loaded) return false;
    const unknown = this.values.append(time, values);
    this.redraw();
    return unknown;
  }

  redraw = () => onNextFrame(this.#draw);

  rebuild() {
    this.#destroy();
    if (this.loaded) this.redraw();
  }

  #draw = () => {
    if (!this.loaded) return;
    if (this.values.newest < 0) {
      this.#destroy();
      this.#showMessage("There are no values in this range yet.");
      return;
    }
    const shape = this.values.series.map((series) => series.id).join("\n");
    if (this.drawing && shape !== this.shape) this.#destroy();
    if (!this.drawing) {
      this.shape = shape;
      this.#build();
    } else {
      this.drawing.setData(this.values.columns(this.stacked));
    }
    this.#showValues();
    if (this.details.open) this.#showTable();
  };

  #showMessage(sentence) {
    const message = document.createElement("p");
    message.className = "plot-message";
    message.textContent = sentence;
    this.plot.replaceChildren(message);
  }

  #destroy() {
    this.drawing?.destroy();
    this.drawing = null;
  }

  // One colour per owner if there are several, else one per line; an owner's second line is dashed.
  #styles() {
    const { series } = this.values;
    const owners = [...new Set(series.map((one) => one.owner))];
    const parts = [...new Set(series.map((one) => one.part))];
    return series.map(({ owner, part }) => {
      const byOwner = owners.length > 1;
      const number = byOwner ? owners.indexOf(owner) : parts.indexOf(part);
      const stroke = GREY.has(part) ? color("--series-rest") : color(`--series-${(number % 8) + 1}`);
      const dashed = (byOwner && parts.indexOf(part) > 0) || part === "CPUs";
      return { stroke, dash: dashed ? [5, 4] : undefined };
    });
  }

  #build() {
    const styles = this.#styles();
    const series = this.values.series.map((one, i) => ({
      label: one.id,
      stroke: styles[i].stroke,
      dash: styles[i].dash,
      width: this.stacked ? 1 : 1.75,
      fill: this.stacked ? styles[i].stroke + (GREY.has(one.part) ? "26" : "99") : undefined,
      points: { size: 4, show: () => false, filter: this.#isolated },
    }));
    const bands = this.stacked ? series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })) : [];
    const text = color("--muted");
    const grid = { stroke: color("--grid"), width: 1 };
    const binary = this.unit.startsWith("bytes");
    this.plot.replaceChildren();
    this.drawing = new uPlot(
      {
        width: this.plot.clientWidth,
        height: HEIGHT,
        ms: 1,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        scales: { x: { time: true, range: this.#timeRange }, y: { range: this.#valueRange } },
        axes: [
          {
            stroke: text,
            grid,
            ticks: grid,
            font: FONT,
            space: 72,
            splits: this.#ticks,
            values: (_, ticks, __, ___, step) => formatTicks(ticks, step),
          },
          {
            stroke: text,
            grid,
            ticks: { show: false },
            font: FONT,
            size: 72,
            space: 32,
            incrs: binary ? POWERS_OF_TWO : undefined,
            values: (_, ticks) => ticks.map(AXIS[this.unit]),
          },
        ],
        series: [{}, ...series],
        bands,
        cursor: {
          y: false,
          drag: { x: false, y: false, setScale: false },
          sync: { key: "host", scales: ["x", null] },
          points: { size: 7 },
        },
        hooks: { setCursor: [() => onNextFrame(this.#showValues)] },
      },
      this.values.columns(this.stacked),
      this.plot,
    );
    this.#buildLegend(styles);
  }

  // Rows with a value between two gaps, which need a point since no line shows them.
  #isolated = (drawing, index) => {
    const values = drawing.data[index];
    const missing = (row) => (values[row] ?? null) === null;
    return [...values.keys()].filter((row) => !missing(row) && missing(row - 1) && missing(row + 1));
  };

  // Round times in this browser's time zone.
  #ticks = (_, __, first, last, step) => {
    const zone = new Date(first).getTimezoneOffset() * 60_000;
    const ticks = [];
    for (let tick = Math.ceil((first - zone) / step) * step + zone; tick <= last; tick += step) ticks.push(tick);
    return ticks;
  };

  #timeRange = () => [this.values.stop - this.length, this.values.stop];

  #valueRange = (_, low, high) => {
    if (this.unit === "percent") return [0, 100];
    if (high === null || high <= 0) return [0, 1];
    return [0, this.stacked ? high : high * 1.08];
  };

  #buildLegend(styles) {
    this.legend.replaceChildren(
      ...this.values.series.map(({ part, owner }, i) => {
        const item = document.createElement("li");
        const swatch = document.createElement("span");
        swatch.className = styles[i].dash ? "swatch dashed" : "swatch";
        swatch.style.color = styles[i].stroke;
        const name = document.createElement("span");
        name.className = "legend-name";
        if (owner) {
          const isolated = document.createElement("bdi");
          isolated.textContent = owner;
          name.append(isolated, " ");
        }
        name.append(part);
        const value = document.createElement("span");
        value.className = "legend-value";
        item.append(swatch, name, value);
        return item;
      }),
    );
    if (this.stacked && this.unit === "percent") {
      const item = document.createElement("li");
      const name = document.createElement("span");
      name.className = "legend-name";
      name.textContent = "total";
      const value = document.createElement("span");
      value.className = "legend-value";
      item.append(name, value);
      this.legend.append(item);
    }
  }

  // The values under the cursor, without one the newest.
  #showValues = () => {
    if (!this.drawing) return;
    const row = this.drawing.cursor.idx ?? this.values.newest;
    const time = this.values.times[row];
    this.section.querySelector(".chart-time").textContent = time === undefined ? "" : formatMoment(time);
    const format = UNITS[this.unit];
    const places = this.legend.querySelectorAll(".legend-value");
    let sum = 0;
    this.values.series.forEach((series, i) => {
      const value = series.values[row] ?? null;
      sum = value === null || sum === null ? null : sum + value;
      places[i].textContent = value === null ? "–" : format(value);
    });
    if (places.length > this.values.series.length) {
      places[this.values.series.length].textContent = sum === null ? "–" : format(sum);
    }
  };

  #showTable() {
    const { series, times } = this.values;
    const cell = (kind, text, scope) => {
      const element = document.createElement(kind);
      element.textContent = text;
      if (scope) element.scope = scope;
      return element;
    };
    const head = document.createElement("tr");
    head.append(cell("th", "Time", "col"));
    for (const { part, owner } of series) {
      const title = cell("th", "", "col");
      title.className = "number";
      if (owner) {
        const isolated = document.createElement("bdi");
        isolated.textContent = owner;
        title.append(isolated, " ");
      }
      title.append(part);
      head.append(title);
    }
    const rows = [];
    for (let row = times.length - 1; row >= 0 && rows.length < ROWS; row -= 1) {
      const line = document.createElement("tr");
      line.append(cell("th", formatMoment(times[row]), "row"));
      for (const { values } of series) {
        const value = cell("td", values[row] === null ? "no value" : UNITS[this.unit](values[row]));
        value.className = "number";
        line.append(value);
      }
      rows.push(line);
    }
    this.section.querySelector("thead").replaceChildren(head);
    this.section.querySelector("tbody").replaceChildren(...rows);
  }

  #listen() {
    new ResizeObserver(() => {
      this.drawing?.setSize({ width: this.plot.clientWidth, height: HEIGHT });
    }).observe(this.plot);
    this.details.addEventListener("toggle", () => this.details.open && this.#showTable());
    this.plot.addEventListener("keydown", (event) => this.#key(event));
    this.plot.addEventListener("blur", () => {
      this.legend.removeAttribute("aria-live");
      this.drawing?.setCursor({ left: -10, top: -10 });
    });
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !this.drawing) return;
    event.preventDefault();
    this.legend.setAttribute("aria-live", "polite");
    const { times } = this.values;
    const first = Math.max(times.findIndex((time) => time >= this.values.stop - this.length), 0);
    const from = this.drawing.cursor.idx ?? this.values.newest + 1;
    const row = Math.min(Math.max(from + steps[event.key], first), this.values.newest);
    this.drawing.setCursor({ left: this.drawing.valToPos(times[row], "x"), top: 0 });
  }
}
