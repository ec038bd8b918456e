// Where an animal lives, in the language of the page. The API gives an expression of codes and names, such as
// "AU - AU-TAS ; lat >= -30"; faunalens/data/ranges/language.py describes the language.

import { listed, regionName, say, tableAt } from "./language.js";

const TOKEN = /[();,]|[<>]=|[^\s();,<>=]+/g;
const SIDES = { "lat<=": "south", "lat>=": "north", "lon<=": "west", "lon>=": "east" };

/** Load the names of states, seas and other areas that are no countries. Return a promise of them: none if the request fails. */
export const loadAreas = tableAt(document.documentElement.dataset.areas);

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
