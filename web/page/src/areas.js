// Where an animal lives, in the language of the page. The API gives an expression of codes and names, such as
// "AU - AU-TAS ; lat >= -30"; database/ranges/language.py describes the language.

import { listed, regionName, say } from "./language.js";

const address = document.documentElement.dataset.areas;
const TOKEN = /[();,]|[<>]=|[^\s();,<>=]+/g;
const SIDES = { "lat<=": "south", "lat>=": "north", "lon<=": "west", "lon>=": "east" };
let loading = null; // a promise of the names of areas that are no countries

/** Load the names of states, seas and other areas. Return a promise of them: none if the request fails. */
export function loadAreas() {
  loading ??= fetch(address)
    .then((response) => response.json())
    .catch(() => {
      loading = null; // try again the next time
      return {};
    });
  return loading;
}

/** Return an expression in words. `names`: what `loadAreas` returns. */
export function areasInWords(expression, names) {
  const tokens = expression.match(TOKEN) ?? [];
  let next = 0;
  const take = (token) => tokens[next] === token && (next += 1);

  function chain() {
    const added = [overlap()];
    const taken = [];
    while (["+", "-"].includes(tokens[next])) (tokens[next++] === "+" ? added : taken).push(overlap());
    const whole = listed(added);
    return taken.length ? say("areas.without", { whole, part: listed(taken) }) : whole;
  }

  function overlap() {
    let found = list();
    while (take("&")) found = say("areas.overlap", { first: found, second: list() });
    return found;
  }

  function list() {
    const found = [operand()];
    while (next < tokens.length && !["+", "-", "&", ")", ";"].includes(tokens[next])) found.push(operand());
    return listed([...new Set(found)]);
  }

  function operand() {
    if (!take("(")) return nameOf(tokens[next++] ?? "", names);
    const inner = chain();
    take(")");
    return inner;
  }

  const limits = [];
  const where = chain();
  while (take(";") || take(",")) {
    const [axis, sign, degrees] = tokens.slice(next, (next += 3));
    const compass = axis === "lat" ? ["north", "south"] : ["east", "west"];
    const position = say(compass[degrees < 0 ? 1 : 0], { degrees: Math.abs(degrees) });
    limits.push(say(`areas.${SIDES[axis + sign]}`, { position }));
  }
  return limits.length ? say("areas.limited", { where, limits: listed(limits) }) : where;
}

function nameOf(area, names) {
  return names[area] ?? (/^[A-Z]{2}$/.test(area) ? regionName(area) : area.replaceAll("-", " "));
}
