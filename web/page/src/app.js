// The page: choose a photo, send it, and show the result in one of the views.

import { AnswerView } from "./answer.js";
import { Problem, identify } from "./api.js";
import { listKnowledge } from "./knowledge.js";
import { prepare } from "./photo.js";
import { PlaceForm } from "./place.js";
import { explain } from "./problem.js";

const $ = (id) => document.getElementById(id);
const VIEWS = ["busy", "problem", "place", "answer"];

const answerView = new AnswerView();
const placeForm = new PlaceForm((place) => identifyPhoto(place));
let photo = null; // a promise of the Blob to send
let lastPlace = null;
let pending = new AbortController(); // of the current request

/** Show one view and hide the others. Screen readers read `sentence`. */
function show(view, sentence) {
  document.body.dataset.state = view;
  for (const each of VIEWS) $(each).hidden = each !== view;
  $("outcome").setAttribute("aria-busy", view === "busy");
  $("status").textContent = sentence;
}

function choose(file) {
  pending.abort();
  showPreview(file);
  photo = prepare(file);
  identifyPhoto(null);
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

/** Send the photo and show the answer. `place`: null uses the location in the photo. */
async function identifyPhoto(place) {
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  lastPlace = place;
  show("busy", "Identifying the animal …");
  reveal();
  try {
    const sent = await photo;
    const answer = await identify(sent, place, signal);
    if (signal.aborted) return;
    show("answer", "");
    $("status").textContent = answerView.show(answer);
  } catch (problem) {
    if (signal.aborted) return; // another photo was chosen
    if (!(problem instanceof Problem)) reportError(problem); // a bug of this page: show it, and log it to the console
    showProblem(explain(problem));
  }
  reveal();
}

function showProblem({ heading, advice, detail, again, place }) {
  if (place) return askPlace({ heading, advice });
  show("problem", "");
  $("problem-heading").textContent = heading;
  $("problem-advice").textContent = advice;
  $("problem-detail").textContent = detail;
  $("again").hidden = !again;
  $("status").textContent = `${heading}. ${advice}`;
}

function askPlace({ heading, advice }) {
  show("place", "");
  placeForm.show({ heading, advice });
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
$("again").addEventListener("click", () => identifyPhoto(lastPlace));
$("elsewhere").addEventListener("click", () => askPlace({ heading: "Where was it taken?", advice: "" }));
listKnowledge();
