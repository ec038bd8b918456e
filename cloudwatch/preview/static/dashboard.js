// One dashboard: its widgets on the grid of 24 columns, and anew every few seconds while the source is live.

import { badge } from "./alarms.js";
import { element } from "./dom.js";
import { clock, day, span } from "./format.js";
import { onChangeOfLook } from "./look.js";
import { fetched, isStill } from "./source.js";
import { Card } from "./widget.js";

const PAUSE = 5000;
const RANGES = [
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["3h", "3 hours"],
  ["24h", "24 hours"],
  ["all", "everything there is"],
];

const main = document.getElementById("main");
const counts = document.getElementById("counts");
const told = document.getElementById("source");
const stage = document.getElementById("stage");
const range = document.getElementById("range");
const until = document.getElementById("until");

export async function showDashboard(name) {
  const asked = new URLSearchParams(location.search);
  const wanted = { stage: asked.get("stage") ?? "", range: asked.get("range") ?? "", until: asked.get("until") ?? "" };
  const grid = element("div", { class: "grid" });
  let cards = [];
  let latest = 0;

  const draw = (data, anew) => {
    document.title = `${data.name} · ${data.stage}`;
    offer(data);
    if (cards.length !== data.widgets.length) {
      cards.forEach((card) => card.end());
      cards = data.widgets.map((widget, index) => new Card(widget, index));
      grid.replaceChildren(...cards.map(({ card }) => card));
      main.replaceChildren(element("h1", { class: "unseen", text: `${data.name}, stage ${data.stage}` }), grid);
    }
    data.widgets.forEach((widget, index) => cards[index].show(widget, { anew }));
    main.setAttribute("aria-busy", "false");
    say(data);
  };

  const refresh = async () => {
    const turn = (latest += 1);
    try {
      const data = await fetched(name, wanted);
      if (turn !== latest) return;
      draw(data);
      shown = data;
    } catch (error) {
      if (turn === latest) fail(error, cards.length > 0);
    }
  };
  let shown;

  const choose = () => {
    Object.assign(wanted, { stage: stage.value, range: range.value, until: shown?.live ? "" : until.value });
    const given = Object.entries(wanted).filter(([, value]) => value);
    history.replaceState(null, "", `?${new URLSearchParams(given)}`);
    main.setAttribute("aria-busy", "true");
    return refresh();
  };
  stage.addEventListener("change", choose);
  range.addEventListener("change", choose);
  until.addEventListener("change", choose);
  onChangeOfLook(() => shown && draw(shown, true));
  await refresh();
  if (isStill) return;
  for (;;) {
    await new Promise((resume) => setTimeout(resume, PAUSE));
    if (!document.hidden && shown?.live !== false) await refresh();
  }
}

function offer(data) {
  document.getElementById("controls").hidden = isStill;
  fill(
    stage,
    data.stages.map((each) => [each, each]),
    data.stage,
  );
  fill(range, RANGES, data.range);
  document.getElementById("until-label").hidden = data.live;
  if (document.activeElement !== until) until.value = new Date(data.end).toISOString().slice(0, 16);
}

function fill(select, options, chosen) {
  const offered = [...select.options].map((option) => option.value);
  if (offered.join() !== options.map(([value]) => value).join()) {
    select.replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
  }
  select.value = chosen;
}

function say(data) {
  const times = `${day(data.start)}, ${clock(data.start)} – ${day(data.start) === day(data.end) ? "" : `${day(data.end)}, `}${clock(data.end)} UTC`;
  count(data.alarms);
  const text = `${isStill ? `Stage ${data.stage}. ` : ""}${data.source}${data.live ? ", live" : ""}. ${times}, ${span(data.period)} a point.`;
  told.replaceChildren(text);
}

// What screen readers are told by themselves: that an alarm turned, and not every minute what time it is.
function count(alarms) {
  const badges = ["ALARM", "INSUFFICIENT_DATA", "OK"]
    .filter((state) => alarms[state])
    .map((state) => badge(state, alarms[state]));
  if (counts.textContent !== badges.map((each) => each.textContent).join("")) counts.replaceChildren(...badges);
}

function fail(error, before) {
  const text = before
    ? `Nothing new since ${clock(Date.now(), true)} UTC: ${error.message}. Trying again.`
    : `This dashboard cannot be shown: ${error.message}`;
  told.replaceChildren(element("span", { class: "trouble", role: "alert", text }));
  if (!before) main.replaceChildren(element("p", { class: "notice", text }));
  main.setAttribute("aria-busy", "false");
}
