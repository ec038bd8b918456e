// The first page: the dashboards with how their alarms stand, and all alarms.

import { STATES, alarmList, badge } from "./alarms.js";
import { element } from "./dom.js";
import { address, fetched, isStill } from "./source.js";

const PAUSE = 5000;
const main = document.getElementById("main");

export async function showOverview() {
  for (;;) {
    try {
      draw(await fetched("overview"));
    } catch (error) {
      main.replaceChildren(
        element("p", { class: "notice", role: "alert", text: `The overview cannot be shown: ${error.message}` }),
      );
    }
    main.setAttribute("aria-busy", "false");
    if (isStill) return;
    await new Promise((resume) => setTimeout(resume, PAUSE));
  }
}

function counts(alarms) {
  const badges = Object.keys(STATES)
    .filter((state) => alarms[state])
    .map((state) => badge(state, alarms[state]));
  if (!badges.length) return element("p", { class: "quiet", text: "No alarms of its own." });
  return element("p", { class: "counts" }, ...badges);
}

let drawn = "";

function draw(data) {
  const text = JSON.stringify(data);
  if (text === drawn) return;
  drawn = text;
  const tiles = data.dashboards.map(({ name, purpose, alarms }) =>
    element(
      "li",
      {},
      element("a", { href: address(name) }, element("b", { text: name })),
      element("p", { class: "quiet", text: purpose }),
      counts(alarms),
    ),
  );
  document.getElementById("source").textContent = `${data.source}${data.live ? ", live" : ""}. Stage ${data.stage}.`;
  main.replaceChildren(
    element("h1", { text: "Dashboards" }),
    element("ul", { class: "tiles" }, ...tiles),
    element("h2", { text: `Alarms, ${data.range}` }),
    alarmList(data, true),
  );
}
