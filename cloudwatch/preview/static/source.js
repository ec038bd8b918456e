// Where the data come from: a server that is asked, or the page itself, if it was written to a file.

const kept = document.getElementById("data");

export const isStill = kept !== null;

export async function fetched(path, parameters = {}) {
  if (isStill) return JSON.parse(kept.textContent);
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await fetch(`data/${path}?${query}`, { signal: AbortSignal.timeout(60000) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the server says ${response.status}`);
  return body;
}

export const address = (name) => (isStill ? `${name || "index"}.html` : name || "./");
