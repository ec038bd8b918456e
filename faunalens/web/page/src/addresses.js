// The addresses of the field guide's pages, which are after the # of the page's own.

/** Return the address of a page: of a `taxon` by its id, of who lives `here`, or of what a search `find`s. */
export function addressOf(kind, value) {
  return `${location.pathname}${location.search}#${kind}=${encodeURIComponent(value)}`;
}

/** Return the kind and the value of the page that the address names, or null if it names none. */
export function wanted() {
  const [[kind, value]] = [...new URLSearchParams(location.hash.slice(1)), []];
  return ["taxon", "here", "find"].includes(kind) && value ? { kind, value } : null;
}
