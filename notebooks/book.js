// A film of the static book. The first control is the main one. A check box shows the main one's pictures with its box
// the other way round; any other control has pictures of its own, with all else at the start.
for (const figure of document.querySelectorAll("figure.film")) {
  const { folder, controls } = JSON.parse(figure.querySelector("script").textContent);
  const image = figure.querySelector("img"), status = figure.querySelector("[role=status]");
  const rows = controls.map((control, number) => {
    const row = document.createElement("label"), output = document.createElement("span");
    const input = document.createElement(control.kind === "select" ? "select" : "input");
    if (control.kind === "select") input.append(...control.texts.map((text, i) => new Option(text, i)));
    else if (control.kind === "check") input.type = "checkbox";
    else Object.assign(input, { type: "range", min: 0, max: control.texts.length - 1 });
    output.ariaHidden = "true";  // the slider says it itself
    const put = value => {
      if (control.kind === "check") input.checked = value;
      else input.value = value;
      if (control.kind !== "range") return;
      output.textContent = control.texts[value];
      input.setAttribute("aria-valuetext", control.texts[value]);
    };
    const get = () => control.kind === "check" ? input.checked : Number(input.value);
    const ahead = () => control.files.forEach(file => { new Image().src = folder + file; });
    for (const event of ["focus", "pointerenter"]) input.addEventListener(event, ahead, { once: true });
    input.addEventListener("input", () => {
      const keeps = j => j === number || (number === 0 ? controls[j].kind === "check" : control.kind === "check" && j === 0);
      rows.forEach((other, j) => other.put(keeps(j) ? other.get() : controls[j].start));
      const turned = controls.find((one, j) => one.kind === "check" && rows[j].get() !== one.start);
      const track = turned ?? (control.kind === "check" ? controls[0] : control);
      const i = control.kind === "check" || turned ? rows[0].get() : get();
      image.src = folder + track.files[i];
      image.alt = status.textContent = track.said[i];
    });
    row.append(Object.assign(document.createElement("span"), { textContent: control.label }), input, output);
    put(control.start);
    return { row, put, get };
  });
  figure.querySelector(".controls").replaceChildren(...rows.map(({ row }) => row));
}
