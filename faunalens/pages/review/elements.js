// Find and make elements.

export const $ = (id) => document.getElementById(id);

/** Make an element with what is in it: texts, numbers and elements. `more`: its properties. */
export function make(tag, within = [], more = {}) {
  const made = Object.assign(document.createElement(tag), more);
  made.append(...[within].flat());
  return made;
}
