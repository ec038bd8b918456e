// The page: choose a photo, send it, and show the result in one of the views.

import { AnswerView } from "./answer.js";
import { identify } from "./api.js";
import { $ } from "./elements.js";
import { listKnowledge } from "./knowledge.js";
import { prepare } from "./photo.js";
import { PlaceForm } from "./place.js";
import { Problem, explain } from "./problem.js";

const VIEWS = ["busy", "problem", "place", "answer"];
const RETRY_AFTER = 1000; // ms
const WHERE = "Where was it taken?";

const answerView = new AnswerView();
const placeForm = new PlaceForm((place) => identifyPhoto(place));
let photo = null; // a promise of the photo to send, with its position
let asked = null; // the place of the last request, as `identifyPhoto` takes it
let current = null; // {answer, place} for the photo
let earlier = null; // the same with the place before the current one
let pending = new AbortController(); // of the current request
let isOffline = false; // whether the last request failed for want of a connection

/** Show one view and hide the others. Screen readers read `sentence`. */
function show(view, sentence) {
  document.body.dataset.state = view;
  for (const each of VIEWS) $(each).hidden = each !== view;
  $("outcome").setAttribute("aria-busy", view === "busy");
  $("status").textContent = sentence;
}

function choose(file) {
  [current, earlier] = [null, null];
  showPreview(file);
  photo = prepare(file);
  identifyPhoto();
}

function showPreview(file) {
  URL.revokeObjectURL($("picture").src);
  $("preview").hidden = false;
  $("picture").hidden = false;
  $("no-picture").hidden = true;
  $("file-name").textContent = file.name ?? "";
  $("picture").src = URL.createObjectURL(file);
  $("pick-label").textContent = "Choose another photo";
}

/** Send the photo and show the answer. `place`: null for none; by default that of the photo, if it has one. */
async function identifyPhoto(place) {
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  asked = place;
  isOffline = false;
  show("busy", "Identifying the animal …");
  showProgress("Preparing the photo");
  reveal();
  try {
    const { blob, position } = await photo;
    if (signal.aborted) return;
    const used = place === undefined ? position && { ...position, isOfPhoto: true } : place;
    const answer = await twice(signal, () => identify(blob, used, signal, showSent));
    if (signal.aborted) return;
    [earlier, current] = [current, { answer, place: used }];
    showAnswer();
  } catch (problem) {
    if (signal.aborted) return; // another photo was chosen, or it was cancelled
    isOffline = problem.code === "offline";
    if (!(problem instanceof Problem)) reportError(problem); // a bug of this page: show it, and log it to the console
    showProblem(explain(problem));
  }
  reveal();
}

/** Try once more if the connection failed. */
async function twice(signal, attempt) {
  try {
    return await attempt();
  } catch (problem) {
    if (problem.code !== "unreachable" || signal.aborted) throw problem;
    showProgress("The connection failed. Trying again");
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
    return attempt();
  }
}

/** Say what the page is busy with. `share`: how much of it is done, if that is known. */
function showProgress(words, share = null) {
  $("busy-words").textContent = words;
  $("stripe").classList.toggle("measured", share !== null);
  $("stripe").style.setProperty("--share", share);
}

function showSent(share) {
  if (share < 1) showProgress(`Sending the photo: ${Math.floor(share * 100)} %`, share);
  else showProgress("Identifying the animal");
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
  show("answer", "");
  const sentence = answerView.show({ ...answer, location: { ...answer.location, source } });
  $("changed").hidden = !earlier;
  $("changed-words").textContent = earlier ? changed(earlier.place, place) : "";
  $("status").textContent = `${$("changed-words").textContent} ${sentence}`.trim();
}

function changed(before, now) {
  if (!now) return "The place was left out.";
  return before ? "Another place was used." : "The place was added.";
}

function undo() {
  [current, earlier] = [earlier, null];
  showAnswer();
  reveal();
}

/** Show the answer to the photo again, as it was before the question where it was taken, or before a problem. */
function goBack() {
  showAnswer();
  reveal();
}

function showProblem({ heading, advice, detail, again, place }) {
  if (place) return askPlace({ heading, advice });
  show("problem", "");
  $("problem-heading").textContent = heading;
  $("problem-advice").textContent = advice;
  $("problem-detail").textContent = detail;
  $("again").hidden = !again;
  $("problem-back").hidden = !current;
  $("status").textContent = `${heading}. ${advice}`;
}

function askPlace({ heading, advice }) {
  show("place", "");
  placeForm.show({ heading, advice, canDrop: !current || Boolean(current.place), canGoBack: Boolean(current) });
  $("status").textContent = `${heading} ${advice}`;
  reveal();
}

/** Scroll to the outcome, which is below the photo on a narrow screen. */
function reveal() {
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (matchMedia("(max-width: 55.99rem)").matches) $("outcome").scrollIntoView({ behavior, block: "start" });
}

function chooseFirst(files) {
  const [file] = files ?? [];
  if (file) choose(file);
}

for (const id of ["pick", "take"]) {
  $(id).addEventListener("change", (event) => {
    chooseFirst(event.target.files);
    event.target.value = ""; // so that choosing the same photo again fires the event
  });
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  chooseFirst(event.dataTransfer?.files);
});
addEventListener("paste", (event) => chooseFirst(event.clipboardData?.files));
$("picture").addEventListener("error", () => {
  $("picture").hidden = true;
  $("no-picture").hidden = false;
});
$("again").addEventListener("click", () => identifyPhoto(asked));
$("cancel").addEventListener("click", cancel);
addEventListener("online", () => isOffline && identifyPhoto(asked));
$("undo").addEventListener("click", undo);
for (const id of ["place-back", "problem-back"]) $(id).addEventListener("click", goBack);
for (const id of ["add", "elsewhere"]) $(id).addEventListener("click", () => askPlace({ heading: WHERE, advice: "" }));
listKnowledge();
