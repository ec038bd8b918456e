// What a page does not show and why, said once: widgets of metrics that only AWS emits, and widgets without data yet.

import { element } from "./dom.js";

export function emptyRecording({ live }, text) {
  const help = live
    ? "Nothing is recorded yet. Send the app a request; this page updates by itself."
    : "Nothing is recorded in this file.";
  return element("p", { class: "notice", text: `${help} ${text}` });
}

// Whether a widget is left out of the grid. In a recording that is over, an empty widget keeps its place: the next time
// range may have data.
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
    data.recorded ? null : emptyRecording(data, "No alarm has data either."),
    list("empty"),
    list("aws_only"),
  );
}

const count = (number) => `${number} widget${number === 1 ? "" : "s"}`;
