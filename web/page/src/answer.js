// The view of an answer: the prediction, the candidates, the location and its effect.

import { animals } from "./api.js";
import { WorldMap } from "./map.js";
import { explain } from "./problem.js";
import { HERE, areas, degrees, narrowing, percent, sureness } from "./words.js";

const $ = (id) => document.getElementById(id);
const SOURCES = { exif: "from the photo’s GPS data", request: "chosen by you" };

export class AnswerView {
  #map = new WorldMap($("answer-map"));
  #centre = null; // {latitude, longitude} of the cell
  #request = new AbortController(); // of the request for the list of animals

  constructor() {
    $("closer").addEventListener("click", () => this.#toggleMap());
    $("animals").addEventListener("toggle", () => this.#listAnimals());
  }

  /** Show an answer of the API. Return a sentence about it for screen readers. */
  show(answer) {
    const sentence = this.#showPrediction(answer);
    this.#showCandidates(answer);
    this.#showPlace(answer);
    $("about").replaceChildren(...about(answer).flatMap(([term, value]) => [make("dt", term), make("dd", value)]));
    return sentence;
  }

  #showPrediction(answer) {
    const { prediction } = answer;
    for (const id of ["taxon", "score"]) $(id).hidden = !prediction;
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
    showRemark(remarkOn(answer));
    return `${prediction.name}, ${prediction.rank}, ${sureness(score)}, ${percent(score)}.`;
  }

  #showCandidates({ prediction, candidates, features }) {
    const narrowed = features.mode === "narrowed";
    $("candidates-heading").textContent = prediction ? "Most likely animals" : "If it is an animal, most likely";
    $("candidates-part").hidden = candidates.length === 0;
    $("candidates-part").classList.toggle("photo-alone", !narrowed);
    $("candidates").replaceChildren(...candidates.map((each) => candidateRow(each, narrowed)));
  }

  #showPlace({ location, features }) {
    const [latitude, longitude] = location.center ?? [];
    this.#centre = location.center ? { latitude, longitude } : null;
    $("where").textContent = describeLocation(location);
    $("narrowing").textContent = narrowing(features);
    $("answer-map").toggleAttribute("data-empty", !this.#centre);
    $("elsewhere").textContent = this.#centre ? "Choose another location" : "Choose a location";
    $("animals").hidden = !this.#centre;
    $("animals").open = false;
    $("animals-list").replaceChildren();
    this.#map.wholeWorld();
    this.#map.mark(this.#centre);
    this.#labelZoomButton();
  }

  #toggleMap() {
    if (this.#map.isClose) this.#map.wholeWorld();
    else this.#map.closeUp(this.#centre);
    this.#labelZoomButton();
  }

  #labelZoomButton() {
    $("closer").textContent = this.#map.isClose ? "Whole world" : "Zoom in";
  }

  async #listAnimals() {
    this.#request.abort();
    if (!$("animals").open || $("animals-list").hasChildNodes()) return;
    this.#request = new AbortController();
    const { signal } = this.#request;
    $("animals-status").textContent = "Loading …";
    try {
      const { animals: found, features } = await animals(this.#centre, signal);
      $("animals-status").textContent = listHeading(found.length, features.mode);
      $("animals-list").replaceChildren(...found.map(animalRow));
    } catch (problem) {
      if (signal.aborted) return;
      const { heading, advice } = explain(problem);
      $("animals-status").textContent = `${heading}. ${advice}`;
    }
  }
}

/** Return a remark on an inexact or unexpected prediction, or an empty string for any other prediction. */
function remarkOn({ prediction, candidates: [first], features }) {
  if (prediction.rank === "kingdom") return "It looks like an animal, but the photo does not show clearly which one.";
  if (first && first.scientific_name !== prediction.scientific_name) {
    return `The photo is clear enough for the ${prediction.rank}, but not for the exact animal.`;
  }
  if (first?.here !== "unexpected" || features.mode !== "narrowed") return "";
  return (
    "Not known to live where the photo was taken. It may have escaped, strayed or been brought there. " +
    "The photo itself still points to it."
  );
}

/** Describe a list of animals. An empty list means that none are known, or that a store fails at the moment. */
function listHeading(count, mode) {
  if (mode === "degraded") return "Which animals live there is not known at the moment. Close this list and try again.";
  return count ? `${count} animals that Faunalens knows` : "No animals are known there.";
}

function describeLocation({ source, center, areas: codes }) {
  if (!center) return "";
  const where = codes.length ? areas(codes) : "at sea, or far from any country";
  return `Around ${degrees(center)} (${where}), ${SOURCES[source]}.`;
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
  setBadge(part(".badge"), here);
  return row;
}

function animalRow({ name, scientific_name: scientificName, here }) {
  const row = make("li");
  row.append(make("b", name));
  if (here !== "native") row.append(setBadge(make("span", "", "badge"), here));
  row.append(make("i", scientificName));
  return row;
}

function setBadge(badge, here) {
  badge.hidden = !here; // null: the location or its animals are unknown
  if (!here) return badge;
  const [word, meaning] = HERE[here] ?? [here, ""];
  badge.classList.add(here);
  badge.textContent = word;
  badge.title = meaning;
  return badge;
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

function make(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
