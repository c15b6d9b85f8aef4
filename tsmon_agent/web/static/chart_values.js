// The values of a chart: those from the store, then those of the live rounds.
export class ChartValues {
  constructor() {
    this.series = [];
    this.times = [];
    this.gap = Infinity;
    this.stop = 0;
    this.omitted = 0;
  }

  // Take the values from the store, and keep live rounds that are newer.
  replace(answer) {
    const live = this.#after((answer.times.at(-1) ?? -Infinity) + answer.overlap);
    this.series = answer.series;
    this.times = answer.times;
    this.gap = answer.gap;
    this.stop = Math.max(this.stop, answer.stop);
    this.omitted = answer.omitted;
    for (const [time, values] of live) this.append(time, values);
  }

  // Add a round; returns whether it has a series that the chart does not know.
  append(time, values) {
    this.stop = Math.max(this.stop, time);
    const last = this.times.at(-1);
    if (last !== undefined && time <= last) return false;
    if (last !== undefined && time - last > this.gap) this.#push((last + time) / 2, () => null);
    this.#push(time, (series) => values[series.id] ?? null);
    const known = new Set(this.series.map((series) => series.id));
    return this.omitted === 0 && Object.keys(values).some((id) => !known.has(id));
  }

  // Columns for uPlot; stacked ones are cumulative sums.
  columns(stacked) {
    const columns = this.series.map((series) => series.values);
    if (!stacked) return [this.times, ...columns];
    const sums = [];
    for (const column of columns) {
      const below = sums.at(-1);
      sums.push(column.map((value, i) => (value === null || below?.[i] === null ? null : value + (below?.[i] ?? 0))));
    }
    return [this.times, ...sums];
  }

  // Index of the newest row with a value, or -1.
  get newest() {
    let row = this.times.length - 1;
    while (row >= 0 && this.series.every((series) => series.values[row] === null)) row -= 1;
    return row;
  }

  #push(time, valueOf) {
    this.times.push(time);
    for (const series of this.series) series.values.push(valueOf(series));
  }

  #after(time) {
    const rows = [];
    for (let row = 0; row < this.times.length; row += 1) {
      if (this.times[row] > time && this.series.some((series) => series.values[row] !== null)) {
        rows.push([
          this.times[row],
          Object.fromEntries(this.series.map((series) => [series.id, series.values[row]])),
        ]);
      }
    }
    return rows;
  }
}
