// Goes through the photos of a queue with the keyboard alone, and sends what is said about each.
const KINDS = { b: "blank", h: "human", v: "vehicle", u: "unknown" };
const MOST_MATCHES = 9;

const at = (id) => document.getElementById(id);
const fetched = async (path, options) => {
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
};

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("’", "'").replaceAll("-", " ").toLowerCase();

const { ids, ...listed } = await fetched("queue");
const taxa = listed.taxa.map(([latin, name, others]) => (
  { latin, name, others, text: plain(`\n${name}\n${latin}\n${others}\n`).replaceAll("\n", " \n ") }
));
let position = 0;
let photo = null;
let choices = []; // what it perhaps is, and the candidates, by their keys
let last = null; // position of the last review, for undo
let selected = 0;
let matches = [];
let here = new Set(); // taxa that the photo may show, or that live at its station
const [WHOLE, WORDS, BEGINNING, WORD, INSIDE, NOWHERE] = [0, 1, 2, 3, 4, 5];

async function show() {
  close();
  if (position >= ids.length) {
    at("position").textContent = ids.length ? "All photos of this queue are reviewed." : "There is nothing to review.";
    for (const id of ["named", "latin", "said", "path", "candidates", "boxes"]) at(id).textContent = "";
    at("picture").removeAttribute("src");
    photo = null;
    return;
  }
  photo = await fetched(`photo/${ids[position]}`);
  const named = photo.named;
  at("picture").src = `picture/${photo.id}`;
  at("path").textContent = photo.path;
  at("position").textContent = `${position + 1} of ${ids.length}`;
  at("named").textContent = named ? named.name : photo.kind;
  at("latin").textContent = named ? `${named.scientific_name}, ${named.rank}, ${percent(named.score)}` : "";
  at("said").textContent = photo.is_human ? `said by ${photo.by}` : "";
  at("boxes").replaceChildren(...photo.parts.filter((part) => part.box).map(frame));
  choices = [...photo.perhaps, ...photo.candidates].slice(0, MOST_MATCHES);
  here = new Set(photo.here);
  const perhaps = photo.perhaps.length; // they have no calibrated number
  at("candidates").replaceChildren(
    ...choices.map((each, i) => item(`${i < perhaps ? "perhaps " : ""}${each.name} (${each.scientific_name}) ${i < perhaps ? "" : percent(each.score)}`)),
  );
  if (position + 1 < ids.length) new Image().src = `picture/${ids[position + 1]}`;
}

async function say(kind, scientific_name = "", typed = "") {
  if (!photo) return;
  await fetched("review", { method: "POST", body: JSON.stringify({ id: photo.id, kind, scientific_name, typed }) });
  last = position;
  position += 1;
  await show();
}

async function undo() {
  if (last === null) return;
  position = last;
  last = null;
  await fetched("review", { method: "POST", body: JSON.stringify({ id: ids[position], kind: "undo" }) });
  await show();
}

function search() {
  const typed = at("query").value.trim();
  const query = plain(typed);
  const byRank = [];
  for (const each of query ? taxa : []) {
    const where = place(each.text, query);
    if (where === NOWHERE) continue;
    const far = here.has(each.latin) ? 0 : 1;
    (byRank[where === INSIDE ? 2 * INSIDE + far : far * INSIDE + where] ??= []).push(each);
  }
  matches = [];
  for (const some of byRank) {
    if (matches.length >= MOST_MATCHES) break;
    matches.push(...(some ?? []).sort((a, b) => isSpecies(b) - isSpecies(a) || a.name.length - b.name.length));
  }
  matches.length = Math.min(matches.length, MOST_MATCHES);
  if (typed) matches.push({ typed });
  selected = 0;
  mark();
}

// Where one of the names in a text has a query.
function place(text, query) {
  if (!text.includes(query)) return NOWHERE;
  if (text.includes(`\n ${query}`)) return text.includes(`\n ${query} \n`) ? WHOLE : text.includes(` ${query} `) ? WORDS : BEGINNING;
  return text.includes(` ${query} `) ? WORDS : text.includes(` ${query}`) ? WORD : INSIDE;
}

const isSpecies = (each) => each.latin.includes(" "); // a genus often has the name of its only species

function mark() {
  const items = matches.map((each) => item(each.typed ? `keep “${each.typed}” as it is` : label(each)));
  for (const [number, each] of items.entries()) {
    each.role = "option";
    each.setAttribute("aria-selected", number === selected);
  }
  at("matches").replaceChildren(...items);
}

// A taxon, with the name in another language that was found if it is none of the two that are shown.
function label({ name, latin, others }) {
  const query = plain(at("query").value.trim());
  const other = plain(`${name}\n${latin}`).includes(query) ? "" : others.split("\n").find((each) => plain(each).includes(query));
  return `${name} (${latin})${other ? `, ${other}` : ""}${here.has(latin) ? ", lives here" : ""}`;
}

function open() {
  at("search").hidden = false;
  at("query").value = "";
  search();
  at("query").focus();
}

function close() {
  at("search").hidden = true;
  at("query").blur();
}

async function precision() {
  const table = at("precision");
  table.hidden = !table.hidden;
  if (table.hidden) return;
  const rows = await fetched("precision");
  table.tBodies[0].replaceChildren(
    ...rows.map((each) => {
      const row = document.createElement("tr");
      const cells = [each.taxon, each.reviewed, percent(each.share), `${percent(each.low)} to ${percent(each.high)}`];
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }),
  );
}

// The frame of a part of the photo, which lies over the picture.
function frame({ box, kind, named }) {
  const made = Object.assign(document.createElement("div"), { textContent: named ? named.name : kind });
  for (const [side, share] of [["left", box.x], ["top", box.y], ["width", box.width], ["height", box.height]]) {
    made.style[side] = `${share * 100}%`;
  }
  return made;
}

const percent = (share) => `${Math.round(share * 100)}%`;
const item = (text) => Object.assign(document.createElement("li"), { textContent: text });

async function typed(event) {
  if (event.key === "Escape") close();
  else if (event.key === "Enter" && matches.length) await say("animal", matches[selected].latin, matches[selected].typed);
  else if (event.key === "ArrowDown") selected = (selected + 1) % matches.length || 0;
  else if (event.key === "ArrowUp") selected = (selected + matches.length - 1) % matches.length || 0;
  else return;
  event.preventDefault();
  mark();
}

async function pressed(event) {
  const { key } = event;
  if (key === "Enter") await say("accept");
  else if (key === "c" || key === "/") open();
  else if (key in KINDS) await say(KINDS[key]);
  else if (key >= "1" && key <= "9" && photo && choices[key - 1]) {
    await say("animal", choices[key - 1].scientific_name);
  } else if (key === "ArrowRight") { position = Math.min(position + 1, ids.length); await show(); }
  else if (key === "ArrowLeft") { position = Math.max(position - 1, 0); await show(); }
  else if (key === "z") await undo();
  else if (key === "p") await precision();
  else return;
  event.preventDefault();
}

let busy = false; // a key that is held down must not say two things about one photo
addEventListener("keydown", async (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (busy) { event.preventDefault(); return; }
  busy = true;
  try {
    await (at("search").hidden ? pressed(event) : typed(event));
  } catch (error) {
    at("said").textContent = String(error.message);
  } finally {
    busy = false;
  }
});
at("query").addEventListener("input", search);
at("picture").addEventListener("error", () => {
  at("said").textContent = "The photo is not there any more, or a link to elsewhere. Mount its card; then ← and → show it again.";
});
await show();
