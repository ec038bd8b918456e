// Draw the runbook, docs/how-to/runbook.md.

import { element } from "./dom.js";
import { renderMarkdown } from "./markdown.js";
import { fetchData } from "./source.js";

export async function showRunbook() {
  const main = document.getElementById("main");
  try {
    const { markdown } = await fetchData("runbook");
    document.title = "Runbook";
    main.replaceChildren(element("article", { class: "written" }, renderMarkdown(markdown)));
    main.querySelector("h2")?.replaceWith(element("h1", { text: main.querySelector("h2").textContent }));
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch (error) {
    main.replaceChildren(
      element("p", { class: "notice", role: "alert", text: `The runbook cannot be shown: ${error.message}` }),
    );
  }
  main.setAttribute("aria-busy", "false");
}
