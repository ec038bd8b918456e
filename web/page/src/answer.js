// The view of an answer: the prediction, its relatives, the candidates, the location.

import { taxon } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, definitions, make, taxonRow } from "./elements.js";
import { LocationPart } from "./location.js";
import { aboutTaxon } from "./taxon.js";
import { REMARKS, percent, relativesInWords, sureness } from "./words.js";

export class AnswerView {
  #location = new LocationPart();
  #first = null; // the likeliest candidate
  #taxon = new Disclosure($("animal"), async (signal) => aboutTaxon(await taxon(this.#first.taxon, signal)));

  /** Show an answer of the API. Return a sentence about it for screen readers. */
  show(answer) {
    const sentence = this.#showPrediction(answer);
    this.#showCandidates(answer);
    this.#location.show(answer);
    this.#showTaxon(answer);
    $("about").replaceChildren(...definitions(about(answer)));
    return sentence;
  }

  #showPrediction(answer) {
    const { prediction } = answer;
    for (const id of ["taxon", "score"]) $(id).hidden = !prediction;
    showRelatives(prediction?.relatives_here);
    if (!prediction) {
      $("name").textContent = "No animal recognised";
      showRemark("If there is an animal, a closer or sharper photo may help.");
      return "No animal was recognised.";
    }
    $("name").textContent = prediction.name;
    $("scientific-name").textContent = prediction.scientific_name;
    $("rank").textContent = prediction.rank;
    // The score of the root is always 1, so show the probability that the photo shows an animal.
    const score = prediction.rank === "kingdom" ? answer.animal_probability : prediction.score;
    $("score-number").textContent = percent(score);
    $("score-words").textContent = sureness(score);
    const remark = remarkOn(answer);
    showRemark(remark);
    return `${prediction.name}, ${prediction.rank}, ${sureness(score)}, ${percent(score)}. ${remark}`.trim();
  }

  #showCandidates({ prediction, candidates, features }) {
    const narrowed = features.mode === "narrowed";
    $("candidates-heading").textContent = prediction ? "Most likely animals" : "If it is an animal, most likely";
    $("candidates-part").hidden = candidates.length === 0;
    $("candidates-part").classList.toggle("photo-alone", !narrowed);
    $("candidates").replaceChildren(...candidates.map((each) => candidateRow(each, narrowed)));
  }

  #showTaxon({ prediction, candidates: [first] }) {
    this.#first = first;
    this.#taxon.reset();
    $("animal").hidden = !prediction || !first;
    $("animal-summary").textContent = `More about: ${first?.name}`;
  }
}

/** Return a remark on an inexact or unexpected prediction, or an empty string for any other prediction. */
function remarkOn({ prediction, candidates: [first], features }) {
  if (prediction.rank === "kingdom") return "It looks like an animal, but the photo does not show clearly which one.";
  if (first && first.scientific_name !== prediction.scientific_name) {
    return `The photo is clear enough for the ${prediction.rank}, but not for the exact animal.`;
  }
  return (features.mode === "narrowed" && REMARKS[first?.here]) || "";
}

/** Show the close relatives that live there and that no model knows. `relatives`: null or undefined if there are none. */
function showRelatives(relatives) {
  $("relatives").hidden = !relatives?.count;
  $("relatives").open = false;
  if (!relatives?.count) return;
  const { count, taxa } = relatives;
  const rest = count - taxa.length;
  $("relatives-summary").textContent = relativesInWords(count, taxa);
  $("relatives-list").replaceChildren(...taxa.map((each) => taxonRow(each)), ...(rest ? [make("li", `${rest} more`)] : []));
}

function candidateRow({ name, scientific_name: scientificName, score, vision_score: vision, here }, narrowed) {
  const row = $("candidate").content.cloneNode(true);
  const part = (selector) => row.querySelector(selector);
  part("b").textContent = name;
  part("i").textContent = scientificName;
  part(".candidate-score").textContent = percent(score);
  part(".candidate-vision").textContent = narrowed ? `From the photo alone: ${percent(vision)}` : "";
  part(".bar").style.setProperty("--share", score);
  part(".tick").style.setProperty("--share", vision);
  // Without features, nothing is known of any animal, and a sentence about the location says so once.
  part(".badge").replaceWith(badge(here === "unknown" && !narrowed ? null : here));
  return row;
}

function about({ location, features, model, timings_ms: timings, animal_probability: share, request_id: request }) {
  return [
    ["Animal probability", percent(share)],
    ["Model", `${model.name} ${model.version}`],
    ["Cell", location.cell ?? "none"],
    ["Range data", `${features.version ?? "none"} (${features.cache})`],
    ["Duration", `${Math.round(timings.total)} ms`],
    ["Request ID", request],
  ];
}

function showRemark(sentence) {
  $("remark").textContent = sentence;
  $("remark").hidden = !sentence;
}
