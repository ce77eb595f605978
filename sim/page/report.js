"use strict";

const sliders = [...document.querySelectorAll("input[type=range]")];
const slots = [...document.querySelectorAll("[data-slot]")];

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

function show(contents) {
  for (const slider of sliders) {
    const value = slider.list.options[slider.value].label;
    slider.setAttribute("aria-valuetext", value);
    slider.parentElement.querySelector("output").value = value;
  }
  const number = position();
  for (const slot of slots) slot.innerHTML = contents[slot.dataset.slot][number];
}

async function begin() {
  const contents = await unpack(document.getElementById("positions").textContent);
  for (const slider of sliders) slider.addEventListener("input", () => show(contents));
  show(contents);
  document.querySelector(".still").hidden = true;
  document.querySelector(".sliders").hidden = false;
}

begin();
