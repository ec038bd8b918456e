// When an animal is at a place: twelve bars, one for each month, by the records that the dataset has.

import { make } from "./elements.js";
import { listed, say } from "./language.js";

const MOST_MONTHS = 0.5; // of the best month: from here on, a month is named

/** Return twelve bars. `season`: the share of the best month's records that each month has, 0 to 1; null: not known. */
export function seasonOf(season) {
  if (!season) return make("span", "–");
  const names = Array.from({ length: 12 }, (_, i) => new Date(2026, i, 15));
  const name = (date, month) => date.toLocaleDateString(document.documentElement.lang, { month });
  const most = names.filter((_, i) => season[i] >= MOST_MONTHS).map((date) => name(date, "long"));
  const bars = make("span", "", { className: "season", role: "img", ariaLabel: say("season.most", { months: listed(most) }) });
  bars.append(...names.map((date, i) => {
    const bar = make("span", "", { title: name(date, "long") });
    bar.style.setProperty("--share", season[i]);
    bar.append(make("span", name(date, "narrow")));
    return bar;
  }));
  return bars;
}
