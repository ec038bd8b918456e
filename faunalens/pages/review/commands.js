// The commands of the page: which keys give them, which buttons, and the list of all.
import { $, make } from "./elements.js";
import { say, valued } from "./words.js";

// By what they are about: name, keys, and whether a key that is held down repeats it. No key says two things.
const GROUPS = {
  names: [["accept", "Enter"], ["candidate", "1…9"], ["search", "c /"], ["blank", "b"], ["person", "p"], ["vehicle", "v"], ["unknown", "u"]],
  more: [["details", "d"], ["another", "w"], ["undo", "z"]],
  burst: [["left", "ArrowLeft", true], ["right", "ArrowRight", true], ["select-left", "Shift+ArrowLeft", true], ["select-right", "Shift+ArrowRight", true],
    ["toggle", "Space"], ["all", "a"], ["escape", "Escape"], ["split", "s"], ["merge", "m"]],
  events: [["previous", "ArrowUp PageUp"], ["next", "ArrowDown PageDown"], ["results", "r"], ["keys", "?"]],
  picture: [["larger", "+ =", true], ["smaller", "-", true], ["brighter", "]", true], ["darker", "[", true], ["harder", "}", true], ["flatter", "{", true],
    ["reset", "0"], ["boxes", "x"]],
};
const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "Shift+ArrowLeft": "⇧ ←", "Shift+ArrowRight": "⇧ →", Escape: "Esc" };
const COMMANDS = Object.values(GROUPS).flat().map(([name, keys, repeats = false]) => ({ name, keys: keys.split(" "), repeats }));

const signed = (key) => make("kbd", SIGNS[key] ?? key);

// The key of an event, as the table has it. French keyboards have digits above signs; others type no Latin letters.
function keyOf({ key, code, shiftKey }) {
  if (/^Digit[1-9]$/.test(code) && !shiftKey) return code.at(-1);
  if (/^Key[A-Z]$/.test(code) && !/^[\x20-\x7e]$/.test(key)) return code.at(-1).toLowerCase();
  if (key === " ") return "Space";
  return shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key.length === 1 ? key.toLowerCase() : key;
}

// What is meant for whatever is shown by then. All else is dropped while a command runs: it would name what was not seen.
const QUEUED = new Set(["undo", "left", "right", "search", "details", "another", ...[...GROUPS.events, ...GROUPS.picture].map(([name]) => name)]);
let running = 0;
let last = Promise.resolve();

/** Run commands by key and by button, one at a time. `actions`: functions by name; `candidate` takes a number from 0. */
export function listen(actions, failed) {
  const run = (name, ...given) => {
    if (running && !QUEUED.has(name)) return;
    running += 1;
    last = last.then(() => ($("said").textContent = "")).then(() => actions[name](...given)).catch(failed).finally(() => { running -= 1; });
  };
  addEventListener("keydown", (event) => {
    const isLetter = /^[a-z]$/i.test(event.key) && event.target.id === "count"; // a number has none
    const isWritten = event.target.closest("input, select") && !isLetter; // which have their own keys
    const isPressed = event.target.closest("button") && [" ", "Enter"].includes(event.key);
    const isShortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (isWritten || isPressed || isShortcut || document.querySelector("dialog[open]")) return;
    const key = keyOf(event);
    const command = COMMANDS.find((each) => each.keys.includes(key));
    if (!command && !/^[1-9]$/.test(key)) return;
    event.preventDefault();
    if (event.repeat && !command?.repeats) return;
    if (command) run(command.name);
    else run("candidate", key - 1);
  });
  for (const button of document.querySelectorAll("[data-command]")) {
    const { command, sign } = button.dataset;
    const [key] = COMMANDS.find((each) => each.name === command).keys;
    const words = say(`command.${command}`);
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", key);
    button.title = `${words} (${SIGNS[key] ?? key})`;
    if (sign) button.setAttribute("aria-label", words);
    button.replaceChildren(...(sign ? [sign] : [signed(key), ` ${valued("short", command, words)}`]));
  }
  addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && event.detail) button.blur(); // after the mouse, Enter means the photo again
    if (button?.dataset.command) run(button.dataset.command);
  });
  return run;
}

/** Show all keys. */
export function showKeys() {
  $("keys-list").replaceChildren(...Object.entries(GROUPS).map(([group, commands]) => {
    const rows = commands.flatMap(([name, keys]) => [make("dt", keys.split(" ").map(signed)), make("dd", say(`command.${name}`))]);
    return make("section", [make("h3", say(`group.${group}`)), make("dl", rows)]);
  }));
  $("keys").showModal();
}
