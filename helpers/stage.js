// The stage: draws what the kernel sends, and sends back what the reader does. No library, no build step.
//
// The kernel (helpers/stage.py) sends {frame, state, arrays, gone} with one buffer for each array; what a message does
// not name stays as it was. After painting, the page answers {kind: "painted", frame}, and three messages at most are
// under way. Frames sent ahead, {frame, generation, film}, are kept, and shown as soon as the scrubber asks for them; the
// kernel's own answer follows. The reader's input goes back as {kind: "control", name, value} and {kind: "stroke", strokes}.

const COLOUR = { real: "#0072B2", generated: "#D55E00", noise: "#009E73", D: "#444444", gradient: "#CC79A7",
                 muted: "#8c8c8c", ink: "#222222", words: "#555555" };
const RGB = { real: [0, 114, 178], generated: [213, 94, 0], grade: [60, 60, 60] };
const TYPES = { float32: Float32Array, uint16: Uint16Array };
const FILMED = ["real", "generated", "field", "grid", "arrows"], FILM = 40e6; // arrays and bytes, as in stage.py
const FONT = "system-ui, sans-serif";
const STYLE = `
.gn-stage { background: #fff; color: ${COLOUR.ink}; color-scheme: light; padding: 8px; font: 13px/1.4 ${FONT};
  border: 1px solid #ddd; border-radius: 4px; max-width: 960px; box-sizing: border-box; }
.gn-stage.draws { max-width: 482px; }
.gn-stage .panels, .gn-stage .row { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
.gn-stage .panels { align-items: flex-start; }
.gn-stage .row { margin: 5px 0; }
.gn-stage .side { display: flex; flex-direction: column; gap: 4px; }
.gn-stage canvas { background: #fff; max-width: 100%; display: block; }
.gn-stage.draws canvas { touch-action: none; cursor: crosshair; }
.gn-stage button, .gn-stage select, .gn-stage input[type=number] { font: inherit; color: ${COLOUR.ink};
  background: #f4f4f4; border: 1px solid #888; border-radius: 4px; padding: 3px 8px; height: 28px; box-sizing: border-box; }
.gn-stage button:hover:enabled { background: #e2e2e2; }
.gn-stage button.main, .gn-stage button.main:hover:enabled { background: ${COLOUR.ink}; color: #fff; min-width: 5em; }
.gn-stage :disabled { opacity: .45; }
.gn-stage input[type=number] { width: 6em; }
.gn-stage input[type=range] { width: 11em; vertical-align: middle; }
.gn-stage .wide { flex: 1 1 60%; display: flex; gap: 8px; align-items: center; }
.gn-stage .wide input { flex: 1; }
.gn-stage :focus-visible { outline: 3px solid ${COLOUR.real}; outline-offset: 2px; }
.gn-stage table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: auto; margin: 0 0 0 40px; }
.gn-stage th, .gn-stage td { text-align: right; padding: 0 0 0 18px; font-weight: normal; }
.gn-stage tbody th { text-align: left; padding-left: 0; }
.gn-stage thead th { color: ${COLOUR.words}; }
.gn-stage [role=status] { min-height: 2.8em; margin: 6px 0 2px; }
.gn-stage [role=status].alarm { font-weight: bold; }`;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function makePanel(width, height) {
  const sharp = Math.max(1, window.devicePixelRatio || 1);
  const canvas = make("canvas", { width: width * sharp, height: height * sharp }), pen = canvas.getContext("2d");
  canvas.style.width = `${width}px`;
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.setAttribute("role", "img");
  pen.scale(sharp, sharp);
  return { canvas, pen, width, height };
}

// Round numbers for an axis: about `count` of them between low and high.
function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough)), found = [];
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough);
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}

function polyline(pen, points) { // pairs of numbers; interrupted where one is not finite
  let down = false;
  for (const [x, y] of points) {
    const there = Number.isFinite(x + y);
    if (there) down ? pen.lineTo(x, y) : pen.moveTo(x, y);
    down = there;
  }
}

// The pixels of one marker: [dx, dy, opacity, red, green, blue] each, around its middle.
const MARKS = {};
function mark(kind, radius) {
  return MARKS[kind + radius] ??= (() => {
    const half = Math.ceil(2 * radius + 1), size = 2 * half + 1, pen = make("canvas", { width: size, height: size }).getContext("2d");
    pen.translate(half + .5, half + .5);
    Object.assign(pen, { fillStyle: COLOUR[kind], strokeStyle: "#fff", lineWidth: .35 * radius, globalAlpha: .8 });
    pen.beginPath();
    if (kind === "real") pen.arc(0, 0, radius, 0, 7);
    else if (kind === "noise") pen.rect(-radius * .8, -radius * .8, radius * 1.6, radius * 1.6);
    else for (const turn of [0, 1, 2]) pen.lineTo(1.5 * radius * Math.sin(turn * 2.0944), -1.5 * radius * Math.cos(turn * 2.0944));
    pen.closePath();
    if (radius > 1.5) pen.stroke(); // a white edge: real points are seen on the field's blue
    pen.fill();
    const { data } = pen.getImageData(0, 0, size, size), pixels = [];
    for (let i = 0; i < size * size; i++) {
      if (data[4 * i + 3]) pixels.push(i % size - half, Math.floor(i / size) - half, data[4 * i + 3] / 255, ...data.slice(4 * i, 4 * i + 3));
    }
    return Float32Array.from(pixels);
  })();
}

const LAYERS = {}; // canvases to draw points on, kept for the next picture
// Clouds of points, [points, kind, x, y, radius] each, clipped to a box: pixel by pixel, since the canvas needs ten times
// as long for thousands of shapes.
function drawPoints(pen, box, clouds) {
  const sharp = pen.getTransform().a, width = Math.ceil(box.width * sharp), height = Math.ceil(box.height * sharp);
  const { layer, image } = LAYERS[`${width} ${height}`] ??= { layer: make("canvas", { width, height }), image: new ImageData(width, height) };
  const { data } = image;
  data.fill(0);
  for (const [points, kind, x, y, radius] of clouds) {
    const pixels = mark(kind, radius * sharp);
    for (let i = 0; i < points.length; i += 2) {
      const middle = Math.round((x(points[i]) - box.x) * sharp), row = Math.round((y(points[i + 1]) - box.y) * sharp);
      for (let k = 0; k < pixels.length; k += 6) {
        const px = middle + pixels[k], py = row + pixels[k + 1];
        if (!(px >= 0 && px < width && py >= 0 && py < height)) continue; // outside, or not a number
        const at = 4 * (py * width + px), above = pixels[k + 2], below = (1 - above) * data[at + 3] / 255, both = above + below;
        for (let c = 0; c < 3; c++) data[at + c] = (above * pixels[k + 3 + c] + below * data[at + c]) / both;
        data[at + 3] = 255 * both;
      }
    }
  }
  layer.getContext("2d").putImageData(image, 0, 0);
  pen.drawImage(layer, box.x, box.y, width / sharp, height / sharp);
}

// The lines on which the field has this value, each a list of [column, row] (marching squares, joined to long lines).
function contour(field, rows, columns, level) {
  const places = new Map(), links = new Map(), lines = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const at = row * columns + column, corners = [at, at + 1, at + columns + 1, at + columns], crossed = [];
      for (let k = 0; k < 4; k++) {
        const a = Math.min(corners[k], corners[(k + 1) % 4]), b = Math.max(corners[k], corners[(k + 1) % 4]);
        if ((field[a] < level) === (field[b] < level)) continue;
        const share = (level - field[a]) / (field[b] - field[a]), along = b - a === 1, edge = 2 * a + along;
        places.set(edge, [a % columns + (along ? share : 0), Math.floor(a / columns) + (along ? 0 : share)]);
        if (!links.has(edge)) links.set(edge, []);
        crossed.push(edge);
      }
      for (let k = 0; k + 1 < crossed.length; k += 2) {
        links.get(crossed[k]).push(crossed[k + 1]);
        links.get(crossed[k + 1]).push(crossed[k]);
      }
    }
  }
  for (const start of [...links.keys()].sort((a, b) => links.get(a).length - links.get(b).length)) { // loose ends first
    const line = [places.get(start)];
    for (let at = start; links.get(at).length; line.push(places.get(at))) {
      const next = links.get(at).pop(), back = links.get(next);
      back.splice(back.indexOf(at), 1);
      at = next;
    }
    if (line.length > 1) lines.push(line);
  }
  return lines;
}

// ---- the picture: field, grid, points, arrows, crosses, the brush ----------------------------------------------------

function scalesOf({ limits: [[left, right], [bottom, top]] }, { width, height }) {
  const unit = Math.min((width - 44) / (right - left), (height - 32) / (top - bottom)); // the same in both directions
  const box = { width: unit * (right - left), height: unit * (top - bottom), y: 8 };
  box.x = 34 + (width - 44 - box.width) / 2;
  return { box, unit, x: value => box.x + unit * (value - left), y: value => box.y + unit * (top - value),
           back: (px, py) => [left + (px - box.x) / unit, top - (py - box.y) / unit] };
}

function drawField(pen, { data, shape: [rows, columns] }, state, { box }) {
  const critic = !state.field_is_probability, image = new ImageData(columns, rows);
  for (let i = 0; i < data.length; i++) { // the kernel's rows begin below, the picture's above
    const value = data[i] / 65535, at = 4 * ((rows - 1 - Math.floor(i / columns)) * columns + i % columns);
    const colour = critic ? RGB.grade : value < .5 ? RGB.generated : RGB.real; // a critic: grey, light where it grades high
    const strength = .6 * (critic ? 1 - value : Math.abs(2 * value - 1));
    for (let k = 0; k < 3; k++) image.data[at + k] = 255 + strength * (colour[k] - 255);
    image.data[at + 3] = 255;
  }
  const small = make("canvas", { width: columns, height: rows });
  small.getContext("2d").putImageData(image, 0, 0);
  const dx = box.width / (columns - 1), dy = box.height / (rows - 1); // its first and last places lie on the edges
  pen.drawImage(small, box.x - dx / 2, box.y - dy / 2, box.width + dx, box.height + dy);
  const [low, high] = state.field_range;
  Object.assign(pen, { strokeStyle: COLOUR.D, fillStyle: COLOUR.ink, lineWidth: critic ? 1 : 1.6, font: `11px ${FONT}` });
  pen.setLineDash(critic ? [] : [6, 4]);
  for (const level of critic ? ticks(low, high) : [.5]) {
    const lines = contour(data, rows, columns, 65535 * (level - low) / (high - low || 1))
      .map(line => line.map(([column, row]) => [box.x + column * dx, box.y + box.height - row * dy]));
    pen.beginPath();
    for (const line of lines) polyline(pen, line);
    pen.stroke();
    const longest = lines.reduce((best, line) => line.length > best.length ? line : best, []);
    if (critic && longest.length) pen.fillText(String(level), ...longest[Math.floor(longest.length / 2)]);
  }
  pen.setLineDash([]);
}

function drawGrid(pen, { data, shape: [kinds, lines, points] }, { x, y }) {
  pen.strokeStyle = COLOUR.noise;
  for (let kind = 0; kind < kinds; kind++) { // the lines on which the first coordinate is fixed are darker
    Object.assign(pen, { globalAlpha: kind ? .5 : .95, lineWidth: kind ? .8 : 1.2 });
    pen.beginPath();
    for (let line = 0; line < lines; line++) {
      const at = 2 * points * (kind * lines + line);
      polyline(pen, Array.from({ length: points }, (_, i) => [x(data[at + 2 * i]), y(data[at + 2 * i + 1])]));
    }
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

function arrowTo(pen, x0, y0, x1, y1) { // adds to the path; the head is never longer than the arrow
  const angle = Math.atan2(y1 - y0, x1 - x0), tip = Math.min(4.5, Math.hypot(x1 - x0, y1 - y0));
  polyline(pen, [[x0, y0], [x1, y1]]);
  polyline(pen, [-.5, .5].flatMap(side => [[x1 - tip * Math.cos(angle + side), y1 - tip * Math.sin(angle + side)], [x1, y1], [NaN, 0]]));
}

function drawPicture(panel, state, arrays, brush) {
  const { pen, width, height } = panel, scales = scalesOf(state, panel), { box, unit, x, y } = scales;
  pen.clearRect(0, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  if (arrays.field) drawField(pen, arrays.field, state, scales);
  if (arrays.grid) drawGrid(pen, arrays.grid, scales);
  drawPoints(pen, box, ["real", "generated"].filter(kind => arrays[kind]).map(kind => [arrays[kind].data, kind, x, y, state.mark ?? 2.2]));
  Object.assign(pen, { strokeStyle: COLOUR.ink, lineWidth: 1 });
  pen.beginPath();
  const arrows = arrays.arrows?.data ?? [], crosses = arrays.crosses?.data ?? [];
  for (let i = 0; i < arrows.length; i += 4) {
    const dx = unit * state.arrow_scale * arrows[i + 2], dy = -unit * state.arrow_scale * arrows[i + 3];
    const cut = Math.min(1, box.width / 6 / (Math.hypot(dx, dy) || 1)), px = x(arrows[i]), py = y(arrows[i + 1]);
    if (Number.isFinite(px + py + dx + dy)) arrowTo(pen, px, py, px + cut * dx, py + cut * dy);
  }
  for (let i = 0; i < crosses.length; i += 2) { // points that the discriminator judges wrongly
    const px = x(crosses[i]), py = y(crosses[i + 1]);
    polyline(pen, [[px - 4, py - 4], [px + 4, py + 4], [NaN, 0], [px - 4, py + 4], [px + 4, py - 4]]);
  }
  if (brush.shown) {
    const [px, py] = [x(brush.at[0]), y(brush.at[1])], radius = Math.max(3, unit * state.brush);
    pen.moveTo(px + radius, py);
    pen.arc(px, py, radius, 0, 7);
    polyline(pen, [[px - 12, py], [px + 12, py], [NaN, 0], [px, py - 12], [px, py + 12]]);
  }
  pen.stroke();
  pen.restore();
  Object.assign(pen, { strokeStyle: COLOUR.muted, fillStyle: COLOUR.words, lineWidth: 1, font: `11px ${FONT}`, textAlign: "center" });
  pen.strokeRect(box.x, box.y, box.width, box.height);
  for (const value of ticks(...state.limits[0])) pen.fillText(value, x(value), box.y + box.height + 15);
  pen.textAlign = "right";
  for (const value of ticks(...state.limits[1])) pen.fillText(value, box.x - 5, y(value) + 4);
}

// ---- the diagram: the six steps of the procedure ----------------------------------------------------------------------

const BOXES = { noise: [42, 58, "noise z"], G: [140, 58, "generator"], generated: [238, 58, "generated"], real: [238, 158, "real"],
                D: [338, 108, "discriminator"], lossD: [434, 158, "loss of D"], lossG: [434, 58, "loss of G"] };
// data flow forward ("-"); gradients run back beside them (">")
const FLOWS = { "noise-G": [74, 58, 106, 58], "G-generated": [172, 58, 204, 58], "generated-D": [270, 66, 306, 88],
                "real-D": [270, 152, 306, 130], "D-lossD": [370, 126, 402, 142], "D-lossG": [370, 90, 402, 74],
                "lossD>D": [402, 160, 368, 143], "lossG>D": [402, 56, 368, 73], "D>generated": [310, 73, 272, 50],
                "generated>G": [206, 70, 174, 70] };

function drawDiagram({ pen, width, height }, state, arrays, phase) {
  const lit = state.lit && new Set(state.lit), frozen = state.frozen ?? [];
  pen.clearRect(0, 0, width, height);
  for (const [name, [x0, y0, x1, y1]] of Object.entries(FLOWS)) {
    const back = name.includes(">"), on = lit ? lit.has(name) : !back, colour = back ? COLOUR.gradient : COLOUR.ink;
    if (back && !on) continue;
    Object.assign(pen, { globalAlpha: on ? 1 : .2, strokeStyle: colour, fillStyle: colour, lineWidth: on && lit ? 3 : 1.5, lineDashOffset: -phase });
    pen.setLineDash(back ? [5, 4] : []);
    pen.beginPath();
    polyline(pen, [[x0, y0], [x1, y1]]);
    pen.stroke();
    const length = Math.hypot(x1 - x0, y1 - y0), ux = 6 * (x1 - x0) / length, uy = 6 * (y1 - y0) / length;
    pen.beginPath();
    polyline(pen, [[x1 + ux / 2, y1 + uy / 2], [x1 - ux - uy, y1 - uy + ux], [x1 - ux + uy, y1 - uy - ux]]);
    if (on && lit && !back && phase) { // a bead runs along with the data
      const share = phase % 30 / 30;
      pen.moveTo(x0, y0);
      pen.arc(x0 + share * (x1 - x0), y0 + share * (y1 - y0), 4, 0, 7);
    }
    pen.fill();
  }
  for (const [name, [x, y, text]] of Object.entries(BOXES)) {
    const on = !lit || lit.has(name), cold = frozen.includes(name), cloud = arrays[`small_${name}`];
    Object.assign(pen, { globalAlpha: on ? 1 : .3, fillStyle: cold ? "#e4edf5" : "#fff", lineWidth: on && lit ? 3 : 1.5, textAlign: "center",
                         strokeStyle: COLOUR[name] ?? (name === "lossG" ? COLOUR.gradient : COLOUR.ink), font: `12px ${FONT}` });
    pen.setLineDash(cold ? [2, 3] : []);
    pen.beginPath();
    pen.roundRect(x - 32, y - 26, 64, 52, 6);
    pen.fill();
    pen.stroke();
    pen.fillStyle = COLOUR.ink;
    if (cloud) { // a small picture of the points
      const [[left, right], [bottom, top]] = name === "noise" ? state.noise_limits : state.limits;
      drawPoints(pen, { x: x - 30, y: y - 24, width: 60, height: 48 },
                 [[cloud.data, name, value => x - 30 + 60 * (value - left) / (right - left), value => y + 24 - 48 * (value - bottom) / (top - bottom), 1.1]]);
    } else if (name.startsWith("loss")) pen.fillText(state.numbers?.[name] || "–", x, y + 4);
    if (cold) pen.fillText("frozen", x, y + 19);
    pen.fillText(text, x, name === "D" ? y + 41 : y - 32); // above D, gradients pass
    pen.font = `bold 18px ${FONT}`;
    if (name.length === 1) pen.fillText(name, x, y + (cold ? 2 : 6));
  }
  pen.setLineDash([]);
  Object.assign(pen, { globalAlpha: 1, font: `11px ${FONT}`, textAlign: "left", fillStyle: COLOUR.words });
  pen.fillText("solid: data, forward     dashed: gradient, back", 10, height - 8);
}

// ---- the loss curves --------------------------------------------------------------------------------------------------

// The curves are drawn once, apart; the cursor moves over them. `cursor`: a step.
function drawCurves(panel, state, { curves }, cursor) {
  const { pen, width, height } = panel, back = panel.back ??= makePanel(width, height);
  if (back.curves !== curves) drawLosses(back, state, { curves });
  back.curves = curves;
  pen.clearRect(0, 0, width, height);
  pen.drawImage(back.canvas, 0, 0, width, height);
  if (!curves.shape[1]) return;
  const x = 44 + (width - 54) * cursor / state.tops.step;
  Object.assign(pen, { strokeStyle: COLOUR.ink, lineWidth: 1 });
  pen.beginPath();
  polyline(pen, [[x, 22], [x, height - 24]]);
  pen.stroke();
}

function drawLosses({ pen, width, height }, state, arrays) {
  const { data, shape: [, count] } = arrays.curves, box = { x: 44, y: 22, width: width - 54, height: height - 46 };
  pen.clearRect(0, 0, width, height);
  Object.assign(pen, { font: `11px ${FONT}`, fillStyle: COLOUR.words, lineWidth: 1, textAlign: "left" });
  if (!count) return pen.fillText("The losses will be drawn here, step by step.", box.x, box.y + 20);
  const sorted = data.slice(count).filter(Number.isFinite).sort(), of = share => sorted[Math.round(share * (sorted.length - 1))];
  const room = .1 * (of(.995) - of(.005)) || .5, low = of(.005) - room, high = of(.995) + room, last = state.tops.step;
  const x = step => box.x + box.width * step / last, y = value => box.y + box.height * (high - value) / (high - low);
  pen.strokeStyle = "#ddd";
  pen.beginPath();
  pen.textAlign = "right";
  for (const value of ticks(low, high, 4)) {
    polyline(pen, [[box.x, y(value)], [box.x + box.width, y(value)]]);
    pen.fillText(value, box.x - 5, y(value) + 4);
  }
  pen.stroke();
  pen.textAlign = "center";
  for (const value of ticks(0, last, 4)) if (Number.isInteger(value)) pen.fillText(value.toLocaleString("en"), x(value), height - 10);
  pen.textAlign = "left";
  pen.save();
  pen.rect(box.x - 1, box.y, box.width + 2, box.height);
  pen.clip();
  [[COLOUR.D, []], [COLOUR.generated, [6, 3]]].forEach(([colour, dash], k) => {
    const curve = Array.from({ length: count }, (_, i) => [x(data[i]), y(data[(k + 1) * count + i])]);
    Object.assign(pen, { strokeStyle: colour, lineWidth: 1.5 });
    pen.setLineDash(dash);
    pen.beginPath();
    polyline(pen, curve.filter(([, value]) => Number.isFinite(value))); // steps that trained the other network leave no gap
    pen.stroke();
  });
  pen.restore();
  pen.fillStyle = COLOUR.D;
  pen.fillText("loss of D (solid)", box.x, 13);
  pen.fillStyle = "#b04a00";
  pen.fillText("loss of G (dashed)", box.x + 110, 13);
}

// ---- controls and input -----------------------------------------------------------------------------------------------

function makeControl({ name, kind, label, options, low, high, step, main, wide }, send) {
  if (kind === "button") {
    const element = make("button", { type: "button", textContent: label, className: main ? "main" : "", onclick: () => send(name, null) });
    return { element, row: element };
  }
  if (kind === "choice") {
    const element = make("select", { ariaLabel: label, onchange: () => send(name, element.value) }, ...options.map(text => make("option", { textContent: text })));
    return { element, row: make("label", {}, `${label} `, element), write: value => { element.value = value; } };
  }
  if (kind === "check") {
    const element = make("input", { type: "checkbox", ariaLabel: label, onchange: () => send(name, element.checked) });
    return { element, row: make("label", {}, element, ` ${label}`), write: value => { element.checked = value; } };
  }
  const element = make("input", { type: kind, min: low, max: high, step, ariaLabel: label }), said = make("output"), slides = kind === "range";
  const tell = () => {
    said.textContent = slides ? Number(element.value).toLocaleString("en") : "";
    if (slides) element.setAttribute("aria-valuetext", `${said.textContent} of ${Number(element.max).toLocaleString("en")}`);
  };
  element.addEventListener(slides ? "input" : "change", () => { tell(); send(name, Number(element.value)); });
  const write = (value, top) => { Object.assign(element, top === undefined ? { value } : { max: top, value }); tell(); };
  return { element, row: make("label", { className: wide ? "wide" : "" }, `${label} `, element, said), write };
}

// Pointer and keyboard on a picture that can be drawn on; `stroke(points, first)` receives places in the data's units.
function listen(panel, state, brush, stroke, repaint) {
  const { canvas } = panel;
  const place = event => {
    const { left, top, width } = canvas.getBoundingClientRect(), zoom = panel.width / width;
    return scalesOf(state, panel).back((event.clientX - left) * zoom, (event.clientY - top) * zoom);
  };
  canvas.tabIndex = 0;
  canvas.onpointerdown = event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    brush.down = true;
    stroke([place(event)], true);
  };
  canvas.onpointermove = event => {
    Object.assign(brush, { at: place(event), shown: true });
    if (brush.down) stroke((event.getCoalescedEvents?.() ?? []).concat(event).map(place), false);
    repaint();
  };
  canvas.onpointerup = canvas.onpointercancel = () => { brush.down = false; };
  canvas.onpointerleave = canvas.onblur = () => { brush.shown = false; repaint(); };
  canvas.onkeydown = event => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault(); // the page must not scroll
    const before = brush.at, inside = (value, [low, high], by) => Math.min(high, Math.max(low, value + by * (high - low) / 60));
    if (way) brush.at = state.limits.map((limits, k) => inside(before[k], limits, way[k]));
    if (!way || event.shiftKey) stroke([before], true);
    if (way && event.shiftKey) stroke([brush.at], false);
    brush.shown = true;
    repaint();
  };
}

// ---- the widget: messages and frames ------------------------------------------------------------------------------------

function render({ model, el }) {
  const spec = model.get("spec"), state = {}, arrays = {}, brush = { at: [0, 0], down: false, shown: false };
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)"), waiting = {}, panels = {}, controls = {};
  let asked = [], strokes = [], planned = false, stale = false, unpainted = 0, painted = 0, heard = 0, silence = 0, told = 0, phase = 0;
  const film = new Map(); // step -> { step, arrays, state, size }, the oldest first
  let held = 0, drawn = null; // bytes of the film; the frame of it that is to be seen, if it is one

  const status = make("div"), table = make("table"), side = make("div", { className: "side" }), pictures = make("div", { className: "panels" });
  const root = make("div", { className: spec.draws ? "gn-stage draws" : "gn-stage" }, make("style", { textContent: STYLE }), pictures, status);
  status.setAttribute("role", "status");
  for (const [name, [width, height]] of Object.entries(spec.panels)) {
    panels[name] = makePanel(width, height);
    (name === "picture" ? pictures : side).append(panels[name].canvas);
  }
  side.append(table);
  pictures.append(side);
  for (const items of spec.rows) root.append(make("div", { className: "row" }, ...items.map(item => (controls[item.name] = makeControl(item, change)).row)));
  if (spec.draws) listen(panels.picture, state, brush, (points, first) => { strokes.push({ points, first }); plan(); }, () => { stale = true; plan(); });

  // else JupyterLab, in its command mode, takes the arrow keys for its own
  for (const { element } of [...Object.values(controls), { element: panels.picture.canvas }]) element.dataset.lmSuppressShortcuts = "true";

  function post(message) {
    model.send({ ...message, painted: heard = painted });
    clearTimeout(silence); // an answer may get lost while a connection comes back: then ask for everything anew
    silence = setTimeout(() => { asked = []; model.send({ kind: "hello" }); }, 4000);
  }

  function change(name, value) { // every press of a button; of other controls the latest value
    const order = performance.timeOrigin + performance.now();
    if (value === null) post({ kind: "control", name, value, order });
    else waiting[name] = { kind: "control", name, value, order };
    if (name === spec.film) { stale = true; plan(); }
    ask();
  }

  function ask() { // three questions at most are under way, one where the film helps: the kernel need not answer what is old
    for (const message of Object.values(waiting)) {
      if (message.sent || asked.length > (message.name === spec.film && film.has(message.value) ? 0 : 2)) continue;
      post(message);
      message.sent = asked.push(message.order);
    }
  }

  function keep(step, frame) {
    frame.step = step;
    frame.size = FILMED.reduce((sum, name) => sum + (frame.arrays[name]?.data.byteLength ?? 0), 0);
    held += frame.size - (film.get(step)?.size ?? 0);
    film.delete(step); // so that it becomes the newest
    film.set(step, frame);
    for (const [old, { size }] of film) {
      if (held <= FILM) break;
      film.delete(old);
      held -= size;
    }
  }

  function nearest() { // the frame of the film to show until the kernel answers, or null if what it said last is nearer
    const wanted = waiting[spec.film]?.value;
    let best = null, gap = Math.abs(state.cursor - wanted);
    if (wanted !== undefined) for (const [step, frame] of film) {
      if (Math.abs(step - wanted) < gap) { best = frame; gap = Math.abs(step - wanted); }
    }
    return best;
  }

  function plan() {
    if (!planned) requestAnimationFrame(paint);
    planned = true;
  }

  function paint() {
    planned = false;
    if (strokes.length) post({ kind: "stroke", strokes: strokes.splice(0) });
    if (!state.limits) return;
    if (stale) draw();
    if (unpainted) painted = unpainted;
    unpainted = 0;
    setTimeout(() => { // with the next question, if one comes soon: every message costs JupyterLab some work
      if (heard < painted) model.send({ kind: "painted", frame: heard = painted });
    }, 15);
  }

  function draw() {
    const frame = nearest(), step = frame ? frame.step : state.cursor;
    stale = false;
    if (!frame || frame !== drawn) drawPicture(panels.picture, { ...state, ...frame?.state }, frame?.arrays ?? arrays, brush);
    if (panels.diagram && !frame) drawDiagram(panels.diagram, state, arrays, calm.matches ? 0 : phase);
    if (panels.curves) drawCurves(panels.curves, state, arrays, step);
    drawn = frame;
    root.dataset.frame = frame || state.recorded ? `${state.generation} ${step}` : unpainted || painted; // names what is to be seen
  }

  function read(target, heads, buffers) { // takes the first buffers, one for each head
    for (const { name, type, shape } of heads) {
      const { buffer, byteOffset, byteLength } = buffers.shift();
      target[name] = { data: new TYPES[type](buffer.slice(byteOffset, byteOffset + byteLength)), shape };
    }
    return target;
  }

  function receivedFilm({ frame, generation, film: frames }, buffers) {
    let last = {};
    for (const { step, state: scale, arrays: heads } of generation === state.generation ? frames : []) {
      keep(step, { arrays: last = read({ ...last }, heads, buffers), state: scale });
    }
    if (waiting[spec.film]) stale = true; // a nearer one may have come
    unpainted = frame;
    plan();
    ask();
  }

  function received(message, buffers) {
    if (message.film) return receivedFilm(message, [...buffers]);
    clearTimeout(silence);
    Object.assign(state, message.state);
    asked = asked.filter(order => order > state.order);
    for (const name of message.gone) delete arrays[name];
    read(arrays, message.arrays, [...buffers]);
    if ("generation" in message.state) { // other networks, data or layers: what was kept is wrong now
      film.clear();
      held = 0;
    }
    if (state.recorded) {
      const { field_range, field_is_probability } = state;
      const shown = FILMED.filter(name => arrays[name]).map(name => [name, arrays[name]]);
      keep(state.cursor, { arrays: Object.fromEntries(shown), state: { field_range, field_is_probability } });
    }
    for (const [name, { element, write }] of Object.entries(controls)) {
      const off = state.off?.includes(name) ?? false, text = state.texts?.[name];
      if (element.disabled !== off) element.disabled = off;
      if (text && element.textContent !== text) element.textContent = text;
      if (!(name in state.values) || waiting[name]?.order > state.order) continue; // the reader has moved on since
      delete waiting[name];
      write(state.values[name], state.tops?.[name]);
    }
    if (message.state.table) {
      const cell = (text, scope) => scope && text ? make("th", { textContent: text, scope }) : make("td", { textContent: text });
      const row = (texts, head) => make("tr", {}, ...texts.map((text, i) => cell(text, head ? "col" : i ? "" : "row")));
      table.replaceChildren(make("thead", {}, row(state.table[0], true)), make("tbody", {}, ...state.table.slice(1).map(texts => row(texts, false))));
    }
    if (!state.playing || performance.now() - told > 1000) { // while it plays, once a second is enough for who listens
      told = performance.now();
      if (status.textContent !== state.sentence) status.textContent = state.sentence;
      status.classList.toggle("alarm", state.alarm);
      for (const [name, { canvas }] of Object.entries(panels)) canvas.setAttribute("aria-label", `${state.names[name]}. ${state.sentence}`);
    }
    ask(); // the kernel computes the next picture while this one is painted
    unpainted = message.frame;
    stale = true;
    plan();
  }

  const clock = panels.diagram && setInterval(() => { // beads and dashes run while a step of the diagram is lit
    if (!state.lit?.length || calm.matches || document.hidden) return;
    phase += 1;
    drawDiagram(panels.diagram, state, arrays, phase);
  }, 50);
  model.on("msg:custom", received);
  el.append(root);
  post({ kind: "hello" });
  return () => {
    model.off("msg:custom", received);
    clearInterval(clock);
    clearTimeout(silence);
  };
}

export default { render };
