// The answer to a photo, laid out: what it is, what else it may be, where it was taken and what that did.

import { animals } from "./api.js";
import { WorldMap } from "./map.js";
import { explain } from "./problem.js";
import { HERE, areas, degrees, narrowing, percent, sureness } from "./words.js";

const $ = (id) => document.getElementById(id);
const SOURCES = { exif: "as the photo says", request: "as you said" };

export class AnswerView {
  #map = new WorldMap($("answer-map"));
  #centre = null; // {latitude, longitude} of the cell
  #asked = new AbortController();

  constructor() {
    $("closer").addEventListener("click", () => this.#toggleMap());
    $("animals").addEventListener("toggle", () => this.#listAnimals());
  }

  /** Lay out an answer of the API. Returns it as one sentence, to be said aloud. */
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
      remark("If there is one, a closer or sharper photo may help.");
      return "No animal was recognised.";
    }
    $("name").textContent = prediction.name;
    $("scientific-name").textContent = prediction.scientific_name;
    $("rank").textContent = prediction.rank;
    // Scores are shares among animals, so all of them together say nothing of whether there is one.
    const score = prediction.rank === "kingdom" ? answer.animal_probability : prediction.score;
    $("score-number").textContent = percent(score);
    $("score-words").textContent = sureness(score);
    remark(aside(answer));
    return `${prediction.name}, ${prediction.rank}, ${sureness(score)}, ${percent(score)}.`;
  }

  #showCandidates({ prediction, candidates, features }) {
    const narrowed = features.mode === "narrowed";
    $("candidates-heading").textContent = prediction ? "What it may be" : "If it is one, most like";
    $("candidates-part").hidden = candidates.length === 0;
    $("candidates-part").classList.toggle("picture-alone", !narrowed);
    $("candidates").replaceChildren(...candidates.map((each) => candidateRow(each, narrowed)));
  }

  #showPlace({ location, features }) {
    const [latitude, longitude] = location.center ?? [];
    this.#centre = location.center ? { latitude, longitude } : null;
    $("where").textContent = whereabouts(location);
    $("narrowing").textContent = narrowing(features);
    $("answer-map").toggleAttribute("data-empty", !this.#centre);
    $("elsewhere").textContent = this.#centre ? "Choose another place" : "Choose the place";
    $("animals").hidden = !this.#centre;
    $("animals").open = false;
    $("animals-list").replaceChildren();
    this.#map.wholeWorld();
    this.#map.mark(this.#centre);
    this.#nameMapButton();
  }

  #toggleMap() {
    if (this.#map.isClose) this.#map.wholeWorld();
    else this.#map.closeUp(this.#centre);
    this.#nameMapButton();
  }

  #nameMapButton() {
    $("closer").textContent = this.#map.isClose ? "Whole world" : "Closer";
  }

  async #listAnimals() {
    this.#asked.abort();
    if (!$("animals").open || $("animals-list").hasChildNodes()) return;
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    $("animals-status").textContent = "Looking them up …";
    try {
      const { animals: found } = await animals(this.#centre, signal);
      $("animals-status").textContent = found.length
        ? `${found.length} of the animals that Faunalens knows`
        : "None is known.";
      $("animals-list").replaceChildren(...found.map(animalRow));
    } catch (problem) {
      if (signal.aborted) return;
      const { heading, advice } = explain(problem);
      $("animals-status").textContent = `${heading}. ${advice}`;
    }
  }
}

/** What has to be said of a prediction that is no species, or out of place; mostly nothing. */
function aside({ prediction, candidates: [first], features }) {
  if (prediction.rank === "kingdom") return "Some animal, by the look of it; which one, the photo does not settle.";
  if (first && first.scientific_name !== prediction.scientific_name) {
    return `Sure as far as the ${prediction.rank}; which one of them, the photo does not settle.`;
  }
  if (first?.here !== "unexpected" || features.mode !== "narrowed") return "";
  return (
    "Not known to live where the photo was taken. It may have escaped, strayed or been brought there; " +
    "the picture spoke for it all the same."
  );
}

function whereabouts({ source, center, areas: codes }) {
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
  part(".candidate-vision").textContent = narrowed ? `From the picture alone: ${percent(vision)}` : "";
  part(".bar").style.setProperty("--share", score);
  part(".tick").style.setProperty("--share", vision);
  dress(part(".badge"), here);
  return row;
}

function animalRow({ name, scientific_name: scientificName, here }) {
  const row = make("li");
  row.append(make("b", name));
  if (here !== "native") row.append(dress(make("span", "", "badge"), here));
  row.append(make("i", scientificName));
  return row;
}

function dress(badge, here) {
  badge.hidden = !here; // null: the place, or what lives there, is not known
  if (!here) return badge;
  const [word, meaning] = HERE[here] ?? [here, ""];
  badge.classList.add(here);
  badge.textContent = word;
  badge.title = meaning;
  return badge;
}

function about({ location, features, model, timings_ms: timings, animal_probability: share, request_id: request }) {
  return [
    ["An animal", percent(share)],
    ["Model", `${model.name} ${model.version}`],
    ["Cell", location.cell ?? "none"],
    ["Places’ data", `${features.version ?? "none"} (${features.cache})`],
    ["Took", `${Math.round(timings.total)} ms`],
    ["Request", request],
  ];
}

function remark(sentence) {
  $("remark").textContent = sentence;
  $("remark").hidden = !sentence;
}

function make(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
