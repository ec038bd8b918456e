// What Faunalens knows: the groups of animals, and the list of each, which are loaded when they are opened. And how often it
// is right, which `python -m benchmarks.field` measures.

import SURE from "../../../../chalicelib/api/sure.json";
import EVIDENCE from "../evidence.json";
import { groups, health, taxaOf } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, make, taxonRow } from "./elements.js";
import { byName, capital, percent, say } from "./language.js";
import { groupName, packsInWords, sureInWords } from "./words.js";

const SHARES = ["usable", "wrong", "silent"];
const FEWEST = 30; // answers that make a share

export function listKnowledge() {
  showEvidence();
  new Disclosure($("knowledge"), async (signal) => {
    const packs = health(signal).then(({ packs: found }) => packsInWords(found), () => "");
    const found = await groups(signal);
    $("packs").textContent = await packs; // empty if that is not known just now
    return { status: "", content: found.groups.map(groupPart) };
  });
}

function showEvidence() {
  const { photos, words, kinds } = EVIDENCE;
  const measured = (word) => (words[word]?.answers >= FEWEST ? percent(words[word].right) : "–");
  const promises = SURE.slice(0, -1).map(({ word, right }) => [sureInWords(word), Math.round(100 * right), measured(word)]);
  fill("evidence-words", ["word", "promise", "measured"], promises);
  $("evidence-photos").textContent = say("evidence.kinds", { count: photos });
  const shares = (kind) => SHARES.map((share) => (share in kind ? percent(kind[share]) : "–"));
  fill("evidence-kinds", ["kind", ...SHARES], Object.entries(kinds).map(([name, kind]) => [say(`evidence.${name}`), ...shares(kind)]));
}

/** Fill a table with rows of cells, the first of which names the row. `heads`: keys of words. */
function fill(id, heads, rows) {
  const row = (cells, tag) => {
    const made = make("tr");
    made.append(...cells.map((text, i) => make(i ? tag : "th", capital(`${text}`))));
    return made;
  };
  $(id).replaceChildren(row(heads.map((head) => say(`evidence.${head}`)), "th"), ...rows.map((cells) => row(cells, "td")));
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
