// Many photos, each of its own animal: a grid that fills, at most three photos at once.

import { SUFFIXES } from "../../../../chalicelib/photo/formats.json";
import { identify } from "./api.js";
import { csvOf } from "./answers_csv.js";
import { $, make, placeholder } from "./elements.js";
import * as grid from "./grid.js";
import { say } from "./language.js";
import { prepare } from "./photo.js";
import { namesFor, rename } from "./names.js";
import { move } from "./noting.js";
import { Problem, explain } from "./problem.js";
import { observation as observed } from "./results.js";
import { thumbnailOf } from "./thumbnails.js";
import { namedIn, sureInText, titleOf } from "./words.js";

export const MOST_FILES = 500; // the command line is made for more
const AT_ONCE = 3;
const ATTEMPTS = 5; // of a photo that the service has no room for
const PAUSE = 5; // seconds, unless the service says how many
const SIDE = 240; // pixels of a thumbnail
const WAITS = ["too_many_requests", "unavailable", "timeout", "unreachable"];

export class ManyView {
  #photos = []; // {file, card, prepared, thumbnail, answer, place, date, observation, ofAnimals, problem}
  #run = new AbortController();
  #isRunning = false;
  #open;

  /** `open` is called with a photo of the grid: what was prepared of it, its answer, place, date and observation. */
  constructor(open) {
    this.#open = open;
    $("many-stop").addEventListener("click", () => (this.#isRunning ? this.stop() : this.#start()));
    $("many-csv").addEventListener("click", () => this.#download());
    for (const event of ["offline", "online"]) addEventListener(event, () => this.#isRunning && this.#sayNetwork());
    addEventListener("beforeunload", (event) => this.#isRunning && event.preventDefault()); // what was not read yet ends with its page
  }

  /** Identify the photos without a place of their own again, with this place. */
  usePlace(place) {
    this.stop();
    for (const photo of this.#withoutPlace()) Object.assign(photo, { answer: null, given: place });
    this.#start();
  }

  /** Take the photos among the files, and identify each. Return whether there is any. */
  show(files) {
    this.stop();
    const images = files.filter(({ type, name }) => type.startsWith("image/") || SUFFIXES.test(name));
    const taken = images.slice(0, MOST_FILES);
    this.#take(taken.map((file) => ({ file })));
    grid.begin();
    const notes = [
      files.length > images.length && say("many.others", { count: files.length - images.length }),
      images.length > taken.length && say("many.most", { count: MOST_FILES }),
    ];
    $("many-note").textContent = notes.filter(Boolean).join(" ");
    if (taken.length) this.#start();
    return taken.length > 0;
  }

  /** Show the grid of before a reload, as far as its photos were read. Return whether there was one. */
  async restore() {
    const saved = await grid.load();
    for (const { answer } of saved) rename(answer, await namesFor(answer)); // the page may speak another language now
    if (!saved.length || this.#photos.length) return false; // others were chosen meanwhile
    this.#take(saved.map(({ name, ...photo }) => ({ ...photo, file: new File([photo.prepared.blob], name) })));
    for (const photo of this.#photos) {
      showThumbnail(photo);
      showCard(photo);
    }
    $("many-note").textContent = "";
    this.#showProgress();
    return true;
  }

  /** Forget the grid: other photos were chosen. */
  clear() {
    this.stop();
    this.#take([]);
    grid.end();
  }

  /** Show what became of a photo that was opened: another answer, or what the person said of it. */
  update(number, { answer, place, observation, ofAnimals }) {
    const photo = this.#photos[number];
    Object.assign(photo, { answer, place, observation, ofAnimals });
    showCard(photo);
    save(photo, number);
  }

  #take(photos) {
    for (const { url } of this.#photos) URL.revokeObjectURL(url);
    this.#photos = photos.map((photo) => ({ ...photo, card: cardOf(photo.file) }));
    this.#photos.forEach((photo, i) => photo.card.addEventListener("click", () => photo.answer && this.#open(photo, i)));
    $("many-grid").replaceChildren(...this.#photos.map(({ card }) => card.parentElement));
  }

  /** Stop after the photos that are under way, which are given up. */
  stop() {
    this.#run.abort();
    this.#isRunning = false;
    if (this.#photos.length) this.#showProgress();
  }

  async #start() {
    this.#run = new AbortController();
    this.#isRunning = true;
    const { signal } = this.#run;
    const waiting = this.#photos.filter(({ answer }) => !answer);
    for (const photo of waiting) photo.problem = null;
    this.#showProgress();
    const work = async () => {
      for (let photo = waiting.shift(); photo && !signal.aborted; photo = waiting.shift()) {
        await this.#identify(photo, signal);
        if (!signal.aborted) this.#showProgress();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (signal.aborted) return;
    this.#isRunning = false;
    this.#showProgress();
    $("status").textContent = $("many-progress").textContent;
  }

  async #identify(photo, signal) {
    try {
      photo.prepared ??= await prepare(photo.file);
      if (signal.aborted) return;
      const { blob, position, month, date } = photo.prepared;
      photo.thumbnail ??= await thumbnailOf(blob, SIDE);
      showThumbnail(photo);
      const place = position ? { ...position, isOfPhoto: true } : (photo.given ?? null);
      const answer = await patiently(signal, () => identify([blob], { place, month, boxes: false }, signal, () => {}));
      if (signal.aborted) return;
      Object.assign(photo, { answer, place, date: date ?? "" });
      move(photo);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) reportError(problem);
      photo.problem = problem.code ?? "other";
    }
    showCard(photo);
    save(photo, this.#photos.indexOf(photo));
  }

  #withoutPlace() {
    return this.#photos.filter(({ answer, place }) => answer && !place);
  }

  #showProgress() {
    const done = this.#photos.filter(({ answer }) => answer).length;
    const failed = this.#photos.filter(({ problem }) => problem).length;
    const count = this.#photos.length;
    const words = say("many.progress", { done, count });
    const failures = failed ? say("many.failed", { count: failed }) : "";
    const waits = this.#isRunning && !navigator.onLine ? `${say("problem.offline")}.` : "";
    $("many-progress").textContent = [words, failures, waits].filter(Boolean).join(" ");
    $("many-stripe").style.setProperty("--share", count ? (done + failed) / count : 0);
    $("many-stripe").hidden = !this.#isRunning;
    $("many-stop").hidden = !this.#isRunning && done === count;
    const next = done + failed === count ? "many.again" : "many.go-on";
    $("many-stop").textContent = say(this.#isRunning ? "many.stop" : next);
    const placeless = this.#isRunning ? 0 : this.#withoutPlace().length;
    $("many-place").hidden = !placeless;
    $("many-place-words").textContent = say("many.placeless", { count: placeless });
    $("many-csv").hidden = done + failed === 0;
  }

  /** Say that the photos wait for a network, or that they go on. */
  #sayNetwork() {
    this.#showProgress();
    $("status").textContent = $("many-progress").textContent;
  }

  #download() {
    const rows = this.#photos.map(({ file, answer, problem }) => ({ name: pathOf(file), answer, problem: headingOf(problem) }));
    const url = URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" }));
    make("a", "", { href: url, download: "faunalens.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

/** Try again after the wait that the service asks for, and as soon as there is a network. */
async function patiently(signal, attempt) {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (problem) {
      if (signal.aborted || number === ATTEMPTS) throw problem;
      if (problem.code === "offline") await isOnline(signal);
      else if (WAITS.includes(problem.code)) await seconds(Number(problem.retryAfter) || PAUSE, signal);
      else throw problem;
    }
  }
}

function seconds(count, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, count * 1000);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function isOnline(signal) {
  return new Promise((resolve, reject) => {
    addEventListener("online", resolve, { once: true });
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function pathOf(file) {
  return file.webkitRelativePath || file.name;
}

function cardOf(file) {
  const item = make("li");
  const card = make("button", "", { type: "button", disabled: true });
  card.append(make("span", "", { className: "picture" }), make("b", "…"), make("span", pathOf(file), { className: "quiet" }));
  item.append(card);
  return card;
}

/** Save a photo, if it could be read. */
function save({ file, prepared, url, card, given, ...rest }, number) {
  if (prepared) grid.put(number, { name: pathOf(file), prepared, ...rest });
}

/** Return what went wrong with a photo, by its code; empty if nothing did. */
function headingOf(code) {
  return code ? explain({ code, detail: "" }).heading : "";
}

function showThumbnail(photo) {
  URL.revokeObjectURL(photo.url);
  photo.url = photo.thumbnail && URL.createObjectURL(photo.thumbnail);
  const picture = photo.url ? make("img", "", { src: photo.url, alt: "" }) : placeholder(photo.file);
  photo.card.firstChild.replaceChildren(picture);
}

function showCard({ card, answer, observation, problem }) {
  const [name, note] = [card.querySelector("b"), card.lastChild];
  card.disabled = !answer;
  card.classList.toggle("failed", !answer);
  for (const line of card.querySelectorAll(".sure")) line.remove(); // of an earlier place
  if (!answer) {
    name.textContent = headingOf(problem);
    return;
  }
  const prediction = namedIn(answer);
  const { said, taxon } = observed(observation) ?? {};
  name.textContent = said ? taxon.name : titleOf(answer);
  if (said) note.before(make("span", say(`said.${said}`).replace(/[:：\s]+$/, ""), { className: "sure" }));
  else if (prediction && !answer.perhaps.length) note.before(make("span", sureInText(prediction), { className: "sure" }));
}
