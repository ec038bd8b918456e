// Draw the overview: incidents, dashboards with the states of their alarms, and all alarms.

import { STATES, alarmOverview, badge } from "./alarms.js";
import { element } from "./dom.js";
import { clock, day } from "./format.js";
import { incidentLinks } from "./incidents.js";
import { emptyRecording } from "./missing.js";
import { address, fetchData } from "./source.js";

const REFRESH_INTERVAL = 5000;
const main = document.getElementById("main");

export async function showOverview() {
  const query = Object.fromEntries(new URLSearchParams(location.search));
  for (;;) {
    try {
      draw(await fetchData("overview", query));
    } catch (error) {
      main.replaceChildren(
        element("p", { class: "notice", role: "alert", text: `The overview cannot be shown: ${error.message}` }),
      );
    }
    main.setAttribute("aria-busy", "false");
    await new Promise((resume) => setTimeout(resume, REFRESH_INTERVAL));
  }
}

function stateCounts(alarms) {
  const badges = Object.keys(STATES)
    .filter((state) => alarms[state])
    .map((state) => badge(state, alarms[state]));
  if (!badges.length) return element("p", { class: "quiet", text: "This dashboard has no alarms." });
  return element("p", { class: "counts" }, ...badges);
}

let drawn = "";

function draw(data) {
  const text = JSON.stringify(data);
  if (text === drawn) return;
  drawn = text;
  const query = data.live ? "" : location.search;
  const tiles = data.dashboards.map(({ name, purpose, alarms }) =>
    element(
      "li",
      {},
      element("a", { href: address(name) + query }, element("b", { text: name })),
      element("p", { class: "quiet", text: purpose }),
      data.recorded ? stateCounts(alarms) : null,
    ),
  );
  const source = `${data.source}${data.live ? ", live" : ""}. Stage ${data.stage}.`;
  document.getElementById("source").textContent = source;
  const links = incidentLinks(data, "service", data.end);
  const inState = (state) => data.alarms.filter((alarm) => alarm.state === state).length;
  const states = Object.fromEntries(Object.keys(STATES).map((state) => [state, inState(state)]));
  main.replaceChildren(
    element("h1", { text: "Dashboards" }),
    ...(data.recorded ? [stateCounts(states)] : []),
    ...(links ? [element("h2", { text: "Incidents: what happened, and how it looked" }), links] : []),
    element("ul", { class: "tiles" }, ...tiles),
    element("h2", { text: data.recorded ? `Alarms, ${times(data)}` : "Alarms" }),
    data.recorded ? alarmOverview(data) : emptyRecording(data, `The ${data.alarms.length} alarms have no data.`),
  );
}

function times({ start, end }) {
  const sameDay = day(start) === day(end);
  return `${day(start)} ${clock(start)} – ${sameDay ? "" : `${day(end)} `}${clock(end)} UTC`;
}
