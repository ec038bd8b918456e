// Format numbers and times. All times are UTC, as in CloudWatch.

const SCALES = {
  Seconds: [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "µs"],
  ],
  Milliseconds: [
    [60000, "min"],
    [1000, "s"],
    [1, "ms"],
    [1e-3, "µs"],
  ],
  Microseconds: [
    [1e6, "s"],
    [1e3, "ms"],
    [1, "µs"],
  ],
  Bytes: [
    [1e12, "TB"],
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
    [1, "B"],
  ],
  Kilobytes: [
    [1e6, "GB"],
    [1e3, "MB"],
    [1, "kB"],
  ],
  Megabytes: [
    [1e6, "TB"],
    [1e3, "GB"],
    [1, "MB"],
  ],
  Gigabytes: [
    [1e3, "TB"],
    [1, "GB"],
  ],
};
const PLAIN = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
];

export const NOTHING = "–";

// `like` is the number that determines the scale, so that all labels of an axis have the same scale.
export function number(value, unit, like = value) {
  if (value === null || value === undefined) return NOTHING;
  if (unit === "Percent") return `${digits(value)}%`;
  if (unit === "USD") return `$${Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : digits(value)}`;
  const steps = SCALES[unit] ?? PLAIN;
  const size = Math.abs(like);
  const plainly = steps === PLAIN && size < 10000;
  const [factor, name] = plainly
    ? [1, ""]
    : (steps.find(([least]) => size >= least) ?? (size ? steps.at(-1) : middle(steps)));
  const suffix = unit?.endsWith("/Second") ? "/s" : "";
  return `${digits(value / factor)}${steps === PLAIN ? "" : " "}${name}${suffix}`;
}

function middle(steps) {
  return steps.find(([factor]) => factor === 1) ?? steps.at(-1);
}

function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return String(Math.round(value));
  if (size >= 10) return String(Number(value.toFixed(1)));
  if (size >= 1) return String(Number(value.toFixed(2)));
  return String(Number(value.toPrecision(2)));
}

const two = (count) => String(count).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function clock(milliseconds, seconds = false) {
  const time = new Date(milliseconds);
  const text = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
  return seconds ? `${text}:${two(time.getUTCSeconds())}` : text;
}

export function day(milliseconds) {
  const time = new Date(milliseconds);
  return `${time.getUTCDate()} ${MONTHS[time.getUTCMonth()]}`;
}

export function span(seconds) {
  for (const [length, name] of [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ]) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length} ${name}`;
  }
  return seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
}
