// The page: a photo comes in, is sent, and one of the views shows what became of it.

import { AnswerView } from "./answer.js";
import { Problem, identify } from "./api.js";
import { toSend } from "./photo.js";
import { PlaceForm } from "./place.js";
import { explain } from "./problem.js";

const $ = (id) => document.getElementById(id);
const VIEWS = ["busy", "problem", "place", "answer"];

const answerView = new AnswerView();
const placeForm = new PlaceForm((place) => look(place));
let photo = null; // a promise of the Blob to send
let lastPlace = null;
let going = new AbortController(); // of the request on its way

/** Show one view, hide the others; `sentence` is said to people who do not see it. */
function show(view, sentence) {
  document.body.dataset.state = view;
  for (const each of VIEWS) $(each).hidden = each !== view;
  $("outcome").setAttribute("aria-busy", view === "busy");
  $("status").textContent = sentence;
}

function choose(file) {
  going.abort();
  showPreview(file);
  photo = toSend(file);
  look(null);
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

/** Ask what the photo shows. `place` is null if the photo is to say where it was taken. */
async function look(place) {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  lastPlace = place;
  show("busy", "Looking closely …");
  reveal();
  try {
    const sent = await photo;
    const answer = await identify(sent, place, signal);
    if (signal.aborted) return;
    show("answer", "");
    $("status").textContent = answerView.show(answer);
  } catch (problem) {
    if (signal.aborted) return; // another photo was chosen
    if (!(problem instanceof Problem)) reportError(problem); // a fault of this page: said below, told in the console
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

/** On a narrow screen the outcome is below the photo: bring it into view. */
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
    event.target.value = ""; // so that the same photo can be chosen again
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
$("again").addEventListener("click", () => look(lastPlace));
$("elsewhere").addEventListener("click", () => askPlace({ heading: "Where was it taken?", advice: "" }));
