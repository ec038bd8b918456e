// Draw links to the incidents of the recording. Each link opens a dashboard at the time of an incident.

import { element } from "./dom.js";
import { clock, day } from "./format.js";
import { address } from "./source.js";

const RANGE = "1h";

// Return the links, or null. `name` is the dashboard to open. `current` is the end of the shown time: the link to this
// time is marked.
export function incidentLinks({ incidents, stage }, name, current) {
  if (!incidents.length) return null;
  const days = new Set(incidents.map(({ at }) => day(at)));
  const links = incidents.map(({ at, title, until }) => {
    const query = new URLSearchParams({ stage, range: RANGE, until: new Date(until).toISOString().slice(0, 16) });
    const time = days.size > 1 ? `${day(at)} ${clock(at)}` : clock(at);
    const shown = Math.abs(current - until) < 60000;
    return element(
      "li",
      {},
      element(
        "a",
        { href: `${address(name)}?${query}`, "aria-current": shown ? "true" : null },
        element("b", { text: time }),
        ` ${title}`,
      ),
    );
  });
  return element("nav", { class: "incidents", "aria-label": "Incidents" }, element("ul", {}, ...links));
}
