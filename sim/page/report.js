"use strict";

const sliders = [...document.querySelectorAll("input[type=range]")];
const slots = [...document.querySelectorAll("[data-slot]")];
const REST = 100; // milliseconds after which a slider that nobody moves is at rest
let rest; // what will happen then

/* Everything that the page can show, a list for each slot: base64, deflated, JSON. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/* The position's number: the last slider counts fastest. */
function position() {
  return sliders.reduce((number, slider) => number * (Number(slider.max) + 1) + Number(slider.value), 0);
}

function outOfSight(slot) {
  const { top, bottom } = slot.getBoundingClientRect();
  return bottom < 0 || top > window.innerHeight;
}

/* Words, numbers and the pictures in sight, at once; the other pictures when the slider has come to rest: to
   draw them all at every step keeps whoever moves it waiting. */
function show(contents) {
  for (const slider of sliders) {
    const value = slider.list.options[slider.value].label;
    slider.setAttribute("aria-valuetext", value);
    slider.parentElement.querySelector("output").value = value;
  }
  const number = position();
  const fill = (slot) => { slot.innerHTML = contents[slot.dataset.slot][number]; };
  const later = slots.filter((slot) => slot.matches(".picture") && outOfSight(slot));
  for (const slot of slots) if (!later.includes(slot)) fill(slot);
  clearTimeout(rest);
  rest = setTimeout(() => later.forEach(fill), REST);
}

async function begin() {
  const contents = await unpack(document.getElementById("positions").textContent);
  for (const slider of sliders) slider.addEventListener("input", () => show(contents));
  show(contents);
  document.querySelector(".still").hidden = true;
  document.querySelector(".sliders").hidden = false;
}

begin();
