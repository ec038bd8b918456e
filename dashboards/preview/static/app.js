// Draw the navigation, then the content of the page.

import { showDashboard } from "./dashboard.js";
import { element } from "./dom.js";
import { showOverview } from "./overview.js";
import { showRunbook } from "./runbook.js";
import { address } from "./source.js";

const { name, names } = document.body.dataset;
const pages = [["", "Overview"], ...names.split(" ").map((each) => [each, each]), ["runbook", "Runbook"]];
document
  .getElementById("pages")
  .replaceChildren(
    ...pages.map(([each, text]) =>
      element("a", { href: address(each), "aria-current": each === name ? "page" : null, text }),
    ),
  );

// A link to another page keeps the chosen stage and time range.
document.getElementById("pages").addEventListener("click", ({ target }) => {
  if (target.matches("a")) target.search = location.search;
});

if (name === "") showOverview();
else if (name === "runbook") showRunbook();
else showDashboard(name);
