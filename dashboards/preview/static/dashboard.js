// Draw a dashboard: its widgets on a grid of 24 columns. If the recording is live, it is refreshed every few seconds.

import { badges } from "./alarms.js";
import { element, fetchData, notice } from "./dom.js";
import { clock, times } from "./format.js";
import { emptyRecording, incidentLinks } from "./overview.js";
import { Card } from "./widget.js";

const REFRESH_INTERVAL = 5000;
const RANGES = [
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["3h", "3 hours"],
  ["24h", "24 hours"],
  ["all", "Whole recording"],
];

const [main, counts, source, range, until] = ["main", "counts", "source", "range", "until"].map((id) =>
  document.getElementById(id),
);
range.replaceChildren(...RANGES.map(([value, text]) => element("option", { value, text })));

export async function showDashboard(name) {
  const parameters = new URLSearchParams(location.search);
  const query = Object.fromEntries(["range", "until"].map((key) => [key, parameters.get(key) ?? ""]));
  const grid = element("div", { class: "grid" });
  const [incidents, missing] = [element("div"), element("div")];
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
      main.replaceChildren(heading, incidents, missing, grid);
    }
    incidents.replaceChildren(incidentLinks(data, name, data.end) ?? "");
    const note = collapsedNote(data);
    if (missing.textContent !== note.textContent) missing.replaceChildren(note); // a replaced note would close
    const visible = visibleWidgets(data);
    grid.classList.toggle("flow", visible.includes(false)); // move cards up into the gaps
    cards.forEach(({ card }, index) => (card.hidden = !visible[index]));
    data.widgets.forEach((widget, index) => visible[index] && cards[index].show(widget, { redraw }));
    main.setAttribute("aria-busy", "false");
  };

  const refresh = async () => {
    const turn = (latest += 1);
    try {
      const data = await fetchData(name, query);
      if (turn === latest) draw((shown = data));
    } catch (error) {
      if (turn === latest) showError(error, cards.length > 0);
    }
  };

  const choose = ({ target }) => {
    const whole = target === range && range.value === "all";
    Object.assign(query, { range: range.value, until: shown?.live || whole ? "" : until.value });
    const given = Object.entries(query).filter(([, value]) => value);
    history.replaceState(null, "", `?${new URLSearchParams(given)}`);
    main.setAttribute("aria-busy", "true");
    return refresh();
  };
  for (const control of [range, until]) control.addEventListener("change", choose);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && draw(shown, true));
  await refresh();
  for (;;) {
    await new Promise((resume) => setTimeout(resume, REFRESH_INTERVAL));
    if (!document.hidden && shown?.live !== false) await refresh();
  }
}

// A widget is hidden if only AWS emits its metrics or if it has no data. In a recording that is not live, an empty widget
// stays visible, because another time range may have data.
const isCollapsed = (widget, { live, recorded }) =>
  widget.state === "aws_only" ||
  (widget.state === "empty" && (live || !recorded)) ||
  (widget.kind === "alarms" && !recorded);

// Return true for each visible widget. Headings without visible widgets below are not visible.
function visibleWidgets(data) {
  const visible = data.widgets.map((widget) => !isCollapsed(widget, data));
  let below = false;
  for (let at = visible.length - 1; at >= 0; at -= 1) {
    const isHeading = data.widgets[at].kind === "text" && data.widgets[at].plain;
    if (isHeading) visible[at] = below;
    below = !isHeading && (below || visible[at]);
  }
  return visible;
}

// Return one note about all widgets that are hidden.
function collapsedNote(data) {
  const list = (state) => {
    const found = data.widgets.filter((widget) => widget.state === state && isCollapsed(widget, data));
    if (!found.length) return null;
    const summary = element("summary", { text: `${found[0].message} Not shown: ${found.length} of the widgets` });
    const titles = element("p", { class: "quiet", text: found.map(({ title }) => title).join(" · ") });
    return element("details", { "data-state": state }, summary, titles);
  };
  const lists = [
    !data.recorded && emptyRecording(data, "The alarms have no data either."),
    list("empty"),
    list("aws_only"),
  ];
  return element("div", { class: lists.some(Boolean) ? "collapsed" : "" }, ...lists);
}

function showControls(data) {
  document.getElementById("controls").hidden = false;
  range.value = data.range;
  document.getElementById("until-label").hidden = data.live;
  if (document.activeElement !== until) until.value = new Date(data.end).toISOString().slice(0, 16);
  // Screen readers announce changes of the counts, so they change only if the state of an alarm does.
  const found = badges(data.recorded ? data.alarms : {});
  if (counts.textContent !== found.map((each) => each.textContent).join("")) counts.replaceChildren(...found);
  source.replaceChildren(`${data.source}${data.live ? ", live" : ""}. ${times(data)}.`);
}

function showError(error, isDrawn) {
  const text = isDrawn
    ? `No new data since ${clock(Date.now())} UTC: ${error.message}. Trying again.`
    : `This dashboard cannot be shown: ${error.message}`;
  source.replaceChildren(element("span", { class: "trouble", role: "alert", text }));
  if (!isDrawn) main.replaceChildren(notice(text));
  main.setAttribute("aria-busy", "false");
}
