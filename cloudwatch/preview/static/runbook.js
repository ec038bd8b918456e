// What to do about each alarm: docs/how-to/runbook.md as it stands.

import { element } from "./dom.js";
import { written } from "./markdown.js";
import { fetched } from "./source.js";

export async function showRunbook() {
  const main = document.getElementById("main");
  try {
    const { markdown } = await fetched("runbook");
    document.title = "Runbook";
    main.replaceChildren(element("article", { class: "written" }, written(markdown)));
    main.querySelector("h2")?.replaceWith(element("h1", { text: main.querySelector("h2").textContent }));
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch (error) {
    main.replaceChildren(
      element("p", { class: "notice", role: "alert", text: `The runbook cannot be shown: ${error.message}` }),
    );
  }
  main.setAttribute("aria-busy", "false");
}
