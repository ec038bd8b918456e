// Names of animals in the language of the page. The API has English ones.

const address = document.documentElement.dataset.names; // empty if the page is in English
let loading = null; // a promise of the names, by English name in lower case

/** Load the names, unless they are there. Return a promise of them: null in English, and none if the request fails. */
export function loadNames() {
  if (!address) return null;
  loading ??= fetch(address)
    .then((response) => response.json())
    .catch(() => {
      loading = null; // try again the next time
      return {};
    });
  return loading;
}

/** Replace the names in a response of the API. An animal without a name gets its scientific one. */
export function rename(value, names) {
  if (!names || typeof value !== "object" || !value) return value;
  if (value.name && value.scientific_name) value.name = names[value.name.toLowerCase()] ?? value.scientific_name;
  for (const each of Object.values(value)) rename(each, names);
  return value;
}
