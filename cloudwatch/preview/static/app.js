// Which page this is, and the way to the others.

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

if (name === "") showOverview();
else if (name === "runbook") showRunbook();
else showDashboard(name);
