// Create elements in one call: element("p", {class: "quiet", text: "…"}, ...children). Fetch data from the server.

const SVG = "http://www.w3.org/2000/svg";

export const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const drawing = (tag, attributes) => filled(document.createElementNS(SVG, tag), attributes, []);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "style") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

export const swatch = (color) => element("span", { class: "swatch", style: { "background-color": color } });
export const notice = (text) => element("p", { class: "notice", role: "alert", text });

export async function fetchData(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await fetch(`data/${path}?${query}`, { signal: AbortSignal.timeout(60000) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the server responded with status ${response.status}`);
  return body;
}

export const address = (name) => name || "./";
