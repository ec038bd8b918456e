// Draw a dashboard: its widgets on a grid of 24 columns. If the recording is live, it is refreshed every few seconds.

import { badge } from "./alarms.js";
import { onChangeOfScheme } from "./colors.js";
import { element } from "./dom.js";
import { clock, day } from "./format.js";
import { incidentLinks } from "./incidents.js";
import { collapsedNote, isCollapsed } from "./missing.js";
import { fetchData } from "./source.js";
import { Card } from "./widget.js";

const REFRESH_INTERVAL = 5000;
const RANGES = [
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["3h", "3 hours"],
  ["24h", "24 hours"],
  ["all", "Whole recording"],
];

const main = document.getElementById("main");
const counts = document.getElementById("counts");
const source = document.getElementById("source");
const stage = document.getElementById("stage");
const range = document.getElementById("range");
const until = document.getElementById("until");

export async function showDashboard(name) {
  const parameters = new URLSearchParams(location.search);
  const query = Object.fromEntries(["stage", "range", "until"].map((key) => [key, parameters.get(key) ?? ""]));
  const grid = element("div", { class: "grid" });
  const around = { incidents: element("div"), missing: element("div") };
  let cards = [];
  let latest = 0;
  let shown;

  const draw = (data, redraw) => {
    document.title = `${data.name} · ${data.stage}`;
    showControls(data);
    if (cards.length !== data.widgets.length) {
      cards.forEach((card) => card.end());
      cards = data.widgets.map((widget, index) => new Card(widget, index));
      grid.replaceChildren(...cards.map(({ card }) => card));
      const heading = element("h1", { class: "unseen", text: `${data.name}, stage ${data.stage}` });
      main.replaceChildren(heading, around.incidents, around.missing, grid);
    }
    around.incidents.replaceChildren(...present(incidentLinks(data, name, data.end)));
    showMissing(data, around.missing);
    const visible = visibleWidgets(data);
    grid.classList.toggle("flow", visible.includes(false)); // move cards up into the gaps
    cards.forEach(({ card }, index) => (card.hidden = !visible[index]));
    data.widgets.forEach((widget, index) => visible[index] && cards[index].show(widget, { redraw }));
    main.setAttribute("aria-busy", "false");
    showSource(data);
  };

  const refresh = async () => {
    const turn = (latest += 1);
    try {
      const data = await fetchData(name, query);
      if (turn !== latest) return;
      draw(data);
      shown = data;
    } catch (error) {
      if (turn === latest) showError(error, cards.length > 0);
    }
  };

  const choose = ({ target }) => {
    const whole = target === range && range.value === "all";
    Object.assign(query, { stage: stage.value, range: range.value, until: shown?.live || whole ? "" : until.value });
    const given = Object.entries(query).filter(([, value]) => value);
    history.replaceState(null, "", `?${new URLSearchParams(given)}`);
    main.setAttribute("aria-busy", "true");
    return refresh();
  };
  for (const control of [stage, range, until]) control.addEventListener("change", choose);
  onChangeOfScheme(() => shown && draw(shown, true));
  await refresh();
  for (;;) {
    await new Promise((resume) => setTimeout(resume, REFRESH_INTERVAL));
    if (!document.hidden && shown?.live !== false) await refresh();
  }
}

const present = (node) => (node ? [node] : []);

// Return true for each visible widget. Collapsed widgets and headings without visible widgets below are not visible.
function visibleWidgets(data) {
  const isHeading = (widget) => widget.kind === "text" && widget.plain;
  const visible = data.widgets.map((widget) => !isCollapsed(widget, data));
  let below = false;
  for (let at = visible.length - 1; at >= 0; at -= 1) {
    if (isHeading(data.widgets[at])) {
      visible[at] = below;
      below = false;
    } else below ||= visible[at];
  }
  return visible;
}

// An unchanged note is not replaced, because a replaced note would close.
function showMissing(data, place) {
  const note = collapsedNote(data);
  if (place.textContent !== (note?.textContent ?? "")) place.replaceChildren(...present(note));
}

function showControls(data) {
  document.getElementById("controls").hidden = false;
  setOptions(
    stage,
    data.stages.map((each) => [each, each]),
    data.stage,
  );
  setOptions(range, RANGES, data.range);
  document.getElementById("until-label").hidden = data.live;
  if (document.activeElement !== until) until.value = new Date(data.end).toISOString().slice(0, 16);
}

function setOptions(select, options, chosen) {
  const offered = [...select.options].map((option) => option.value);
  if (offered.join() !== options.map(([value]) => value).join()) {
    select.replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
  }
  select.value = chosen;
}

function showSource(data) {
  const sameDay = day(data.start) === day(data.end);
  const times = `${day(data.start)}, ${clock(data.start)} – ${sameDay ? "" : `${day(data.end)}, `}${clock(data.end)} UTC`;
  showCounts(data.recorded ? data.alarms : {});
  source.replaceChildren(`${data.source}${data.live ? ", live" : ""}. ${times}.`);
}

// Screen readers announce changes of this element, so it changes only if the state of an alarm does.
function showCounts(alarms) {
  const badges = ["ALARM", "INSUFFICIENT_DATA", "OK"]
    .filter((state) => alarms[state])
    .map((state) => badge(state, alarms[state]));
  if (counts.textContent !== badges.map((each) => each.textContent).join("")) counts.replaceChildren(...badges);
}

function showError(error, isDrawn) {
  const text = isDrawn
    ? `No new data since ${clock(Date.now(), true)} UTC: ${error.message}. Trying again.`
    : `This dashboard cannot be shown: ${error.message}`;
  source.replaceChildren(element("span", { class: "trouble", role: "alert", text }));
  if (!isDrawn) main.replaceChildren(element("p", { class: "notice", text }));
  main.setAttribute("aria-busy", "false");
}
