// A small plot of the score over time: a line of means in a band from lowest to
// highest, and the winners as points. Draws what it is given, nothing else.

const SVG = "http://www.w3.org/2000/svg";
const EDGE = 4;

function part(svg, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  svg.append(element);
}

/**
 * Draws `items`, each `{stream_time, low, mean, high}`, oldest first, and
 * `winners`, each `{stream_time, score}`.
 */
export function draw(svg, items, winners) {
  const [width, height] = [svg.clientWidth || 240, svg.clientHeight || 56];
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  if (!items.length) return;
  const times = [...items, ...winners].map((item) => item.stream_time);
  const values = [...items.flatMap(({ low, high }) => [low, high]), ...winners.map((w) => w.score)];
  const [from, until] = [Math.min(...times), Math.max(...times)];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const x = (time) => EDGE + ((time - from) / (until - from || 1)) * (width - 2 * EDGE);
  const y = (value) => height - EDGE - ((value - least) / (most - least || 1)) * (height - 2 * EDGE);
  const point = (time, value) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`;
  const band = [
    ...items.map((item) => point(item.stream_time, item.high)),
    ...items.map((item) => point(item.stream_time, item.low)).reverse(),
  ];
  part(svg, "polygon", { points: band.join(" "), class: "band" });
  part(svg, "polyline", {
    points: items.map((item) => point(item.stream_time, item.mean)).join(" "),
    class: "line",
  });
  for (const winner of winners) {
    part(svg, "circle", { cx: x(winner.stream_time).toFixed(1), cy: y(winner.score).toFixed(1), r: 2.5 });
  }
}
