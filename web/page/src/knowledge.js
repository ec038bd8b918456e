// What Faunalens knows: the groups of animals, and the list of each. Both are loaded when they are opened.

import { groups, health, taxaOf } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, make, taxonRow } from "./elements.js";
import { byName, say } from "./language.js";
import { groupName, packsInWords } from "./words.js";

export function listKnowledge() {
  new Disclosure($("knowledge"), async (signal) => {
    const packs = health(signal).then(({ packs: found }) => packsInWords(found), () => "");
    const found = await groups(signal);
    $("packs").textContent = await packs; // empty if that is not known just now
    return { status: "", content: found.groups.map(groupPart) };
  });
}

function groupPart({ group, taxa: count }) {
  const part = make("details");
  part.append(
    make("summary", say("group", { group: groupName(group), count })),
    make("p", "", { role: "status" }),
    make("ul", "", { className: "loaded taxa" }),
  );
  new Disclosure(part, async (signal) => {
    const { taxa } = await taxaOf(group, signal);
    return { status: "", content: byName(taxa).map((each) => taxonRow(each)) };
  });
  return part;
}
