// Draw the overview: incidents, dashboards with the states of their alarms, and all alarms. Draw the runbook.

import { STATES, alarmOverview, badges } from "./alarms.js";
import { address, element, fetchData, notice } from "./dom.js";
import { clock, day, times } from "./format.js";
import { renderMarkdown } from "./markdown.js";

const REFRESH_INTERVAL = 5000;
const main = document.getElementById("main");

export async function showOverview() {
  const query = Object.fromEntries(new URLSearchParams(location.search));
  let drawn = "";
  for (;;) {
    try {
      const data = await fetchData("overview", query);
      if (drawn !== JSON.stringify(data)) draw(data);
      drawn = JSON.stringify(data);
    } catch (error) {
      main.replaceChildren(notice(`The overview cannot be shown: ${error.message}`));
    }
    main.setAttribute("aria-busy", "false");
    await new Promise((resume) => setTimeout(resume, REFRESH_INTERVAL));
  }
}

function draw(data) {
  const query = data.live ? "" : location.search;
  const counted = (counts) => {
    const found = badges(counts);
    return element(
      "p",
      { class: found.length ? "counts" : "quiet" },
      ...(found.length ? found : ["This dashboard has no alarms."]),
    );
  };
  const tiles = data.dashboards.map(({ name, purpose, alarms }) =>
    element(
      "li",
      {},
      element("a", { href: address(name) + query }, element("b", { text: name })),
      element("p", { class: "quiet", text: purpose }),
      data.recorded && counted(alarms),
    ),
  );
  document.getElementById("source").textContent = `${data.source}${data.live ? ", live" : ""}. Stage ${data.stage}.`;
  const links = incidentLinks(data, "service", data.end);
  const inState = (state) => data.alarms.filter((alarm) => alarm.state === state).length;
  main.replaceChildren(
    element("h1", { text: "Dashboards" }),
    ...(data.recorded
      ? [counted(Object.fromEntries(Object.keys(STATES).map((state) => [state, inState(state)])))]
      : []),
    ...(links ? [element("h2", { text: "Incidents: what happened, and how it looked" }), links] : []),
    element("ul", { class: "tiles" }, ...tiles),
    element("h2", { text: data.recorded ? `Alarms, ${times(data)}` : "Alarms" }),
    data.recorded ? alarmOverview(data) : emptyRecording(data, `The ${data.alarms.length} alarms have no data.`),
  );
}

export function emptyRecording({ live }, text) {
  const hint = live ? "yet. Send the app a request; this page updates by itself." : "in this file.";
  return element("p", { class: "notice", text: `Nothing is recorded ${hint} ${text}` });
}

// Return links to the incidents of the recording, or null. Each opens the dashboard `name` at the time of an incident.
// `current` is the end of the shown time: the link to this time is marked.
export function incidentLinks({ incidents }, name, current) {
  if (!incidents.length) return null;
  const isOneDay = new Set(incidents.map(({ at }) => day(at))).size === 1;
  const links = incidents.map(({ at, title, until }) => {
    const query = new URLSearchParams({ range: "1h", until: new Date(until).toISOString().slice(0, 16) });
    const attributes = {
      href: `${address(name)}?${query}`,
      "aria-current": Math.abs(current - until) < 60000 && "true",
    };
    const time = element("b", { text: isOneDay ? clock(at) : `${day(at)} ${clock(at)}` });
    return element("li", {}, element("a", attributes, time, ` ${title}`));
  });
  return element("nav", { class: "incidents", "aria-label": "Incidents" }, element("ul", {}, ...links));
}

export async function showRunbook() {
  try {
    const { markdown } = await fetchData("runbook");
    document.title = "Runbook";
    main.replaceChildren(element("article", { class: "written" }, renderMarkdown(markdown)));
    main.querySelector("h2")?.replaceWith(element("h1", { text: main.querySelector("h2").textContent }));
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch (error) {
    main.replaceChildren(notice(`The runbook cannot be shown: ${error.message}`));
  }
  main.setAttribute("aria-busy", "false");
}
