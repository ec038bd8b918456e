// Draw alarms with their states, the reasons for them, and a timeline of the time range.

import { element } from "./dom.js";
import { clock, day, span } from "./format.js";

export const STATES = {
  ALARM: { word: "In alarm", sign: "▲", look: "alarm" },
  OK: { word: "OK", sign: "✓", look: "ok" },
  INSUFFICIENT_DATA: { word: "Insufficient data", sign: "…", look: "unsure" },
};

// Return the list of alarms of a widget.
export function alarmList(widget) {
  if (!widget.alarms.length)
    return element("p", { class: "notice", text: "No alarm is in the states that this widget shows." });
  return element("ul", { class: "alarm-list" }, ...widget.alarms.map((alarm) => alarmItem(alarm, widget, false)));
}

// Return all alarms with their meanings and rules. Alarms that never fired are in closed details elements.
export function alarmOverview({ alarms, start, end }) {
  const fired = (alarm) => alarm.periods.some(({ state }) => state === "ALARM");
  const list = (some) =>
    element("ul", { class: "alarm-list full" }, ...some.map((alarm) => alarmItem(alarm, { start, end }, true)));
  const folded = (state, text) => {
    const some = alarms.filter((alarm) => alarm.state === state && !fired(alarm));
    if (!some.length) return null;
    const names = some.map(({ name }) => name).join(", ");
    const summary = element(
      "summary",
      {},
      badge(state, some.length),
      element("span", { class: "quiet", text: ` ${text}: ${names}` }),
    );
    return element("details", {}, summary, list(some));
  };
  const loud = alarms.filter(fired);
  return element(
    "div",
    { class: "all-alarms" },
    loud.length ? list(loud) : null,
    folded("INSUFFICIENT_DATA", "and never in alarm"),
    folded("OK", "and never in alarm"),
  );
}

// If `full`, the meaning and the rule are shown even if the state is OK.
function alarmItem(alarm, { start, end }, full) {
  const state = STATES[alarm.state];
  const isOk = alarm.state === "OK";
  const name = alarm.runbook
    ? element("a", { href: alarm.runbook, text: alarm.name })
    : element("span", { text: alarm.name });
  const detail = isOk ? alarm.rule : alarm.reason;
  const text = full || isOk ? "" : `${alarm.meaning}. ${detail}`;
  const folded = element("details", {}, element("summary", { class: "quiet", text: alarm.meaning }), element("p", { class: "quiet", text: detail }));
  folded.open = !isOk; // why it is so, but no expression of one that is well
  const changed = day(alarm.since) === day(end) ? clock(alarm.since) : moment(alarm.since);
  const since = alarm.since && (full || !isOk) ? `since ${changed}` : "";
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
      stateMark(state, full || !isOk),
      name,
      since ? element("span", { class: "quiet since", text: since }) : null,
    ),
    timeline(alarm, start, end),
    text ? element("p", { class: "quiet", text }) : null,
    full ? folded : null,
  );
}

function stateMark({ sign, word }, showsWord) {
  const text = element("span", { class: showsWord ? "" : "unseen", text: ` ${word}` });
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
  return element("div", { class: "timeline", role: "img", "aria-label": describe(name, periods) }, ...parts);
}

function describe(name, periods) {
  const fired = periods.filter(({ state }) => state === "ALARM");
  if (!fired.length) return `${name} was never in alarm in this time range`;
  const each = fired.map(({ from, to }) => `from ${moment(from)} for ${span((to - from) / 1000)}`);
  return `${name} was in alarm ${each.join(", ")}`;
}

const moment = (time) => `${day(time)} ${clock(time)}`;
