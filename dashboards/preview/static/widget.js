// Draw a widget: a card with a title and a body, or with the reason why it has no body.

import { alarmList } from "./alarms.js";
import { TimeChart, curveColor } from "./chart.js";
import { element, notice, swatch } from "./dom.js";
import { bars, gauges, numbers } from "./figures.js";
import { last, number } from "./format.js";
import { renderMarkdown } from "./markdown.js";
import { pointTable, summaryTable } from "./tables.js";

const BODIES = {
  text: (widget) => element("div", { class: "written" }, renderMarkdown(widget.markdown)),
  number: numbers,
  gauge: gauges,
  bar: bars,
  table: summaryTable,
  alarms: alarmList,
  logs,
};

export class Card {
  constructor({ x, y, width, height, title }, index) {
    this.title = element("h2", { id: `widget-${index}` });
    this.tools = element("div", { class: "tools" });
    this.body = element("div", { class: "body" });
    const place = { "--x": x + 1, "--y": y + 1, "--width": width, "--height": height };
    const attributes = { class: "card", style: place, "aria-labelledby": title ? this.title.id : null }; // texts have their own headings
    this.card = element("section", attributes, element("header", {}, this.title, this.tools), this.body);
    this.asTable = false;
  }

  show(widget, { redraw = false } = {}) {
    const text = JSON.stringify(widget);
    if (text === this.text && !redraw) return;
    this.text = text;
    this.widget = widget;
    this.title.textContent = widget.title;
    this.title.hidden = !widget.title;
    this.card.className = `card ${widget.kind} ${widget.state}${widget.plain ? " plain" : ""}`;
    this.card.dataset.state = widget.state;
    this.card.dataset.kind = widget.kind;
    try {
      this.render(widget);
    } catch (error) {
      console.error(error);
      this.fill(notice(`This page cannot draw it: ${error.message}`));
    }
  }

  render(widget) {
    const isChart = widget.state === "ok" && widget.kind === "chart";
    if (isChart && !this.tools.childElementCount) this.addTableButton();
    this.tools.hidden = !isChart;
    if (isChart && !this.asTable) this.draw(widget);
    else if (isChart) this.fill(pointTable(widget));
    else if (widget.state === "ok") this.fill(BODIES[widget.kind](widget));
    else this.fill(element("p", { class: "notice", role: widget.state === "error" && "alert", text: widget.message }));
  }

  fill(content) {
    const scrolled = this.body.firstElementChild?.scrollTop ?? 0;
    this.end();
    this.body.replaceChildren(content);
    content.scrollTop = scrolled;
  }

  draw(widget) {
    if (!this.chart) {
      this.place = element("div", { class: "plot", role: "img" });
      this.body.replaceChildren(this.place);
      this.chart = new TimeChart(this.place);
    }
    const values = widget.curves.map((curve) => `${curve.label} ${number(last(curve.values), curve.unit)}`);
    this.place.setAttribute("aria-label", `${widget.title}. Last values: ${values.join(", ")}`);
    this.chart.draw(widget);
    this.body.replaceChildren(this.place, legend(widget));
  }

  addTableButton() {
    const toggle = () => {
      this.asTable = !this.asTable;
      button.setAttribute("aria-pressed", String(this.asTable));
      this.end();
      this.show(this.widget, { redraw: true });
    };
    const label = `${this.widget.title} as a table`;
    const attributes = { type: "button", "aria-pressed": "false", "aria-label": label, text: "Table", onclick: toggle };
    const button = element("button", attributes);
    this.tools.append(button);
  }

  end() {
    this.chart?.end();
    this.chart = undefined;
  }
}

// Each curve with its last value.
function legend(widget) {
  const entries = widget.curves.map((curve, index) => {
    const value = element("b", { text: number(last(curve.values), curve.unit) });
    return element("li", {}, swatch(curveColor(curve, index)), element("span", { text: curve.label }), value);
  });
  return element("ul", { class: "legend" }, ...entries);
}

function logs(widget) {
  const text = "The preview does not run Logs Insights. In CloudWatch, this query reads the log group:";
  const query = element("code", { text: widget.query.replace(/\s*\|\s*/g, "\n| ") });
  return element("div", { class: "written" }, element("p", { class: "quiet", text }), element("pre", {}, query));
}
