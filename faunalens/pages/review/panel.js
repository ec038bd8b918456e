// What a photo shows, who has said so, and what else it may be.
import { $, make } from "./elements.js";
import { MOST } from "./names.js";
import { answerOf, described } from "./observations.js";
import { called, listed, percent, say, translated } from "./words.js";

const FROM_OTHERS = 3; // names that the photos of the event have, at most
const RARE = 0.05; // share of a station's events
const keyOf = (each) => each.scientific_name ?? each.name;
const distinct = (taxa) => [...Map.groupBy(taxa, keyOf).values()].map(([first]) => first);

/**
 * Show a photo of an event. Return the names that are offered, by their numbers; `choose` gets one of these numbers.
 * `often`: in how many events of the station its animal is, and of how many. `recent`: names that were said before.
 */
export function show(photo, photos, { me, often, recent, choose }) {
  const answer = answerOf(photo);
  const { named, probability } = photo;
  $("named").textContent = listed(answer.map(called));
  const latin = answer.length === 1 ? (answer[0].scientific_name ?? "") : "";
  const by = named ? [say(`rank.${named.rank}`), percent(named.score)] : [percent(probability)];
  $("latin").replaceChildren(make("i", latin), photo.opinions.length ? "" : ` ${by.join(" · ")}`);
  const [count, all] = often ?? [1, 1];
  const isRare = count > 0 && count / all <= RARE; // 0: named since the queue was made
  $("hint").textContent = isRare ? say("rare", { count, all }) : "";
  $("opinions").replaceChildren(...photo.opinions.map(({ reviewer, observations }) => (
    make("li", `${reviewer === me ? say("you") : reviewer}: ${observations.map(described).join("; ")}`)
  )));
  $("differing").replaceChildren(...photo.differing.map(({ by, kind, named, score, geofence: fence }) => (
    make("li", [
      make("b", `${called({ ...named, kind })} ${percent(score)}`),
      fence ? ` (${say(fence.excludes ? "excludes" : "allows", { ...fence, taxon: translated(fence.taxon) })})` : "",
      ` · ${by}`,
    ])
  )));
  const own = distinct([
    ...photo.perhaps.map((each) => ({ ...each, more: say("perhaps") })), // they have no calibrated number
    ...photo.candidates.map((each) => ({ ...each, more: percent(each.score) })),
    ...photo.differing.filter(({ named }) => named).map(({ named }) => ({ ...named, more: percent(named.score) })),
  ]);
  const surest = photos.flatMap((each) => each.candidates).sort((a, b) => b.score - a.score);
  const others = distinct([...own, ...surest.map((each) => ({ ...each, more: say("other-photo") }))]).slice(0, own.length + FROM_OTHERS);
  const choices = distinct([...others, ...recent.map((each) => ({ ...each, more: say("recent") }))]).slice(0, MOST);
  $("candidates").replaceChildren(...choices.map(({ name, scientific_name: known, more }, number) => {
    const parts = [make("kbd", number + 1), make("b", known ? translated(name) : name), make("i", known ?? ""), make("span", more)];
    return make("li", make("button", parts, { type: "button", onclick: () => choose(number) }));
  }));
  return choices;
}
