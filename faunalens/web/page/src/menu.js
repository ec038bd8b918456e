// The menu of languages: a <details>, which also closes when one presses Escape or goes elsewhere.

export function closeElsewhere(menu) {
  const close = ({ target }) => {
    if (!menu.contains(target)) menu.open = false;
  };
  for (const event of ["pointerdown", "focusin"]) addEventListener(event, close);
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
