// The view of an answer: the prediction, its relatives, the candidates, the location.

import { addressOf } from "./addresses.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, definitions, make, showText, taxonRow } from "./elements.js";
import guideModule from "./guide.js?later";
import { capital, either, probability, say, sentenceEnd } from "./language.js";
import { LocationPart } from "./location.js";
import { disagreement, headline, hereOf, modelsInWords, namedIn, rankInWords } from "./words.js";
import { reasonInWords, relativesInWords, sentenceOf, sureMeans } from "./words.js";

export class AnswerView {
  #location = new LocationPart();
  #answer = null; // the one that is shown
  #comparison = new Disclosure($("compare"), async (signal) => {
    const { compared } = await import(guideModule);
    return compared(this.#answer, $("frame").hidden ? "" : $("picture").src, signal);
  });

  /** Show an answer of the API. Return a sentence about it for screen readers. */
  show(given) {
    const answer = { ...given, prediction: namedIn(given) };
    this.#answer = answer;
    const sentence = this.#showPrediction(answer);
    this.#showCandidates(answer);
    const differ = disagreement(answer.photos ?? []);
    showText("disagreement", differ);
    // The place of a photo without an animal would help nobody.
    $("add-place").hidden = Boolean(answer.location.center) || answer.subject !== "animal";
    this.#location.show(answer);
    showTaxon(answer);
    $("models").textContent = modelsInWords(answer.model);
    $("about").replaceChildren(...definitions(about(answer)));
    return `${sentence} ${differ}`.trim();
  }

  #showPrediction(answer) {
    const { prediction, perhaps } = answer;
    const { lead, sure, title, members } = headline(answer);
    $("lead").textContent = lead;
    $("title").textContent = title;
    showText("members", members);
    $("perhaps").hidden = !perhaps.length;
    $("perhaps-list").replaceChildren(...perhaps.map(perhapsRow));
    for (const id of ["taxon", "sure"]) $(id).hidden = !prediction;
    $("sure").open = false;
    showRelatives(prediction?.relatives_here);
    if (prediction) {
      const { name, scientific_name: scientificName, score } = prediction;
      $("scientific-name").textContent = name === scientificName ? "" : scientificName;
      showText("rank", rankInWords(prediction));
      $("sure-words").textContent = capital(sure);
      $("score").textContent = probability(score);
      $("sure-meaning").textContent = sureMeans(prediction.sure);
    }
    const remark = remarkOn(answer);
    showText("remark", remark);
    return [sentenceOf(answer), remark].join(sentenceEnd).trim();
  }

  /** Show the likeliest animals, unless the photo shows none, or does not show whether there is one. */
  #showCandidates({ subject, prediction, perhaps, candidates, features, device }) {
    const narrowed = features.mode === "narrowed";
    const isGuess = !prediction || perhaps.length > 0;
    $("candidates-heading").textContent = say(perhaps.length ? "candidates.alike" : isGuess ? "candidates.guesses" : "candidates");
    const worthNaming = prediction || subject === "animal" ? candidates : [];
    this.#comparison.reset();
    $("compare").hidden = perhaps.length > 0 || Boolean(device) || worthNaming.length < 2;
    $("candidates-part").hidden = worthNaming.length === 0;
    $("candidates-part").open = !perhaps.length; // they look like it, and need not live there
    $("candidates-part").classList.toggle("photo-alone", !narrowed);
    $("candidates-part").classList.toggle("guesses", isGuess);
    $("candidates").replaceChildren(...candidates.map((each) => candidateRow(each, narrowed)));
  }
}

/** Lead to the page about the likeliest animal. */
function showTaxon({ prediction, perhaps, candidates: [first], device }) {
  $("animal").hidden = !prediction || perhaps.length > 0 || !first || Boolean(device);
  if ($("animal").hidden) return;
  $("animal").textContent = say("taxon", { name: first.name });
  $("animal").href = addressOf("taxon", first.taxon);
}

/** Return a remark on a wide, missing or unexpected prediction, or an empty string for any other. */
function remarkOn(answer) {
  if (answer.reasons.includes("unknown_relatives") && answer.prediction?.relatives_here) return ""; // their list says it
  return reasonInWords(answer) || (answer.features.mode === "narrowed" ? say(`remark.${hereOf(answer)}`) : "");
}

/** Return a list item with what an animal perhaps is, and the likeliest animals of that. */
function perhapsRow({ members, ...taxon }) {
  const row = taxonRow(taxon);
  const names = members.map(({ name }) => name).filter((name) => name !== taxon.name);
  if (names.length) row.append(make("span", either(names), { className: "quiet" }));
  return row;
}

/** Show the close relatives that live there and that no model knows. `relatives`: null or undefined if there are none. */
function showRelatives(relatives) {
  $("relatives").hidden = !relatives?.count;
  $("relatives").open = false;
  if (!relatives?.count) return;
  const { count, taxa } = relatives;
  const rest = count - taxa.length;
  $("relatives-summary").textContent = relativesInWords(count, taxa);
  $("relatives-list").replaceChildren(...taxa.map((each) => taxonRow(each)), ...(rest ? [make("li", say("relatives.rest", { count: rest }))] : []));
}

function candidateRow({ name, scientific_name: scientificName, score, vision_score: vision, here }, narrowed) {
  const row = $("candidate").content.cloneNode(true);
  const part = (selector) => row.querySelector(selector);
  part("b").textContent = name;
  part("i").textContent = name === scientificName ? "" : scientificName;
  part(".candidate-score").textContent = probability(score);
  part(".candidate-vision").textContent = narrowed ? say("photo-alone", { share: probability(vision) }) : "";
  part(".bar").style.setProperty("--share", score);
  part(".tick").style.setProperty("--share", vision);
  // Without features, nothing is known of any animal, and a sentence about the location says so once.
  part(".badge").replaceWith(badge(here === "unknown" && !narrowed ? null : here));
  return row;
}

function about({ location, features, model, timings_ms: timings, animal_probability: share, request_id: request }) {
  return [
    [say("about.share"), probability(share)],
    [say("about.models"), [model, ...(model.packs ?? [])].map(({ name, version }) => `${name} ${version}`).join(", ")],
    [say("about.cell"), location.cell ?? say("about.none")],
    [say("about.ranges"), features.version ?? say("about.none")],
    [say("about.duration"), say("milliseconds", { count: Math.round(timings.total) })],
    [say("about.request"), request],
  ];
}
