// Format numbers and times. All times are UTC, as in CloudWatch.

const scale = (...steps) => steps.map((step) => step.split(" ")).map(([factor, name]) => [Number(factor), ` ${name}`]);
const SCALES = {
  Seconds: scale("86400 d", "3600 h", "60 min", "1 s", "1e-3 ms", "1e-6 µs"),
  Milliseconds: scale("60000 min", "1000 s", "1 ms", "1e-3 µs"),
  Microseconds: scale("1e6 s", "1e3 ms", "1 µs"),
  Bytes: scale("1e12 TB", "1e9 GB", "1e6 MB", "1e3 kB", "1 B"),
};
const PLAIN = [
  [1e9, "G"],
  [1e6, "M"],
  [1e4, "k"],
];

export const NOTHING = "–";

export function number(value, unit) {
  if (value === null || value === undefined) return NOTHING;
  if (unit === "Percent") return `${digits(value)}%`;
  if (unit === "USD") return `$${Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : digits(value)}`;
  const steps = SCALES[unit] ?? PLAIN;
  const one = [1, steps.find(([factor]) => factor === 1)?.[1] ?? ""];
  const found = steps.find(([factor]) => Math.abs(value) >= factor);
  const [least, name] = found ?? (value && steps !== PLAIN ? steps.at(-1) : one);
  const factor = least === 1e4 ? 1e3 : least; // up to 10,000 without a k
  return `${digits(value / factor)}${name}${unit?.endsWith("/Second") ? "/s" : ""}`;
}

function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  return String(Number(size >= 1 ? value.toFixed(size >= 10 ? 1 : 2) : value.toPrecision(2)));
}

export const last = (values) => values.findLast((value) => value !== null) ?? null;

const shown = (options) => {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
  return (milliseconds) => format.format(milliseconds);
};
export const clock = shown({ hour: "2-digit", minute: "2-digit" });
export const day = shown({ day: "numeric", month: "short" });
export const moment = (time) => `${day(time)} ${clock(time)}`;

// The times of a recording, without the day of the end if it is that of the start.
export const times = ({ start, end }) =>
  `${day(start)}, ${clock(start)} – ${day(start) === day(end) ? "" : `${day(end)}, `}${clock(end)} UTC`;
