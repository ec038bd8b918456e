// What the page is busy with, and how much of it is done.

import { $ } from "./elements.js";
import { percent, say } from "./language.js";

/** `share`: how much is done, 0 to 1, or null if that is not known. */
export function showProgress(words, share = null) {
  $("busy-words").textContent = words;
  $("stripe").classList.toggle("measured", share !== null);
  $("stripe").style.setProperty("--share", share);
}

/** Show the share of the photos that has been sent. */
export function showSent(share) {
  if (share < 1) showProgress(say("busy.send", { share: percent(Math.floor(share * 100) / 100) }), share);
  else showProgress(say("busy"));
}
