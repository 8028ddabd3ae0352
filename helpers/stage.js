// The stage: draws what the kernel sends, and sends back what the reader does. No library, no build step.
//
// The kernel (helpers/stage.py) sends custom messages {frame, state, arrays} with one buffer for each array; what is
// not in a message stays as it was. After painting, the page answers {kind: "painted", frame}, and only then comes the
// next one. The reader's input goes back as {kind: "control", name, value} and {kind: "stroke", points}.

const COLOUR = { real: "#0072B2", generated: "#D55E00", noise: "#009E73", discriminator: "#444444", gradient: "#CC79A7",
                 muted: "#999999", ink: "#222222" };
const RGB = { real: [0, 114, 178], generated: [213, 94, 0], low: [60, 60, 60] };
const TYPES = { float32: Float32Array, uint16: Uint16Array, uint8: Uint8Array };
const STYLE = `
.gn-stage { background: #fff; color: ${COLOUR.ink}; color-scheme: light; padding: 8px; font: 13px/1.4 system-ui, sans-serif;
  border: 1px solid #ddd; border-radius: 4px; max-width: 960px; box-sizing: border-box; }
.gn-stage .panels, .gn-stage .row { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
.gn-stage .panels { align-items: flex-start; margin-bottom: 6px; }
.gn-stage .row { margin: 5px 0; }
.gn-stage .side { display: flex; flex-direction: column; gap: 6px; }
.gn-stage canvas { background: #fff; max-width: 100%; display: block; }
.gn-stage canvas.draws { touch-action: none; cursor: crosshair; }
.gn-stage button, .gn-stage select, .gn-stage input[type=number] { font: inherit; color: ${COLOUR.ink}; background: #f4f4f4;
  border: 1px solid #888; border-radius: 4px; padding: 3px 9px; min-height: 28px; }
.gn-stage button:hover:enabled { background: #e4e4e4; }
.gn-stage button.main { background: ${COLOUR.ink}; color: #fff; }
.gn-stage :disabled { opacity: .45; }
.gn-stage input[type=number] { width: 6em; }
.gn-stage input[type=range] { width: 11em; vertical-align: middle; }
.gn-stage .wide { flex: 1 1 100%; display: flex; gap: 8px; align-items: center; }
.gn-stage .wide input { flex: 1; }
.gn-stage :focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
.gn-stage table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.gn-stage th, .gn-stage td { text-align: right; padding: 1px 0 1px 14px; font-weight: normal; }
.gn-stage th[scope=row] { text-align: left; padding-left: 0; }
.gn-stage thead th { color: #555; }
.gn-stage [role=status] { min-height: 2.8em; margin: 4px 0; }
.gn-stage [role=status].alarm { font-weight: bold; }`;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function makeCanvas(width, height) {
  const canvas = make("canvas"), scale = Math.max(1, window.devicePixelRatio || 1);
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.setAttribute("role", "img");
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return { canvas, pen, width, height };
}

// Round numbers for an axis: about `count` of them between low and high.
function ticks(low, high, count = 5) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}

// A small picture of one marker, made once: copying it is much faster than drawing the shape thousands of times.
function sprite(kind, radius, alpha) {
  const size = 4 * Math.ceil(radius + 1), canvas = make("canvas", { width: 2 * size, height: 2 * size });
  const pen = canvas.getContext("2d");
  pen.translate(size, size);
  pen.scale(2, 2);
  pen.globalAlpha = alpha;
  pen.fillStyle = COLOUR[kind];
  pen.beginPath();
  if (kind === "generated") {
    for (const turn of [0, 1, 2]) pen.lineTo(1.35 * radius * Math.sin(turn * 2.0944), -1.35 * radius * Math.cos(turn * 2.0944));
  } else if (kind === "noise") pen.rect(-radius * .8, -radius * .8, radius * 1.6, radius * 1.6);
  else pen.arc(0, 0, radius, 0, 7);
  pen.fill();
  return { canvas, half: size / 2 };
}

const SPRITES = {};
function drawPoints(pen, points, kind, x, y, radius = 2.1, alpha = .6) {
  const name = `${kind} ${radius} ${alpha}`, mark = SPRITES[name] ??= sprite(kind, radius, alpha), half = mark.half;
  for (let i = 0; i < points.length; i += 2) {
    const px = x(points[i]), py = y(points[i + 1]);
    if (Number.isFinite(px + py)) pen.drawImage(mark.canvas, px - half, py - half, 2 * half, 2 * half);
  }
}

// The line on which the field has this value, as pairs of points in cells (marching squares).
function contour(field, rows, columns, level) {
  const segments = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const at = row * columns + column, crossings = [];
      const corners = [[field[at], 0, 0], [field[at + 1], 1, 0], [field[at + columns + 1], 1, 1], [field[at + columns], 0, 1]];
      for (let k = 0; k < 4; k++) {
        const [a, ax, ay] = corners[k], [b, bx, by] = corners[(k + 1) % 4];
        if ((a < level) !== (b < level)) {
          const share = (level - a) / (b - a);
          crossings.push([column + ax + share * (bx - ax), row + ay + share * (by - ay)]);
        }
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) segments.push([crossings[k], crossings[k + 1]]);
    }
  }
  return segments;
}

// ---- the picture: field, grid, points, arrows, and the brush ------------------------------------------------------

function pictureScales(state, width, height) {
  const [[left, right], [bottom, top]] = state.limits, box = { x: 34, y: 8, width: width - 44, height: height - 32 };
  const unit = Math.min(box.width / (right - left), box.height / (top - bottom)); // one unit is as long upwards as sideways
  box.x += (box.width - unit * (right - left)) / 2;
  box.width = unit * (right - left);
  box.height = unit * (top - bottom);
  return { box, unit, left, right, bottom, top, x: value => box.x + unit * (value - left),
           y: value => box.y + unit * (top - value), back: (px, py) => [left + (px - box.x) / unit, top - (py - box.y) / unit] };
}

function drawField(pen, array, state, scales) {
  const { data, shape: [rows, columns] } = array, { box } = scales, critic = !state.field_is_probability;
  const small = make("canvas", { width: columns, height: rows }), paper = small.getContext("2d");
  const image = paper.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = data[(rows - 1 - row) * columns + column] / 65535, at = 4 * (row * columns + column);
      const side = critic ? RGB.low : value < .5 ? RGB.generated : RGB.real; // a critic: grey, light where its score is high
      const strength = .75 * (critic ? 1 - value : Math.abs(2 * value - 1));
      for (let k = 0; k < 3; k++) image.data[at + k] = 255 + strength * (side[k] - 255);
      image.data[at + 3] = 255;
    }
  }
  paper.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  const dx = box.width / (columns - 1), dy = box.height / (rows - 1); // the field's first and last places lie on the edges
  pen.drawImage(small, box.x - dx / 2, box.y - dy / 2, box.width + dx, box.height + dy);
  const [low, high] = state.field_range ?? [0, 1], levels = critic ? ticks(low, high, 5) : [.5];
  pen.strokeStyle = pen.fillStyle = COLOUR.discriminator;
  pen.lineWidth = critic ? 1 : 1.6;
  pen.font = "11px system-ui, sans-serif";
  for (const level of levels) {
    const segments = contour(data, rows, columns, 65535 * (level - low) / (high - low || 1));
    const place = ([column, row]) => [box.x + column * dx, box.y + box.height - row * dy];
    pen.setLineDash(critic ? [] : [6, 4]);
    pen.beginPath();
    for (const [a, b] of segments) {
      pen.moveTo(...place(a));
      pen.lineTo(...place(b));
    }
    pen.stroke();
    if (critic && segments.length) pen.fillText(String(level), ...place(segments[Math.floor(segments.length / 2)][0]));
  }
  pen.setLineDash([]);
}

function drawArrow(pen, x0, y0, x1, y1, head = 5) {
  const length = Math.hypot(x1 - x0, y1 - y0), angle = Math.atan2(y1 - y0, x1 - x0), tip = Math.min(head, length);
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  for (const side of [-.5, .5]) {
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - tip * Math.cos(angle + side), y1 - tip * Math.sin(angle + side));
  }
}

function drawPicture({ pen, width, height }, state, arrays, brush) {
  const scales = pictureScales(state, width, height), { box, x, y, unit } = scales, on = name => arrays[name] && state.layers?.[name] !== false;
  pen.clearRect(0, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  if (on("field")) drawField(pen, arrays.field, state, scales);
  if (on("grid")) {
    const { data, shape: [kinds, lines, points] } = arrays.grid;
    pen.strokeStyle = COLOUR.noise;
    for (let kind = 0; kind < kinds; kind++) { // the lines on which the first coordinate is fixed are darker
      pen.globalAlpha = kind ? .45 : .9;
      pen.lineWidth = kind ? .8 : 1.1;
      pen.beginPath();
      for (let line = 0; line < lines; line++) {
        for (let i = 0, at = 2 * points * (kind * lines + line), up = false; i < points; i++, at += 2) {
          const px = x(data[at]), py = y(data[at + 1]);
          if (!Number.isFinite(px + py)) up = false;
          else if (up) pen.lineTo(px, py);
          else up = !pen.moveTo(px, py);
        }
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }
  for (const kind of ["real", "generated"]) if (on(kind)) drawPoints(pen, arrays[kind].data, kind, x, y, state.mark ?? 2.1);
  pen.strokeStyle = COLOUR.ink;
  pen.lineWidth = 1;
  pen.beginPath();
  if (on("arrows")) {
    const { data } = arrays.arrows, longest = box.width / 6, scale = unit * (state.arrow_scale ?? 1);
    for (let i = 0; i < data.length; i += 4) {
      const dx = scale * data[i + 2], dy = -scale * data[i + 3], cut = Math.min(1, longest / (Math.hypot(dx, dy) || 1));
      const px = x(data[i]), py = y(data[i + 1]);
      if (Number.isFinite(px + py + dx + dy)) drawArrow(pen, px, py, px + cut * dx, py + cut * dy);
    }
  }
  if (arrays.crosses) { // points that the discriminator judges wrongly
    const { data } = arrays.crosses;
    for (let i = 0; i < data.length; i += 2) {
      for (const side of [-4, 4]) {
        pen.moveTo(x(data[i]) - 4, y(data[i + 1]) - side);
        pen.lineTo(x(data[i]) + 4, y(data[i + 1]) + side);
      }
    }
  }
  pen.stroke();
  if (brush?.shown) {
    const px = x(brush.at[0]), py = y(brush.at[1]);
    pen.beginPath();
    pen.arc(px, py, Math.max(3, unit * state.brush), 0, 7);
    pen.moveTo(px - 12, py);
    pen.lineTo(px + 12, py);
    pen.moveTo(px, py - 12);
    pen.lineTo(px, py + 12);
    pen.stroke();
  }
  pen.restore();
  pen.strokeStyle = COLOUR.muted;
  pen.fillStyle = "#555";
  pen.lineWidth = 1;
  pen.font = "11px system-ui, sans-serif";
  pen.strokeRect(box.x, box.y, box.width, box.height);
  pen.textAlign = "center";
  for (const value of ticks(scales.left, scales.right)) pen.fillText(value, x(value), box.y + box.height + 15);
  pen.textAlign = "right";
  for (const value of ticks(scales.bottom, scales.top)) pen.fillText(value, box.x - 5, y(value) + 4);
  pen.textAlign = "left";
}

// ---- the diagram: the six steps of the procedure --------------------------------------------------------------------

const BOXES = { noise: [42, 62, "noise z"], G: [140, 62, "G"], generated: [238, 62, "generated"], real: [238, 172, "real"],
                D: [338, 117, "D"], lossD: [434, 172, "loss of D"], lossG: [434, 62, "loss of G"] };
// data flow forward; gradients run back along the same ways, a little beside them
const FLOWS = { "noise-G": [[74, 62], [108, 62]], "G-generated": [[172, 62], [206, 62]], "generated-D": [[270, 68], [308, 96]],
                "real-D": [[270, 166], [308, 138]], "D-lossD": [[370, 136], [400, 154]], "D-lossG": [[370, 98], [400, 80]],
                "lossD>D": [[396, 170], [362, 150]], "lossG>D": [[396, 66], [362, 84]], "D>generated": [[314, 84], [276, 54]],
                "generated>G": [[206, 74], [172, 74]] };

function drawDiagram({ pen, width, height }, state, arrays, phase) {
  const lit = state.lit && new Set(state.lit), numbers = state.numbers ?? {};
  pen.clearRect(0, 0, width, height);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const [name, [[x0, y0], [x1, y1]]] of Object.entries(FLOWS)) {
    const back = name.includes(">"), shown = lit ? lit.has(name) : !back;
    if (back && !shown) continue;
    pen.globalAlpha = shown ? 1 : .2;
    pen.strokeStyle = back ? COLOUR.gradient : COLOUR.ink;
    pen.lineWidth = shown && lit ? 3 : 1.5;
    pen.setLineDash(back ? [5, 4] : []);
    pen.lineDashOffset = -phase;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    pen.setLineDash([]);
    pen.beginPath();
    drawArrow(pen, x1 - .01 * (x1 - x0), y1 - .01 * (y1 - y0), x1, y1);
    const length = Math.hypot(x1 - x0, y1 - y0), ux = (x1 - x0) / length, uy = (y1 - y0) / length;
    pen.fillStyle = pen.strokeStyle;
    pen.moveTo(x1 + 3 * ux, y1 + 3 * uy);
    pen.lineTo(x1 - 7 * ux - 5 * uy, y1 - 7 * uy + 5 * ux);
    pen.lineTo(x1 - 7 * ux + 5 * uy, y1 - 7 * uy - 5 * ux);
    pen.fill();
    if (shown && lit && !back && phase) { // a bead runs along with the data
      pen.beginPath();
      pen.arc(x0 + (x1 - x0) * (phase % 30) / 30, y0 + (y1 - y0) * (phase % 30) / 30, 4, 0, 7);
      pen.fill();
    }
  }
  for (const [name, [x, y, text]] of Object.entries(BOXES)) {
    const active = !lit || lit.has(name), frozen = (state.frozen ?? []).includes(name), kind = { G: "ink", D: "discriminator" }[name] ?? name;
    pen.globalAlpha = active ? 1 : .3;
    pen.fillStyle = frozen ? "#e8eef4" : "#fff";
    pen.strokeStyle = COLOUR[kind] ?? (name === "lossD" ? COLOUR.ink : COLOUR.gradient);
    pen.lineWidth = active && lit ? 3 : 1.5;
    pen.setLineDash(frozen ? [2, 3] : []);
    pen.beginPath();
    pen.roundRect(x - 32, y - 26, 64, 52, 6);
    pen.fill();
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = COLOUR.ink;
    pen.font = name.length === 1 ? "bold 18px system-ui, sans-serif" : "12px system-ui, sans-serif";
    const cloud = arrays[`small_${name}`];
    if (cloud) { // a small picture of the points in the box, its name outside
      const [[left, right], [bottom, top]] = name === "noise" ? state.noise_limits : state.limits;
      pen.save();
      pen.clip();
      drawPoints(pen, cloud.data, name, value => x - 30 + 60 * (value - left) / (right - left),
                 value => y + 24 - 48 * (value - bottom) / (top - bottom), 1.1, .8);
      pen.restore();
      pen.fillText(text, x, name === "real" ? y + 36 : y - 36);
    } else if (name.startsWith("loss")) {
      pen.fillText(text, x, y - 9);
      pen.fillText(numbers[name] ?? "", x, y + 10);
    } else pen.fillText(text, x, frozen ? y - 6 : y);
    if (frozen) {
      pen.font = "11px system-ui, sans-serif";
      pen.fillText("frozen", x, y + 15);
    }
    if (name === "G" || name === "D") {
      pen.font = "11px system-ui, sans-serif";
      pen.fillText(name === "G" ? "generator" : "discriminator", x, name === "G" ? y - 36 : y + 36);
    }
  }
  pen.globalAlpha = 1;
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillStyle = "#555";
  pen.fillText("solid: data, forward;  dashed: gradient, back", 10, height - 8);
}

// ---- the loss curves ------------------------------------------------------------------------------------------------

function drawCurves({ pen, width, height }, state, arrays) {
  const curves = arrays.curves, box = { x: 44, y: 22, width: width - 54, height: height - 46 };
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = "#555";
  if (!curves || curves.shape[1] < 2) {
    pen.fillText("The losses will be drawn here, step by step.", box.x, box.y + 20);
    return;
  }
  const { data, shape: [, count] } = curves, values = data.subarray(count).filter(Number.isFinite), last = data[count - 1];
  const sorted = Float32Array.from(values).sort(), low = sorted[Math.floor(.005 * sorted.length)], high = sorted[Math.floor(.995 * (sorted.length - 1))];
  const room = .08 * (high - low) || .5, y = value => box.y + box.height * (high + room - value) / (high - low + 2 * room);
  const x = step => box.x + box.width * step / Math.max(1, last);
  pen.strokeStyle = "#ddd";
  pen.textAlign = "right";
  for (const value of ticks(low - room, high + room, 4)) {
    pen.beginPath();
    pen.moveTo(box.x, y(value));
    pen.lineTo(box.x + box.width, y(value));
    pen.stroke();
    pen.fillText(value, box.x - 5, y(value) + 4);
  }
  pen.textAlign = "center";
  for (const value of ticks(0, last, 4)) if (Number.isInteger(value)) pen.fillText(value.toLocaleString("en"), x(value), height - 10);
  pen.textAlign = "left";
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  for (const [row, colour, dash] of [[1, COLOUR.discriminator, []], [2, COLOUR.generated, [6, 3]]]) {
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.lineWidth = 1.4;
    pen.beginPath();
    for (let i = 0, up = false; i < count; i++) {
      const value = data[row * count + i];
      if (!Number.isFinite(value)) continue;
      if (up) pen.lineTo(x(data[i]), y(value));
      else up = !pen.moveTo(x(data[i]), y(value));
    }
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.restore();
  pen.strokeStyle = COLOUR.ink;
  pen.beginPath();
  pen.moveTo(x(state.cursor), box.y);
  pen.lineTo(x(state.cursor), box.y + box.height);
  pen.stroke();
  pen.fillStyle = COLOUR.discriminator;
  pen.fillText("loss of D (solid)", box.x, 13);
  pen.fillStyle = "#b34c00";
  pen.fillText("loss of G (dashed)", box.x + 110, 13);
}

// ---- controls, input, and the messages --------------------------------------------------------------------------------

function makeControl(control, send) {
  const { name, kind, label } = control;
  if (kind === "button") {
    const element = make("button", { type: "button", textContent: label, className: control.main ? "main" : "" });
    element.onclick = () => send(name, null);
    return { element, row: element, read: () => null, write: () => {} };
  }
  if (kind === "choice") {
    const element = make("select", {}, ...control.options.map(text => make("option", { value: text, textContent: text })));
    element.onchange = () => send(name, element.value);
    return { element, row: make("label", {}, `${label} `, element), write: value => { element.value = value; } };
  }
  if (kind === "check") {
    const element = make("input", { type: "checkbox" });
    element.onchange = () => send(name, element.checked);
    return { element, row: make("label", {}, element, ` ${label}`), write: value => { element.checked = value; } };
  }
  const number = kind === "number", element = make("input", { type: number ? "number" : "range", min: control.low, max: control.high, step: control.step });
  const said = make("output"), tell = () => {
    said.textContent = Number(element.value).toLocaleString("en");
    if (!number) element.setAttribute("aria-valuetext", `${said.textContent} of ${Number(element.max).toLocaleString("en")}`);
  };
  element.addEventListener(number ? "change" : "input", () => { tell(); send(name, Number(element.value)); });
  return { element, row: make("label", { className: control.wide ? "wide" : "" }, `${label} `, element, ...(number ? [] : [" ", said])),
           write: (value, top) => { if (top !== undefined) element.max = top; element.value = value; tell(); } };
}

// Pointer and keyboard on a picture that can be drawn on; `stroke(points)` receives data coordinates, in order.
function listen(panel, state, brush, stroke, repaint) {
  const { canvas, width, height } = panel;
  canvas.classList.add("draws");
  canvas.tabIndex = 0;
  const place = event => {
    const { left, top, width: shown } = canvas.getBoundingClientRect(), zoom = width / shown;
    return pictureScales(state, width, height).back((event.clientX - left) * zoom, (event.clientY - top) * zoom);
  };
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
  canvas.onfocus = () => { brush.shown = true; repaint(); };
  canvas.onkeydown = event => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // else JupyterLab would go to another cell
    const before = brush.at, [[left, right], [bottom, top]] = state.limits, step = (right - left) / 60;
    if (way) {
      brush.at = [Math.min(right, Math.max(left, before[0] + step * way[0])), Math.min(top, Math.max(bottom, before[1] + step * way[1]))];
    }
    brush.shown = true;
    if (!way) stroke([brush.at], true);
    else if (event.shiftKey) {
      stroke([before], true);
      stroke([brush.at], false);
    }
    repaint();
  };
}

function render({ model, el }) {
  const spec = model.get("spec"), state = {}, arrays = {}, brush = { at: [0, 0], down: false, shown: false };
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)"), waiting = {}, panels = {}, controls = {};
  let strokes = [], frame = 0, planned = false, unpainted = 0, silence = 0, told = 0, phase = 0;

  const status = make("div"), table = make("table"), pictures = make("div", { className: "panels" }), side = make("div", { className: "side" });
  status.setAttribute("role", "status");
  const root = make("div", { className: "gn-stage" }, make("style", { textContent: STYLE }), pictures, status);
  for (const [name, [width, height]] of Object.entries(spec.panels)) {
    panels[name] = makeCanvas(width, height);
    (name === "picture" ? pictures : side).append(panels[name].canvas);
  }
  side.append(table);
  pictures.append(side);

  const post = message => {
    model.send(message);
    // an answer may get lost while a page or a connection comes back: then ask for everything anew
    clearTimeout(silence);
    silence = setTimeout(() => model.send({ kind: "hello" }), 4000);
  };
  const changed = (name, value) => { // the last value of a control, once a frame of the screen; every press of a button
    const order = performance.timeOrigin + performance.now(), button = value === null;
    if (button) post({ kind: "control", name, value, order });
    else waiting[name] = { value, order, sent: false };
    plan();
  };
  for (const items of spec.rows) {
    const row = make("div", { className: "row" });
    for (const item of items) row.append((controls[item.name] = makeControl(item, changed)).row);
    root.append(row);
  }
  if (spec.draws) listen(panels.picture, state, brush, (points, first) => { strokes.push({ points, first }); plan(); }, () => plan());

  function plan() {
    if (!planned) requestAnimationFrame(paint);
    planned = true;
  }

  function paint() {
    planned = false;
    for (const [name, change] of Object.entries(waiting)) {
      if (!change.sent) post({ kind: "control", name, value: change.value, order: change.order });
      change.sent = true;
    }
    if (strokes.length) post({ kind: "stroke", strokes: strokes.splice(0), order: 0 });
    if (!state.limits) return;
    drawPicture(panels.picture, state, arrays, brush);
    if (panels.diagram) drawDiagram(panels.diagram, state, arrays, calm.matches ? 0 : phase);
    if (panels.curves) drawCurves(panels.curves, state, arrays);
    if (unpainted) {
      model.send({ kind: "painted", frame: unpainted });
      root.dataset.frame = unpainted; // for tests: what is on the screen
      unpainted = 0;
    }
  }

  function say() { // not more than once a second while it plays, for those who listen
    const now = performance.now();
    if (state.playing && now - told < 1000) return;
    told = now;
    if (status.textContent !== state.sentence) status.textContent = state.sentence;
    status.classList.toggle("alarm", Boolean(state.alarm));
    for (const [name, panel] of Object.entries(panels)) panel.canvas.setAttribute("aria-label", `${state.names?.[name] ?? "Picture"}. ${state.sentence}`);
  }

  function received(message, buffers) {
    clearTimeout(silence);
    Object.assign(state, message.state);
    for (const name of message.gone) delete arrays[name];
    message.arrays.forEach(({ name, type, shape }, i) => {
      const view = buffers[i], bytes = view.buffer ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view;
      arrays[name] = { data: new TYPES[type](bytes), shape };
    });
    for (const [name, { element, write }] of Object.entries(controls)) {
      const off = state.off?.includes(name) ?? false, text = state.texts?.[name];
      if (element.disabled !== off) element.disabled = off;
      if (text && element.textContent !== text) element.textContent = text;
      if (!(name in state.values) || waiting[name]?.order > state.order) continue; // the reader has moved on since
      delete waiting[name];
      write(state.values[name], state.tops?.[name]);
    }
    if (message.state.table) {
      const cell = (text, i, tag) => Object.assign(make(tag, { textContent: text }), tag === "th" ? { scope: i ? "col" : "row" } : {});
      table.replaceChildren(make("thead", {}, make("tr", {}, ...state.table[0].map((text, i) => cell(text, 1, "th")))),
        make("tbody", {}, ...state.table.slice(1).map(row => make("tr", {}, ...row.map((text, i) => cell(text, i, i ? "td" : "th"))))));
    }
    say();
    unpainted = frame = message.frame;
    plan();
  }

  // beads and dashes run along the diagram while a step of it is lit
  const clock = panels.diagram && setInterval(() => {
    if (!state.lit || calm.matches || document.hidden || !(state.flows ?? false)) return;
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
