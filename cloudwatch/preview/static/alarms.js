// Alarms: each with its state, why, since when, and its states over the time range.

import { element } from "./dom.js";
import { clock, day, span } from "./format.js";

export const STATES = {
  ALARM: { word: "In alarm", sign: "▲", look: "alarm" },
  OK: { word: "OK", sign: "✓", look: "ok" },
  INSUFFICIENT_DATA: { word: "Insufficient data", sign: "…", look: "unsure" },
};

// `full`: with what each means and its rule, also where all is well.
export function alarmList(widget, full = false) {
  if (!widget.alarms.length)
    return element("p", { class: "notice", text: "No alarm is in the states that this widget shows." });
  const shape = full ? "alarm-list full" : "alarm-list";
  return element("ul", { class: shape }, ...widget.alarms.map((alarm) => one(alarm, widget, full)));
}

function one(alarm, { start, end }, full) {
  const state = STATES[alarm.state];
  const name = alarm.runbook
    ? element("a", { href: alarm.runbook, text: alarm.name })
    : element("span", { text: alarm.name });
  const why = alarm.state === "OK" ? "" : `${alarm.meaning}. `;
  const text = full
    ? `${alarm.meaning}. ${alarm.state === "OK" ? alarm.rule : alarm.reason}`
    : why && `${why}${alarm.reason}`;
  return element(
    "li",
    {
      class: `alarm ${state.look}`,
      "data-alarm": alarm.name,
      "data-state": alarm.state,
      title: `${alarm.meaning}. ${alarm.rule}`,
    },
    element(
      "div",
      { class: "headline" },
      mark(state, full || alarm.state !== "OK"),
      name,
      alarm.since && (full || alarm.state !== "OK")
        ? element("span", { class: "quiet since", text: `since ${moment(alarm.since)}` })
        : null,
    ),
    timeline(alarm, start, end),
    text ? element("p", { class: "quiet", text }) : null,
  );
}

function mark({ sign, word }, spelled) {
  const text = element("span", { class: spelled ? "" : "unseen", text: ` ${word}` });
  return element("span", { class: "state" }, sign, text);
}

export function badge(state, count) {
  const { word, sign, look } = STATES[state];
  return element("span", { class: `state ${look}`, text: `${sign} ${count} ${word.toLowerCase()}` });
}

function timeline({ name, periods }, start, end) {
  const parts = periods.map(({ from, to, state, reason }) => {
    const part = element("span", {
      class: STATES[state].look,
      title: `${STATES[state].word}, ${clock(from)} to ${clock(to)} UTC: ${reason}`,
    });
    part.style.left = `${((from - start) / (end - start)) * 100}%`;
    part.style.width = `${((to - from) / (end - start)) * 100}%`;
    return part;
  });
  return element("div", { class: "timeline", role: "img", "aria-label": told(name, periods) }, ...parts);
}

function told(name, periods) {
  const alarmed = periods.filter(({ state }) => state === "ALARM");
  if (!alarmed.length) return `${name} was never in alarm in this time range`;
  const each = alarmed.map(({ from, to }) => `from ${moment(from)} for ${span((to - from) / 1000)}`);
  return `${name} was in alarm ${each.join(", ")}`;
}

const moment = (time) => `${day(time)} ${clock(time)}`;
