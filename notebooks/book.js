// A film of the static book: each control has recorded pictures; moving one sets the others back to their start.
for (const figure of document.querySelectorAll("figure.film")) {
  const film = JSON.parse(figure.querySelector("script").textContent);
  const image = figure.querySelector("img"), status = figure.querySelector("[role=status]"), place = figure.querySelector(".controls");
  const rows = film.controls.map((control, number) => {
    const row = Object.assign(document.createElement("label"), { textContent: control.label + " " });
    const input = document.createElement(control.kind === "select" ? "select" : "input");
    const output = document.createElement("output");
    if (control.kind === "select") input.append(...control.texts.map((text, i) => new Option(text, i)));
    else Object.assign(input, { type: "range", min: 0, max: control.texts.length - 1 });
    output.setAttribute("aria-live", "off");  // the status line speaks
    const put = i => {
      input.value = i;
      output.textContent = control.kind === "select" ? "" : control.texts[i];
      input.setAttribute("aria-valuetext", control.texts[i]);
      if (control.kind === "select") input.removeAttribute("aria-valuetext");
    };
    const ahead = () => control.files.forEach(file => { new Image().src = film.folder + file; });
    input.addEventListener("focus", ahead, { once: true });
    input.addEventListener("pointerenter", ahead, { once: true });
    input.addEventListener("input", () => {
      const i = Number(input.value);
      rows.forEach((other, j) => other.put(j === number ? i : film.controls[j].start));
      image.src = film.folder + control.files[i];
      image.alt = status.textContent = control.said[i];
    });
    row.append(input, output);
    put(control.start);
    return { row, put };
  });
  place.replaceChildren(...rows.map(({ row }) => row));
  figure.dataset.ready = "yes";
}
