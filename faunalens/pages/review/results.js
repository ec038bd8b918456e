// How far the review is: precision by taxon, and how far reviewers agree.
import { $, make } from "./elements.js";
import { get } from "./server.js";
import { titled } from "./names.js";
import { percent, say, valued } from "./words.js";

/** Show the results so far. `jump` gets the ids of photos about which reviewers disagree. */
export async function show(title, jump) {
  const [rows, { reviewers, photos, kappa, disagreements }] = await Promise.all([get("precision"), get("agreement")]);
  $("event").hidden = true;
  $("results").hidden = false;
  $("results-title").textContent = title;
  $("results-title").focus();
  $("precision").replaceChildren(...rows.map((each) => {
    const taxon = valued("kind", each.taxon);
    const interval = `${percent(each.low)} – ${percent(each.high)}`;
    const cells = [taxon === each.taxon ? titled(taxon) : taxon, each.reviewed, percent(each.share), interval];
    return make("tr", cells.map((text) => make("td", text)));
  }));
  $("agreement").textContent = reviewers.length < 2 || !photos ? say("alone") : say("agreement", { reviewers: reviewers.join(", "), count: photos, kappa: kappa === null ? "–" : kappa.toFixed(2) });
  $("disagreements").hidden = !disagreements.length;
  $("disagreements").textContent = say("disagreements", { count: disagreements.length });
  $("disagreements").onclick = () => jump(disagreements);
}

export const areShown = () => !$("results").hidden;

export function hide() {
  $("event").hidden = false;
  $("results").hidden = true;
}
