// The page: choose photos, send them, and show the result in one of the views.
// One to five photos are of one animal. More of them are each of their own animal, in a grid.

import { wanted } from "./addresses.js";
import { AnswerView } from "./answer.js";
import { identify } from "./api.js";
import { Boxes, answerFor } from "./boxes.js";
import { $ } from "./elements.js";
import exampleModule from "./example.js?later";
import { GuideView } from "./guide_view.js";
import { Keeper } from "./keeping.js";
import { listKnowledge } from "./knowledge.js";
import { History } from "./history.js";
import { say, sentenceEnd } from "./language.js";
import { ManyView } from "./many.js";
import { offerClassMap } from "./look.js";
import { closeElsewhere } from "./menu.js";
import { namesFor, rename } from "./names.js";
import { prepare, remember } from "./photo.js";
import { PlaceQuestion } from "./place_question.js";
import { move, note, takeBack } from "./noting.js";
import { MOST_PHOTOS, Preview } from "./preview.js";
import { Problem, explain } from "./problem.js";
import { showProgress, showSent } from "./progress.js";
import { observation } from "./results.js";
import { SayingPart } from "./saying.js";
import * as session from "./session.js";
import { SharingPart } from "./sharing.js";
import { answerOf, begin as beginOffline, showAnswerer } from "./signal.js";
import { keepThumbnail } from "./thumbnails.js";
import { reveal, show } from "./views.js";
import { disagreement } from "./words.js";

const RETRY_AFTER = 1000; // ms

const finder = { isThere: true }; // the detector, until the API says that it has none
const answerView = new AnswerView();
const boxes = new Boxes(select);
const keeper = new Keeper({ shown: () => ({ current, photos }), onKept: showKept, finder });
const sharing = new SharingPart(keeper);
const saying = new SayingPart(keeper, noteWhatIsSaid);
const history = new History(forgetObservation);
const many = new ManyView(openOfMany);
const guide = new GuideView({ answer: () => current?.answer, leave: leaveGuide, fail: (retry) => showProblem(explain(new Problem("unreachable")), retry) });
const placeQuestion = new PlaceQuestion();
const preview = new Preview({ choose, refuse: (code) => showProblem(explain(new Problem(code))) });
let photos = null; // a promise of the photos to send, with their positions
let asked = {}; // what was wanted of the last request, as `identifyPhotos` takes it
// {answer, place, date, observation, ofAnimals} for the photos: `observation` is an id in the person's list or null, and
// `ofAnimals` has those of single animals by their numbers.
let current = null;
let selected = null; // the number of the animal whose answer is shown; null: that for the whole photo
let earlier = null; // the same with the place before the current one
let pending = new AbortController(); // of the current request
let isOffline = false; // whether the last request failed for want of a network
let chosen = []; // the files
let ofMany = null; // the number of the photo in the grid whose answer is shown

function choose(files, isSameAnimal = false) {
  if (files.length > MOST_PHOTOS) return chooseMany(files);
  const place = (isSameAnimal && current?.place) || undefined;
  many.clear();
  ofMany = null;
  begin(files, Promise.all(files.map(prepare)));
  identifyPhotos({ place });
}

/** Show files as the photos of one animal, of which nothing is known yet. */
function begin(files, prepared) {
  [current, earlier] = [null, null];
  [chosen, photos] = [files, prepared];
  prepared?.then((all) => all.forEach((each, i) => remember(files[i], each)), () => {}); // who awaits `photos` says why
  preview.show(files);
  boxes.show({});
  offerClassMap({});
  session.clear();
}

/** Identify each photo by itself. */
function chooseMany(files) {
  isOffline = false;
  pending.abort();
  session.clear();
  preview.show([]);
  [current, earlier] = [null, null];
  if (many.show(files)) show("many", say("busy"));
  else showProblem(explain(new Problem("unsupported_media_type")));
  reveal();
}

/** Show the answer for a photo of the grid, as if it alone had been chosen. The browser's way back leads to the grid. */
function openOfMany({ file, prepared, answer, place, date, observation: id = null, ofAnimals }, number) {
  begin([file], Promise.resolve([prepared]));
  ofMany = number;
  current = { answer, place, date, observation: id, ofAnimals, ofMany };
  globalThis.history.pushState({ ofMany }, "");
  goBack();
}

function showMany() {
  ofMany = null;
  [current, earlier] = [null, null];
  pending.abort();
  session.clear();
  preview.show([]);
  show("many", "");
}

/**
 * Send the photos and show the answer. `place`: null for none; by default that of the first photo with one. `findAll`:
 * whether only every animal is to be found besides. `boxes`: whether the answer has them. `onlyServer`: whether this device
 * may not answer instead, without signal.
 */
async function identifyPhotos({ place, findAll = false, boxes: wantsBoxes = findAll, onlyServer = false }) {
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  asked = { place, findAll, boxes: wantsBoxes, onlyServer };
  isOffline = false;
  show("busy", say("busy"));
  showProgress(say("busy.prepare"));
  reveal();
  try {
    const prepared = await photos;
    if (signal.aborted) return;
    const month = prepared.map((photo) => photo.month).find(Boolean);
    const wanted = { place: place === undefined ? positionOf(prepared) : place, month, boxes: wantsBoxes };
    const blobs = prepared.map(({ blob }) => blob);
    const ask = () => twice(signal, () => identify(blobs, wanted, signal, showSent));
    const answer = await answerOf(ask, { photos: blobs, wanted, before: current?.answer, onlyServer });
    if (signal.aborted) return;
    if (findAll) answer.result = current.answer.result;
    else earlier = answer.before || answer.device ? null : current;
    const date = prepared.map((photo) => photo.date).find(Boolean) ?? "";
    const { observation: id = null, ofAnimals } = current ?? {};
    current = { answer, place: wanted.place, date, observation: id, ofAnimals, ofMany };
    move(current);
    for (const number of Object.keys(ofAnimals ?? {})) if (answer.animals?.[number]) move(subject(number));
    showAnswer();
  } catch (problem) {
    if (signal.aborted) return; // another photo was chosen, or it was cancelled
    isOffline = problem.code === "offline";
    if (problem.name !== "Problem") reportError(problem); // a bug of this page: show it, and log it to the console
    if (findAll && problem.code === "bad_request") showWithoutDetector();
    else showProblem(explain(problem));
  }
  reveal();
}

/** Return the position of the first photo that has one, or null. */
function positionOf(prepared) {
  const position = prepared.map((photo) => photo.position).find(Boolean);
  return position ? { ...position, isOfPhoto: true } : null;
}

/** Try once more if the connection failed. */
async function twice(signal, attempt) {
  try {
    return await attempt();
  } catch (problem) {
    if (problem.code !== "unreachable" || signal.aborted) throw problem;
    showProgress(say("busy.retry"));
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
    return attempt();
  }
}

function cancel() {
  pending.abort();
  if (current) showAnswer();
  else showProblem(explain(new Problem("cancelled")));
  reveal();
}

/** Show the current answer, and how to get back to the earlier one. */
function showAnswer() {
  const { answer, place } = current;
  const source = place?.isOfPhoto ? "exif" : answer.location.source;
  const shown = { ...answer, location: { ...answer.location, source } };
  selected = null; // before all that shows what is said of it
  show("answer", "");
  const sentence = answerView.show(shown);
  preview.showGuesses(answer.photos ?? []);
  preview.showThumbnail(answer.result?.url);
  showSharing();
  showAnswerer(shown);
  $("to-many").hidden = ofMany === null;
  document.body.classList.toggle("without-photo", !photos);
  boxes.show(shown);
  offerClassMap(shown);
  const doPhotosDiffer = (answer.photos ?? []).some(({ agrees }) => !agrees);
  $("several").hidden = !doPhotosDiffer || current.isOne;
  document.body.classList.toggle("asking", !$("several").hidden);
  $("several-words").textContent = disagreement(answer.photos ?? []);
  $("find-row").hidden = Boolean(answer.animals || answer.device) || answer.photos?.length > 1;
  $("find").hidden = !finder.isThere;
  $("changed").hidden = !earlier;
  $("changed-words").textContent = earlier ? changed(earlier.place, place) : "";
  $("status").textContent = `${$("changed-words").textContent} ${sentence}`.trim();
  saveState();
}

/** Save what is shown, for a reload and for the grid. */
function saveState() {
  session.save(current, photos);
  if (ofMany !== null) many.update(ofMany, current);
}

/** Show the answer for one animal in the photo, by its number, or for the whole photo. */
function select(answer, number) {
  selected = number;
  $("status").textContent = answerView.show(answer);
  showWhatIsSaid();
  reveal();
}

/** Return what `current` has, but for one animal in the photo. */
function subject(number = selected) {
  if (number === null) return current;
  return { ...current, answer: answerFor(current.answer, number), observation: current.ofAnimals?.[number] ?? null };
}

function showWithoutDetector() {
  finder.isThere = false;
  $("find-problem").textContent = say("every.no-detector");
  showAnswer();
}

function changed(before, now) {
  if (!now) return say("place.left-out");
  return say(before ? "place.changed" : "place.added");
}

/** Show what can be done with the current answer, and what the person has said of it. */
function showSharing() {
  sharing.show(current.answer, Boolean(photos));
  showWhatIsSaid();
}

function showWhatIsSaid() {
  const { answer, observation: id } = subject();
  saying.show(answer, observation(id), Boolean(photos) && selected === null); // a result is of the whole photo
  history.show();
}

/** Show that an answer was kept, if it is still the current one. */
function showKept(kept) {
  if (kept !== current) return;
  keepPicture(kept.observation, null);
  showWhatIsSaid();
  saveState();
}

/** Put what the person says of the answer into their list, or take it back, without a taxon. Return whether it worked. */
function noteWhatIsSaid(taxon, said, sent = false) {
  const id = taxon ? note(subject(), { taxon, said, sent }) : takeBack(subject());
  if (taxon && !id) return false;
  if (selected === null) current.observation = id;
  else current.ofAnimals = { ...current.ofAnimals, [selected]: id };
  if (id) keepPicture(id, selected === null ? null : current.answer.animals[selected].box);
  if (selected === null) showSharing();
  else showWhatIsSaid();
  saveState();
  return true;
}

/** Keep a small copy of the photo, or of an animal in it, for the list. */
function keepPicture(id, box) {
  photos?.then(([{ blob }]) => keepThumbnail(id, blob, box)).then(() => history.show());
}

/** Show that an observation is deleted, if it was that of the current answer. */
function forgetObservation(id) {
  const isShown = current && [current.observation, ...Object.values(current.ofAnimals ?? {})].includes(id);
  for (const each of [current, earlier].filter(Boolean)) {
    if (each.observation === id) [each.observation, each.answer.result] = [null, null];
    each.ofAnimals = Object.fromEntries(Object.entries(each.ofAnimals ?? {}).filter(([, of]) => of !== id));
  }
  if (!isShown) return;
  if (document.body.dataset.state === "answer") showSharing();
  saveState();
}

function undo() {
  [current, earlier] = [earlier, null];
  goBack();
}

/** Show the answer again, as it was before the question where the photo was taken, or before a problem. */
function goBack() {
  isOffline = false;
  showAnswer();
  reveal();
}

/** Show a problem. `retry`: what trying again does. */
function showProblem({ heading, advice, detail, isEnglish, again, place }, retry = () => identifyPhotos(asked)) {
  if (place) return askPlace({ heading, advice });
  show("problem", "");
  $("problem-heading").textContent = heading;
  $("problem-advice").textContent = advice;
  $("problem-detail").textContent = detail;
  $("problem-detail").lang = isEnglish ? "en" : document.documentElement.lang;
  $("again").hidden = !again;
  $("again").onclick = retry;
  $("problem-back").hidden = !current;
  $("status").textContent = [heading, advice].join(sentenceEnd);
}

/** Ask where the photos were taken. */
function askPlace(words) {
  const canGoBack = Boolean(current);
  placeQuestion.ask(words, (place) => identifyPhotos({ place, boxes: Boolean(current?.answer.animals) }), canGoBack ? goBack : null, !canGoBack || Boolean(current.place));
}

function askPlaceOfMany() {
  const use = (place) => {
    showMany();
    many.usePlace(place);
  };
  placeQuestion.ask({ heading: say("many.place"), advice: say("many.place.advice") }, use, showMany, false);
}

/** Show an answer that this device has given without signal. */
async function openWaiting({ photos: blobs, place, month, answer }) {
  rename(answer, await namesFor(answer)); // the page may speak another language now
  const prepared = blobs.map((blob) => ({ blob, position: null, month }));
  begin(blobs, Promise.resolve(prepared));
  ofMany = null;
  current = { answer, place, date: "", observation: null };
  goBack();
}

/** Show what was there before a reload. */
async function resume() {
  const [saved, hasGrid] = [await session.restore(), await many.restore()];
  if (saved) rename(saved.current, await namesFor(saved.current)); // the page may speak another language now
  if (document.body.dataset.state !== "start") return; // a photo was chosen meanwhile
  if (!saved && hasGrid) show("many", "");
  if (!saved) return;
  ofMany = hasGrid ? (saved.current.ofMany ?? null) : null;
  const { current: answered, photos: prepared } = saved;
  const files = prepared.map(({ blob }) => blob);
  begin(files, prepared.length ? Promise.resolve(prepared) : null);
  current = answered;
  showAnswer();
}

function leaveGuide(covered) {
  if (covered === "answer" && current) goBack();
  else show(covered === "answer" ? "start" : covered, "");
}

async function chooseExample() {
  try {
    choose([(await import(exampleModule)).examplePhoto()]);
  } catch {
    showProblem(explain(new Problem("unreachable")), chooseExample);
  }
}

/** Ask where, and list who lives there. A tenth of a degree is enough for a cell of 110 km. */
function lookHere() {
  const { state } = document.body.dataset;
  const back = () => show(state, "");
  const list = ({ latitude, longitude }) => {
    back(); // for the way back from the list
    guide.open("here", `${latitude.toFixed(1)},${longitude.toFixed(1)}`);
  };
  placeQuestion.ask({ heading: say("guide.where"), advice: "" }, list, back, false);
}

$("example").addEventListener("click", chooseExample);
$("look-here").addEventListener("click", lookHere);
$("find").addEventListener("click", () => identifyPhotos({ place: current.place, findAll: true }));
$("cancel").addEventListener("click", cancel);
$("undo").addEventListener("click", undo);
$("device-ask").addEventListener("click", () => identifyPhotos({ place: current.place, onlyServer: true }));
for (const id of ["split", "are-several"]) $(id).addEventListener("click", () => chooseMany(chosen));
$("is-one").addEventListener("click", () => {
  current.isOne = true;
  showAnswer();
  $("name").focus();
});
$("to-many").addEventListener("click", () => (globalThis.history.state ? globalThis.history.back() : showMany()));
addEventListener("popstate", ({ state }) => {
  const isOfGuide = wanted() || document.body.dataset.state === "guide";
  if (ofMany !== null && !state && !isOfGuide) showMany();
});
$("many-add-place").addEventListener("click", askPlaceOfMany);
$("problem-back").addEventListener("click", goBack);
for (const id of ["add", "elsewhere"]) $(id).addEventListener("click", () => askPlace({ heading: say("place.question"), advice: "" }));
addEventListener("online", () => isOffline && identifyPhotos(asked));
closeElsewhere(document.querySelector(".languages"));
listKnowledge();
beginOffline(openWaiting);
preview.takeEarly();
resume().then(() => guide.begin());
