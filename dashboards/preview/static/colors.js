// Return the colors of curves, and of the page in its light or dark scheme.

// CloudWatch's ten colors, in its order.
const PALETTE = [
  "#1f77b4",
  "#ff7f0e",
  "#2ca02c",
  "#d62728",
  "#9467bd",
  "#8c564b",
  "#e377c2",
  "#7f7f7f",
  "#bcbd22",
  "#17becf",
];

export const curveColor = (curve, index) => curve.color ?? PALETTE[index % PALETTE.length];

export function pageColors() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: of("ink"), quiet: of("quiet"), line: of("line"), card: of("card"), font: of("font") };
}

export function onChangeOfScheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
