// A photo to try the page with. NOTICE says where it comes from. It is loaded only for who asks for it.

import data from "./example.jpg";

/** Return the photo as a file that one might have chosen. */
export function examplePhoto() {
  return new File([Uint8Array.from(atob(data), (each) => each.charCodeAt(0))], "example.jpg", { type: "image/jpeg" });
}
