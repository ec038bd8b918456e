// The view of an answer: the prediction, its relatives, the candidates, the location.

import { taxon } from "./api.js";
import { Comparison } from "./compare.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, definitions, make, taxonRow } from "./elements.js";
import { probability, say } from "./language.js";
import { LocationPart } from "./location.js";
import { aboutTaxon } from "./taxon.js";
import {
  disagreement,
  modelsInWords,
  namedIn,
  rankInWords,
  reasonInWords,
  relativesInWords,
  subjectInWords,
  sureInWords,
  sureMeans,
  titleOf,
} from "./words.js";

export class AnswerView {
  #location = new LocationPart();
  #comparison = new Comparison();
  #first = null; // the likeliest candidate
  #taxon = new Disclosure($("animal"), async (signal) => aboutTaxon(await taxon(this.#first.taxon, signal)));

  /** Show an answer of the API. Return a sentence about it for screen readers. */
  show(given) {
    const answer = { ...given, prediction: namedIn(given) };
    const sentence = this.#showPrediction(answer);
    this.#showCandidates(answer);
    const differ = disagreement(answer.photos ?? []);
    $("disagreement").textContent = differ;
    $("disagreement").hidden = !differ;
    // The place of a photo without an animal would help nobody.
    $("add-place").hidden = Boolean(answer.location.center) || answer.subject !== "animal";
    this.#location.show(answer);
    this.#showTaxon(answer);
    $("models").textContent = modelsInWords(answer.model);
    $("about").replaceChildren(...definitions(about(answer)));
    return `${sentence} ${differ}`.trim();
  }

  #showPrediction(answer) {
    const { prediction } = answer;
    for (const id of ["taxon", "sure"]) $(id).hidden = !prediction;
    $("sure").open = false;
    showRelatives(prediction?.relatives_here);
    if (!prediction) {
      const { heading, advice } = subjectInWords(answer.subject);
      $("name").textContent = heading;
      const reason = reasonInWords(answer) || advice;
      showRemark(reason);
      return `${heading}. ${reason}`;
    }
    const { scientific_name: scientificName, score } = prediction;
    const sure = sureInWords(prediction.sure);
    const rank = rankInWords(prediction);
    $("name").textContent = titleOf(answer);
    $("taxon").hidden = isAnyAnimal(prediction);
    $("scientific-name").textContent = name === scientificName ? "" : scientificName;
    $("rank").textContent = rank;
    $("rank").hidden = !rank;
    $("sure-words").textContent = sure;
    $("score").textContent = probability(score);
    $("sure-meaning").textContent = sureMeans(prediction.sure);
    const remark = remarkOn(answer);
    showRemark(remark);
    const said = [$("name").textContent, ...(rank && !isAnyAnimal(prediction) ? [rank] : []), sure, probability(score)];
    return `${said.join(", ")}. ${remark}`.trim();
  }

  /** Show the likeliest animals, unless the photo shows none, or does not show whether there is one. */
  #showCandidates({ subject, prediction, candidates, features }) {
    const narrowed = features.mode === "narrowed";
    const isGuess = !prediction || isAnyAnimal(prediction);
    $("candidates-heading").textContent = say(isGuess ? "candidates.guesses" : "candidates");
    const worthNaming = prediction || subject === "animal" ? candidates : [];
    this.#comparison.show(worthNaming);
    $("candidates-part").hidden = worthNaming.length === 0;
    $("candidates-part").classList.toggle("photo-alone", !narrowed);
    $("candidates-part").classList.toggle("guesses", isGuess);
    $("candidates").replaceChildren(...candidates.map((each) => candidateRow(each, narrowed)));
  }

  #showTaxon({ prediction, candidates: [first] }) {
    this.#first = first;
    this.#taxon.reset();
    $("animal").hidden = !prediction || isAnyAnimal(prediction) || !first;
    $("animal-summary").textContent = first ? say("taxon", { name: first.name }) : "";
  }
}

/** Whether a prediction is the root of the tree, which says only that there is an animal. */
function isAnyAnimal({ rank }) {
  return rank === "kingdom";
}

/** Return a remark on an inexact or unexpected prediction, or an empty string for any other prediction. */
function remarkOn(answer) {
  const { prediction, candidates: [first], features } = answer;
  const reason = reasonInWords(answer);
  if (reason) return reason;
  if (isAnyAnimal(prediction)) return say("subject.animal.advice");
  const rank = rankInWords(prediction);
  if (rank && first && first.scientific_name !== prediction.scientific_name) return say("remark.exact", { rank });
  return features.mode === "narrowed" && first ? say(`remark.${first.here}`) : "";
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
    [say("about.ranges"), `${features.version ?? say("about.none")} (${features.cache})`],
    [say("about.duration"), say("milliseconds", { count: Math.round(timings.total) })],
    [say("about.request"), request],
  ];
}

function showRemark(sentence) {
  $("remark").textContent = sentence;
  $("remark").hidden = !sentence;
}
