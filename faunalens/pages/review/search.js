// The field in which an animal is looked for by its name.
import { $, make } from "./elements.js";
import { matching } from "./names.js";

let here = new Set(); // scientific names of the station
let matches = [];
let selected = 0;
let chosen = () => {};

export const isOpen = () => $("panel").classList.contains("naming");

/** Open the field for an event. `choose` gets what was found, or what was typed. */
export function open(event, choose) {
  chosen = choose;
  here = new Set([...event.here, ...event.photos.flatMap((each) => [...each.perhaps, ...each.candidates].map((one) => one.scientific_name))]);
  $("panel").classList.add("naming");
  $("query").value = "";
  find();
  $("query").focus();
}

export function close() {
  $("panel").classList.remove("naming");
  $("query").blur();
}

function find() {
  matches = matching($("query").value.trim(), here);
  selected = 0;
  mark();
}

function mark() {
  $("matches").replaceChildren(...matches.map((each, number) => (
    make("li", each.label, { id: `match-${number}`, role: "option", ariaSelected: String(number === selected), onclick: () => chosen(each) })
  )));
  $("query").setAttribute("aria-activedescendant", matches.length ? `match-${selected}` : "");
}

function pressed(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") close();
  else if (event.key === "Enter" && matches.length) chosen(matches[selected]);
  else if (by && matches.length) {
    selected = (selected + by + matches.length) % matches.length;
    mark();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

$("query").addEventListener("input", find);
$("query").addEventListener("keydown", pressed);
