// Alarms: each with its state, why, since when, and its states over the time range.

import { element } from "./dom.js";
import { clock, day, span } from "./format.js";

export const STATES = {
  ALARM: { word: "In alarm", sign: "▲", look: "alarm" },
  OK: { word: "OK", sign: "✓", look: "ok" },
  INSUFFICIENT_DATA: { word: "Insufficient data", sign: "…", look: "unsure" },
};

export function alarmList(widget) {
  if (!widget.alarms.length) return element("p", { class: "notice", text: "No alarm is in the states that this widget shows." });
  return element("ul", { class: "alarm-list" }, ...widget.alarms.map((alarm) => one(alarm, widget)));
}

function one(alarm, { start, end }) {
  const state = STATES[alarm.state];
  return element(
    "li",
    { class: `alarm ${state.look}`, "data-alarm": alarm.name, "data-state": alarm.state },
    element(
      "div",
      { class: "headline" },
      element("span", { class: "state", text: `${state.sign} ${state.word}` }),
      alarm.runbook ? element("a", { href: alarm.runbook, text: alarm.name }) : element("span", { text: alarm.name }),
      element("span", { class: "quiet since", text: alarm.since ? `since ${moment(alarm.since)}` : "" }),
    ),
    timeline(alarm, start, end),
    element("p", { class: "quiet" }, alarm.state === "OK" ? alarm.rule : `${alarm.meaning} (${alarm.rule})`),
  );
}

export function badge(state, count) {
  const { word, sign, look } = STATES[state];
  return element("span", { class: `state ${look}`, text: `${sign} ${count} ${word.toLowerCase()}` });
}

function timeline({ name, periods }, start, end) {
  const parts = periods.map(({ from, to, state }) => {
    const part = element("span", { class: STATES[state].look, title: `${STATES[state].word}, ${clock(from)} to ${clock(to)} UTC` });
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

const moment = (time) => `${day(time)}, ${clock(time)}`;
