// What "best" means: the list of characteristics and presets, and the sliders of
// which a weighted sum is made. What lives here: the text for the option `best`.

import { ask } from "./ask.js";
import { choice, plain } from "./words.js";

const MIX = "mix";
const KNOWN = {
  characteristics: [
    { name: "brightness", about: "By mean brightness of the picture." },
    { name: "darkness", about: "The opposite of brightness." },
  ],
  presets: [],
};

const $ = (id) => document.getElementById(id);
const select = $("best");
const sliders = new Map();
let known = KNOWN;

/** Fills the list from the service. One that cannot tell offers what every
 *  version knows. */
export async function prepare() {
  select.addEventListener("change", chosen);
  try {
    known = await ask("GET", "/v1/characteristics");
  } catch {
    known = KNOWN;
  }
  const option = (value, text) => new Option(text, value, value === "brightness", value === select.value);
  const group = (label, options) => {
    const element = document.createElement("optgroup");
    element.label = label;
    element.append(...options);
    return element;
  };
  const groups = [
    group("One characteristic", known.characteristics.map(({ name }) => option(name, choice(name)))),
  ];
  if (known.presets.length) {
    groups.push(group("Made for a purpose", known.presets.map(({ name }) => option(name, plain(name)))));
  }
  if (known.characteristics.length > 1) {
    groups.push(group("My own", [option(MIX, "a mix of several")]));
  }
  const before = select.value;
  select.replaceChildren(...groups);
  select.value = before;
  $("sliders").replaceChildren(...known.characteristics.map(slider));
  chosen();
}

function slider({ name, about }) {
  const row = document.createElement("div");
  row.className = "weight";
  const label = document.createElement("label");
  label.htmlFor = `weight-${name}`;
  label.textContent = plain(name);
  label.title = about;
  const input = document.createElement("input");
  Object.assign(input, { id: label.htmlFor, type: "range", min: 0, max: 1, step: 0.05, value: 0 });
  const value = document.createElement("output");
  value.textContent = "0";
  input.addEventListener("input", () => {
    select.value = MIX;
    shown();
  });
  sliders.set(name, { input, value });
  row.append(label, input, value);
  return row;
}

/** A choice from the list moves the sliders; a preset shows what it is made of. */
function chosen() {
  const preset = known.presets.find(({ name }) => name === select.value);
  const weights = preset?.weights ?? (select.value === MIX ? current() : { [select.value]: 1 });
  for (const [name, { input }] of sliders) input.value = weights[name] ?? 0;
  shown();
}

function current() {
  const weights = [...sliders].map(([name, { input }]) => [name, Number(input.value)]);
  return Object.fromEntries(weights.filter(([, weight]) => weight > 0));
}

function shown() {
  for (const { input, value } of sliders.values()) value.textContent = String(Number(input.value));
  const all = [...known.characteristics, ...known.presets];
  const about = all.find(({ name }) => name === select.value)?.about;
  $("best-about").textContent = about ?? "A weighted sum of several characteristics.";
  const single = known.characteristics.some(({ name }) => name === select.value);
  $("weights").hidden = single || sliders.size < 2;
  $("best-text").textContent = bestText() ? `best=${bestText()}` : "Move at least one slider.";
}

/** The option `best`; empty where every slider is at 0. */
export function bestText() {
  if (select.value !== MIX) return select.value;
  const weights = Object.entries(current());
  if (weights.length === 1) return weights[0][0];
  return weights.map(([name, weight]) => `${name}:${weight}`).join(",");
}
