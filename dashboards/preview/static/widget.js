// Draw a widget: a card with a title and a body, or with the reason why it has no body.

import { alarmList } from "./alarms.js";
import { TimeChart } from "./chart.js";
import { element } from "./dom.js";
import { Bars, Gauges, numbers } from "./figures.js";
import { number } from "./format.js";
import { last, legend } from "./legend.js";
import { renderMarkdown } from "./markdown.js";
import { pointTable, summaryTable } from "./tables.js";

const CHARTS = { chart: TimeChart, gauge: Gauges, bar: Bars };
const BODIES = {
  text: (widget) => element("div", { class: "written" }, renderMarkdown(widget.markdown)),
  number: numbers,
  table: summaryTable,
  alarms: (widget) => alarmList(widget),
  logs: (widget) => logs(widget),
};

export class Card {
  constructor(widget, index) {
    this.title = element("h2", { id: `widget-${index}` });
    this.tools = element("div", { class: "tools" });
    this.body = element("div", { class: "body" });
    this.card = element(
      "section",
      { class: "card", "aria-labelledby": widget.title ? this.title.id : null }, // texts have their own headings
      element("header", {}, this.title, this.tools),
      this.body,
    );
    const { x, y, width, height } = widget;
    for (const [name, value] of Object.entries({ x: x + 1, y: y + 1, width, height }))
      this.card.style.setProperty(`--${name}`, value);
    this.asTable = false;
  }

  show(widget, { redraw = false } = {}) {
    const text = JSON.stringify(widget);
    if (text === this.text && !redraw) return;
    try {
      this.render(widget, text);
    } catch (error) {
      console.error(error);
      this.showMessage({ ...widget, state: "error", message: `This page cannot draw it: ${error.message}` });
    }
  }

  render(widget, text) {
    this.text = text;
    this.widget = widget;
    this.title.textContent = widget.title;
    this.title.hidden = !widget.title;
    this.card.className = `card ${widget.kind} ${widget.state}${widget.plain ? " plain" : ""}`;
    this.card.dataset.state = widget.state;
    this.card.dataset.kind = widget.kind;
    const Chart = CHARTS[widget.kind];
    if (widget.state !== "ok") this.showMessage(widget);
    else if (!Chart) this.fill(BODIES[widget.kind](widget));
    else {
      this.addTableButton();
      if (this.asTable) this.fill(pointTable(widget));
      else this.draw(widget, Chart);
    }
  }

  showMessage(widget) {
    this.card.dataset.state = widget.state;
    this.card.classList.toggle("error", widget.state === "error");
    this.tools.replaceChildren();
    this.fill(element("p", { class: "notice", role: widget.state === "error" ? "alert" : null, text: widget.message }));
  }

  fill(content) {
    this.end();
    const scrolled = this.body.firstElementChild?.scrollTop ?? 0;
    this.body.replaceChildren(content);
    content.scrollTop = scrolled;
  }

  draw(widget, Chart) {
    if (!this.chart) {
      const place = element("div", { class: "plot", role: "img" });
      this.body.replaceChildren(place);
      this.chart = new Chart(place);
      this.place = place;
    }
    const values = widget.curves.map((curve) => `${curve.label} ${number(last(curve.values), curve.unit)}`);
    this.place.setAttribute("aria-label", `${widget.title}. Last values: ${values.join(", ")}`);
    this.chart.draw(widget);
    if (widget.kind === "chart") {
      const focused = this.key ? [...this.key.querySelectorAll("button")].indexOf(document.activeElement) : -1;
      this.key?.remove();
      this.key = legend(widget, this.chart);
      this.body.append(this.key);
      this.key.querySelectorAll("button")[focused]?.focus(); // keep the keyboard focus
    }
  }

  addTableButton() {
    if (this.widget.kind !== "chart" || this.tools.childElementCount) return;
    const toggle = () => {
      this.asTable = !this.asTable;
      button.setAttribute("aria-pressed", String(this.asTable));
      this.end();
      this.show(this.widget, { redraw: true });
    };
    const label = `${this.widget.title} as a table`;
    const button = element("button", {
      type: "button",
      class: "quiet",
      "aria-pressed": "false",
      "aria-label": label,
      text: "Table",
      onclick: toggle,
    });
    this.tools.append(button);
  }

  end() {
    this.chart?.end();
    this.chart = this.place = this.key = undefined;
  }
}

function logs(widget) {
  return element(
    "div",
    { class: "written" },
    element("p", {
      class: "quiet",
      text: "The preview does not run Logs Insights. In CloudWatch, this query reads the log group:",
    }),
    element("pre", {}, element("code", { text: widget.query.replace(/\s*\|\s*/g, "\n| ") })),
  );
}
