// Draw alarms with their states, the reasons for them, and a timeline of the time range.

import { element } from "./dom.js";
import { clock, day, moment } from "./format.js";

export const STATES = {
  ALARM: { word: "In alarm", sign: "▲", look: "alarm" },
  INSUFFICIENT_DATA: { word: "Insufficient data", sign: "…", look: "unsure" },
  OK: { word: "OK", sign: "✓", look: "ok" },
};

// Return the number of alarms in each state, without states that no alarm has.
export const badges = (counts) =>
  Object.keys(STATES)
    .filter((state) => counts[state])
    .map((state) => badge(state, counts[state]));

function badge(state, count) {
  const { word, sign, look } = STATES[state];
  return element("span", { class: `state ${look}`, text: `${sign} ${count} ${word.toLowerCase()}` });
}

// Return the alarms of a widget.
export const alarmList = (widget) =>
  element("ul", { class: "alarm-list" }, ...widget.alarms.map((alarm) => alarmItem(alarm, widget, false)));

// Return all alarms with their meanings and rules. Alarms that never fired are in closed details elements.
export function alarmOverview(data) {
  const fired = (alarm) => alarm.periods.some(({ state }) => state === "ALARM");
  const list = (some) =>
    element("ul", { class: "alarm-list full" }, ...some.map((alarm) => alarmItem(alarm, data, true)));
  const folded = (state) => {
    const some = data.alarms.filter((alarm) => alarm.state === state && !fired(alarm));
    const names = some.map(({ name }) => name).join(", ");
    const text = element("span", { class: "quiet", text: ` and never in alarm: ${names}` });
    return some.length && element("details", {}, element("summary", {}, badge(state, some.length), text), list(some));
  };
  const loud = data.alarms.filter(fired);
  return element("div", { class: "all-alarms" }, loud.length && list(loud), folded("INSUFFICIENT_DATA"), folded("OK"));
}

// If `full`, the meaning and the rule are shown even if the state is OK.
function alarmItem(alarm, { start, end }, full) {
  const { look, sign, word } = STATES[alarm.state];
  const isOk = alarm.state === "OK";
  const detail = isOk ? alarm.rule : alarm.reason;
  const quiet = (text) => element("p", { class: "quiet", text });
  const summary = element("summary", { class: "quiet", text: alarm.meaning });
  const since = day(alarm.since) === day(end) ? clock(alarm.since) : moment(alarm.since);
  return element(
    "li",
    {
      class: `alarm ${look}`,
      "data-alarm": alarm.name,
      "data-state": alarm.state,
      title: `${alarm.meaning}. ${alarm.rule}`,
    },
    element(
      "div",
      { class: "headline" },
      element(
        "span",
        { class: "state" },
        sign,
        element("span", { class: full || !isOk ? "" : "unseen", text: ` ${word}` }),
      ),
      element("a", { href: alarm.runbook, text: alarm.name }),
      alarm.since && (full || !isOk) && element("span", { class: "quiet since", text: `since ${since}` }),
    ),
    timeline(alarm, start, end),
    full && element("details", { open: !isOk }, summary, quiet(detail)), // why it is so, but no rule of one that is well
    !full && !isOk && quiet(`${alarm.meaning}. ${detail}`),
  );
}

function timeline({ name, periods }, start, end) {
  const share = (time) => `${(time / (end - start)) * 100}%`;
  const parts = periods.map(({ from, to, state, reason }) => {
    const title = `${STATES[state].word}, ${clock(from)} to ${clock(to)} UTC: ${reason}`;
    return element("span", {
      class: STATES[state].look,
      title,
      style: { left: share(from - start), width: share(to - from) },
    });
  });
  const fired = periods
    .filter(({ state }) => state === "ALARM")
    .map(({ from, to }) => `${moment(from)} to ${clock(to)}`);
  const label = `${name} was ${fired.length ? `in alarm: ${fired.join(", ")}` : "never in alarm in this time range"}`;
  return element("div", { class: "timeline", role: "img", "aria-label": label }, ...parts);
}
