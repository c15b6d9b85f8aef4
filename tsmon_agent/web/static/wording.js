// Numbers and times as people read them; wording.py says the same for what the server writes.
const PREFIXES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const NO_BREAK = "\u00a0";

export function size(bytes) {
  let value = bytes;
  let prefix = 0;
  while (Math.abs(value) >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1024;
    prefix += 1;
  }
  const digits = prefix === 0 || Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return value.toFixed(digits) + NO_BREAK + PREFIXES[prefix];
}

export function count(number) {
  return Math.round(number).toLocaleString("en");
}

export function seconds(value) {
  return value < 1 ? `${(value * 1000).toFixed(1)}${NO_BREAK}ms` : `${Number(value.toPrecision(4))}${NO_BREAK}s`;
}

export const UNITS = {
  percent: (value) => `${value.toFixed(1)}${NO_BREAK}%`,
  bytes: size,
  "bytes/s": (value) => `${size(value)}/s`,
  number: (value) => value.toFixed(2),
};

// Short forms for the axes, where the numbers are round.
export const AXIS = {
  percent: (value) => `${value}${NO_BREAK}%`,
  bytes: (value) => short(value, size),
  "bytes/s": (value) => short(value, size) + (value ? "/s" : ""),
  number: (value) => String(Number(value.toPrecision(3))),
};

function short(value, say) {
  return value === 0 ? "0" : say(value).replace(/(\.\d*?)0+(?=\D)/, "$1").replace(/\.(?=\D)/, "");
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const clockTime = (ms) => clock.format(ms);
export const dayName = (ms) => day.format(ms);
export const moment = (ms) => `${day.format(ms)}, ${clock.format(ms)}`;

// Labels of a time axis whose ticks are `step` milliseconds apart; the day stands below where it begins.
export function tickTimes(ticks, step) {
  if (step >= 86_400_000) return ticks.map(dayName);
  const say = step < 60_000 ? clockTime : (ms) => minutes.format(ms);
  let before = null;
  return ticks.map((ms) => {
    const today = dayName(ms);
    const label = today === before ? say(ms) : `${say(ms)}\n${today}`;
    before = today;
    return label;
  });
}
