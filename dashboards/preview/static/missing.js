// Draw one note about all widgets that a page hides: those of metrics that only AWS emits, and those without data.

import { element } from "./dom.js";

export function emptyRecording({ live }, text) {
  const help = live
    ? "Nothing is recorded yet. Send the app a request; this page updates by itself."
    : "Nothing is recorded in this file.";
  return element("p", { class: "notice", text: `${help} ${text}` });
}

// Return true if a widget is hidden. In a recording that is not live, an empty widget stays visible, because another
// time range may have data.
export const isCollapsed = (widget, { live, recorded }) =>
  widget.state === "aws_only" ||
  (widget.state === "empty" && (live || !recorded)) ||
  (widget.kind === "alarms" && !recorded);

export function collapsedNote(data) {
  const collapsed = data.widgets.filter((widget) => isCollapsed(widget, data));
  if (!collapsed.length) return null;
  const of = (state) => collapsed.filter((widget) => widget.state === state);
  const list = (state) =>
    of(state).length
      ? element(
          "details",
          { "data-state": state },
          element("summary", { text: `${of(state)[0].message} Not shown: ${count(of(state).length)}` }),
          element("p", {
            class: "quiet",
            text: of(state)
              .map(({ title }) => title)
              .join(" · "),
          }),
        )
      : null;
  return element(
    "div",
    { class: "collapsed" },
    data.recorded ? null : emptyRecording(data, "The alarms have no data either."),
    list("empty"),
    list("aws_only"),
  );
}

const count = (number) => `${number} widget${number === 1 ? "" : "s"}`;
