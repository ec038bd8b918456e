// Draw the navigation, then the content of the page.

import { showDashboard } from "./dashboard.js";
import { address, element } from "./dom.js";
import { showOverview, showRunbook } from "./overview.js";

const { name, names } = document.body.dataset;
const pages = [["", "Overview"], ...names.split(" ").map((each) => [each, each]), ["runbook", "Runbook"]];
const links = pages.map(([each, text]) =>
  element("a", { href: address(each), "aria-current": each === name && "page", text }),
);
document.getElementById("pages").replaceChildren(...links);

// A link to another page keeps the chosen time range.
document.getElementById("pages").addEventListener("click", ({ target }) => {
  if (target.matches("a")) target.search = location.search;
});

if (name === "") showOverview();
else if (name === "runbook") showRunbook();
else showDashboard(name);
