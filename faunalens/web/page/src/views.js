// The views, of which the page shows one at a time.

import { wanted } from "./addresses.js";
import { $ } from "./elements.js";

// And what gets the focus in each if what had it is gone.
const VIEWS = { busy: "cancel", problem: "problem-heading", place: "place-heading", answer: "name", many: "many-heading", guide: "guide-heading" };

/** Show one view and hide the others. Screen readers read `sentence`. */
export function show(view, sentence) {
  const focused = document.activeElement;
  if (view !== "guide" && wanted()) forgetAddress();
  document.body.dataset.state = view;
  for (const each of Object.keys(VIEWS)) $(each).hidden = each !== view;
  const place = $(view === "start" ? "photo" : "outcome"); // an animal can also be looked up below an answer
  if (!place.contains($("look-up"))) place.append($("look-up"));
  $("outcome").setAttribute("aria-busy", view === "busy");
  $("status").textContent = sentence;
  queueMicrotask(() => moveFocus(focused, VIEWS[view] ?? "pick")); // when the view is filled
}

/** Move the focus to a part of the view if what had it is gone. Otherwise keyboards would go on from the top of the page. */
function moveFocus(focused, id) {
  const isElsewhere = ![focused, document.body].includes(document.activeElement);
  if (focused === document.body || isElsewhere || focused.getClientRects().length) return;
  const isAsked = document.body.classList.contains("asking");
  $(isAsked ? "is-one" : id).focus({ preventScroll: true }); // `reveal` scrolls
}

/** Scroll to the outcome, which is below the photo on a narrow screen. */
export function reveal() {
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (matchMedia("(max-width: 55.99rem)").matches) $("outcome").scrollIntoView({ behavior, block: "start" });
}

/** Let the address name no page of the field guide, or the one of `hash`. */
export function forgetAddress(hash = "") {
  history.replaceState(null, "", location.pathname + location.search + hash);
}
