// Numbers and times for people; formatting.py does the same on the server.
const PREFIXES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const NO_BREAK = "\u00a0";

export function formatSize(bytes) {
  let value = bytes;
  let prefix = 0;
  while (Math.abs(value) >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1024;
    prefix += 1;
  }
  const digits = prefix === 0 || Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return value.toFixed(digits) + NO_BREAK + PREFIXES[prefix];
}

export function formatCount(number) {
  return Math.round(number).toLocaleString("en");
}

export function formatSeconds(value) {
  return value < 1 ? `${(value * 1000).toFixed(1)}${NO_BREAK}ms` : `${Number(value.toPrecision(4))}${NO_BREAK}s`;
}

export const UNITS = {
  percent: (value) => `${value.toFixed(1)}${NO_BREAK}%`,
  bytes: formatSize,
  "bytes/s": (value) => `${formatSize(value)}/s`,
  number: (value) => value.toFixed(2),
};

// Short forms for the axes, whose numbers are round.
export const AXIS = {
  percent: (value) => `${value}${NO_BREAK}%`,
  bytes: (value) => shorten(value, formatSize),
  "bytes/s": (value) => shorten(value, formatSize) + (value ? "/s" : ""),
  number: (value) => String(Number(value.toPrecision(3))),
};

function shorten(value, format) {
  return value === 0 ? "0" : format(value).replace(/(\.\d*?)0+(?=\D)/, "$1").replace(/\.(?=\D)/, "");
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const formatClock = (ms) => clock.format(ms);
export const formatDay = (ms) => day.format(ms);
export const formatMoment = (ms) => `${day.format(ms)}, ${clock.format(ms)}`;

// Labels of a time axis whose ticks are `step` milliseconds apart; the day is below the first tick of each day.
export function formatTicks(ticks, step) {
  if (step >= 86_400_000) return ticks.map(formatDay);
  const format = step < 60_000 ? formatClock : (ms) => minutes.format(ms);
  let before = null;
  return ticks.map((ms) => {
    const today = formatDay(ms);
    const label = today === before ? format(ms) : `${format(ms)}\n${today}`;
    before = today;
    return label;
  });
}
