"use strict";
// Draws the lanes of one recording. What is drawn stands in #data; times are microseconds of scenario time.

const WORDS = {
  en: {
    other: "Tiếng Việt", target: "target", seed: "seed", simulated: "simulated", wall: "wall clock", ratio: "ratio",
    fit: "whole run", all: "all channels", few: "what moved", cause: "after", none: "no cause in the trace",
    length: "for", informative: "informs only", logical: "must be the same on every target",
    help: "Wheel: zoom. Drag: move. Click: causes of an event; left and right arrow: the event before and after on its channel. 0: whole run.",
    pick: "Click an event to see what it followed from.",
  },
  vi: {
    other: "English", target: "đích", seed: "hạt giống", simulated: "thời gian mô phỏng", wall: "thời gian thực", ratio: "tỉ lệ",
    fit: "toàn bộ", all: "mọi kênh", few: "kênh có thay đổi", cause: "sau", none: "không có nguyên nhân trong vết",
    length: "trong", informative: "chỉ để tham khảo", logical: "phải giống nhau trên mọi đích",
    help: "Lăn chuột: phóng to, thu nhỏ. Kéo: di chuyển. Bấm: xem nguyên nhân của sự kiện; mũi tên trái, phải: sự kiện trước và sau trên cùng kênh. 0: toàn bộ.",
    pick: "Bấm vào một sự kiện để xem nó xảy ra sau sự kiện nào.",
  },
};
const ROW = 22, HEAD = 26, AXIS = 34, GUTTER = 260, MIN_SPAN_US = 200;
const COLOURS = { wire: "#4fa3e0", number: "#b49be8", happening: "#f0c05a", ground: "#14171c", raised: "#1d2229", line: "#2c333d", quiet: "#8a94a3", text: "#d8dee6", bad: "#ff6b6b", pick: "#ffffff" };
const ALARM = /FAULT|FAIL|ESTOP|BLOCKED|ERROR|SILENT|LOST|BROKEN|BAD|REFUSED/;

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);
const view = { from: 0, to: data.end_us, all: false, picked: -1, hover: -1, language: navigator.language.startsWith("vi") ? "vi" : "en" };
let rows = [];

const seconds = (t) => (t / 1e6).toFixed(3) + " s";
const word = (name) => WORDS[view.language][name];
const width = () => byId("view").clientWidth;
const xOf = (t) => GUTTER + (t - view.from) / (view.to - view.from) * (width() - GUTTER - 12);
const tOf = (x) => view.from + (x - GUTTER) / (width() - GUTTER - 12) * (view.to - view.from);

function layOut() {
  rows = [];
  let y = 0, source = null;
  for (const lane of data.lanes) {
    if (lane.constant && !view.all) continue;
    if (lane.source !== source) {
      source = lane.source;
      rows.push({ y, height: HEAD, source });
      y += HEAD;
    }
    rows.push({ y, height: ROW, lane });
    y += ROW;
  }
  return y + 8;
}

function prepare(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = width() * scale;
  canvas.height = height * scale;
  canvas.style.height = height + "px";
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.font = "12px system-ui, 'Segoe UI', 'Noto Sans', sans-serif";
  pen.textBaseline = "middle";
  return pen;
}

const LAMPS = [[/RED/, "#b5403f"], [/GREEN/, "#2e8f58"], [/AMBER/, "#b9802b"]];

function lampOf(text) {
  const found = LAMPS.find(([name]) => name.test(text));
  return found && found[1];
}

const isAlarm = (lane, text) => ALARM.test(text) || /fault/i.test(lane.channel);

function colourOf(lane, text) {
  if (isAlarm(lane, text)) return "#d9494f";
  if (lampOf(text)) return lampOf(text);
  let hash = 7;
  for (const letter of text) hash = (hash * 31 + letter.charCodeAt(0)) % 997;
  return `hsl(${150 + hash % 140} 42% 40%)`;
}

function tickStep() {
  const wanted = (view.to - view.from) / Math.max(3, (width() - GUTTER) / 110);
  const decade = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((n) => n * decade).find((step) => step >= wanted);
}

function* ticks() {
  const step = tickStep();
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) yield t;
}

function drawAxis() {
  const pen = prepare(byId("axis"), AXIS);
  pen.fillStyle = COLOURS.raised;
  pen.fillRect(0, 0, width(), AXIS);
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(tickStep() / 1e6))));
  pen.fillStyle = COLOURS.quiet;
  for (const t of ticks()) {
    pen.fillRect(xOf(t), AXIS - 8, 1, 8);
    pen.fillText((t / 1e6).toFixed(digits) + " s", xOf(t) + 4, AXIS - 14);
  }
  for (const mark of data.marks) drawMark(pen, mark, AXIS);
}

function drawMark(pen, mark, height) {
  const x = xOf(mark.t_us);
  if (x < GUTTER || x > width()) return;
  pen.fillStyle = COLOURS.bad;
  pen.fillRect(x, 0, 1.5, height);
  if (height === AXIS) {
    pen.beginPath();
    pen.moveTo(x - 7, 0); pen.lineTo(x + 8, 0); pen.lineTo(x + 0.7, 12);
    pen.fill();
  }
}

function draw() {
  const height = layOut();
  const pen = prepare(byId("lanes"), height);
  pen.fillStyle = COLOURS.ground;
  pen.fillRect(0, 0, width(), height);
  pen.fillStyle = COLOURS.line;
  for (const t of ticks()) pen.fillRect(xOf(t), 0, 1, height);
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, 0, width() - GUTTER, height);
  pen.clip();
  for (const row of rows) if (row.lane) drawLane(pen, row);
  for (const mark of data.marks) drawMark(pen, mark, height);
  drawCauses(pen);
  pen.restore();
  for (const row of rows) drawLabel(pen, row);
  drawAxis();
}

function drawLabel(pen, row) {
  if (row.source !== undefined) {
    pen.fillStyle = COLOURS.raised;
    pen.fillRect(0, row.y, width(), row.height);
    pen.fillStyle = COLOURS.text;
    pen.font = "600 13px system-ui, 'Segoe UI', 'Noto Sans', sans-serif";
    const role = data.roles[row.source];
    pen.fillText(role && role !== row.source ? `${row.source} (${role})` : row.source, 16, row.y + row.height / 2);
    pen.font = "12px system-ui, 'Segoe UI', 'Noto Sans', sans-serif";
    return;
  }
  const picked = row.lane.spans.some((span) => span[3] === view.picked || span[3] === view.hover);
  pen.fillStyle = picked ? COLOURS.pick : row.lane.kind === "informative" ? COLOURS.quiet : COLOURS.text;
  pen.fillText(row.lane.channel, 28, row.y + row.height / 2, GUTTER - 40);
}

function drawLane(pen, row) {
  const { lane, y } = row, top = y + 3, tall = ROW - 6;
  pen.fillStyle = COLOURS.line;
  pen.fillRect(GUTTER, y + ROW - 1, width() - GUTTER, 1);
  if (lane.form === "number") return drawNumbers(pen, lane, top, tall);
  lane.spans.forEach(([from, to, text, index, idle], n) => {
    const left = Math.max(xOf(from), GUTTER - 2), right = Math.min(xOf(to), width());
    if (lane.form === "happening") {
      const next = lane.spans[n + 1];
      return drawHappening(pen, lane, from, text, index, top, tall, next ? xOf(next[0]) : width());
    }
    if (right < GUTTER || left > width()) return;
    if (idle) {
      pen.fillStyle = COLOURS.quiet;
      pen.fillRect(left, top + tall - 2, Math.max(1, right - left), 1.5);
      return outline(pen, index, left, top, right - left, tall);
    }
    pen.fillStyle = lane.form === "wire" ? lampOf(lane.channel) || COLOURS.wire : colourOf(lane, text);
    pen.globalAlpha = lane.kind === "informative" ? 0.6 : 1;
    pen.fillRect(left, top, Math.max(1.5, right - left - 1), tall);
    pen.globalAlpha = 1;
    if (lane.form === "state") caption(pen, text, left + 5, top + tall / 2, right - left - 10);
    outline(pen, index, left, top, right - left, tall);
  });
}

function caption(pen, text, x, y, room) {
  if (room < 14) return;
  let shown = text;
  while (pen.measureText(shown).width > room && shown.length > 1) shown = shown.slice(0, -1);
  if (shown.length < 2 && text.length > 1) return;
  pen.fillStyle = "#ffffff";
  pen.fillText(shown === text ? text : shown.slice(0, -1) + "…", x, y);
}

function drawHappening(pen, lane, t, text, index, top, tall, nextX) {
  const x = xOf(t), middle = top + tall / 2;
  if (x < GUTTER - 8 || x > width()) return;
  pen.fillStyle = isAlarm(lane, text) ? COLOURS.bad : COLOURS.happening;
  pen.beginPath();
  pen.moveTo(x, top + 1); pen.lineTo(x + 5, middle); pen.lineTo(x, top + tall - 1); pen.lineTo(x - 5, middle);
  pen.fill();
  caption(pen, text, x + 9, middle, nextX - x - 18);
  outline(pen, index, x - 6, top, 12, tall);
}

function drawNumbers(pen, lane, top, tall) {
  const values = lane.spans.map((span) => span[5]);
  const low = Math.min(...values), high = Math.max(...values);
  const yOf = (value) => top + tall - 2 - (high > low ? (value - low) / (high - low) : 0.3) * (tall - 4);
  pen.strokeStyle = COLOURS.number;
  pen.beginPath();
  for (const [from, to, , , , value] of lane.spans) {
    pen.lineTo(xOf(from), yOf(value));
    pen.lineTo(xOf(to), yOf(value));
  }
  pen.stroke();
  for (const [from, to, text, index] of lane.spans) {
    caption(pen, text, xOf(from) + 4, top + tall / 2, xOf(to) - xOf(from) - 8);
    outline(pen, index, xOf(from), top, xOf(to) - xOf(from), tall);
  }
}

function outline(pen, index, x, y, wide, tall) {
  if (index !== view.picked && index !== view.hover) return;
  pen.strokeStyle = COLOURS.pick;
  pen.lineWidth = 1.5;
  pen.strokeRect(x, y, Math.max(3, wide), tall);
  pen.lineWidth = 1;
}

function placeOf(index) {
  const event = data.events[index];
  const row = rows.find((each) => each.lane && each.lane.spans.some((span) => span[3] === index));
  return row && { x: xOf(event[0]), y: row.y + ROW / 2 };
}

function chainOf(index) {
  const chain = [];
  for (; index >= 0; index = data.events[index][3]) chain.push(index);
  return chain;
}

function drawCauses(pen) {
  const index = view.hover >= 0 ? view.hover : view.picked;
  if (index < 0) return;
  const places = chainOf(index).map(placeOf).filter((place) => place);
  pen.strokeStyle = "#6aa5ff";
  pen.lineWidth = 1.5;
  for (let n = 0; n + 1 < places.length; n++) {
    const [to, from] = [places[n], places[n + 1]], bend = Math.min(120, Math.max(20, Math.abs(to.x - from.x) / 3));
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.bezierCurveTo(from.x + bend, from.y, to.x - bend, to.y, to.x, to.y);
    pen.stroke();
  }
  pen.lineWidth = 1;
}

function spanAt(x, y) {
  const row = rows.find((each) => each.lane && y >= each.y && y < each.y + each.height);
  if (!row || x < GUTTER) return null;
  const t = tOf(x), spans = row.lane.spans;
  if (row.lane.form !== "happening") return spans.find((span) => span[0] <= t && t < span[1]) && { row, span: spans.findLast((span) => span[0] <= t) };
  const near = spans.filter((span) => Math.abs(xOf(span[0]) - x) < 9);
  near.sort((a, b) => Math.abs(a[0] - t) - Math.abs(b[0] - t));
  return near.length ? { row, span: near[0] } : null;
}

const tell = (index) => `${data.events[index][1]} ${data.events[index][2]}`;

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function showTip(found, x, y) {
  const tip = byId("tip");
  tip.hidden = !found;
  if (!found) return;
  const { row, span } = found, index = span[3], cause = data.events[index][3];
  const length = row.lane.form === "happening" ? "" : `, ${word("length")} ${seconds(span[1] - span[0])}`;
  const why = cause < 0 ? word("none") : `${word("cause")} ${tell(cause)}, ${seconds(data.events[cause][0])} (+${((span[0] - data.events[cause][0]) / 1000).toFixed(3)} ms)`;
  tip.replaceChildren(
    element("b", tell(index)), element("div", seconds(span[0]) + length), element("div", why, "cause"),
    element("small", word(row.lane.kind === "informative" ? "informative" : "logical"), "cause-kind"),
  );
  tip.style.left = Math.min(x + 16, window.innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = (y + 20 + tip.offsetHeight > window.innerHeight ? y - tip.offsetHeight - 12 : y + 20) + "px";
}

function pick(index) {
  view.picked = index;
  const told = index < 0 ? [element("span", word("pick"))] : chainOf(index).map((each) => {
    const made = element("span", "");
    made.append(element("b", tell(each)), ` ${seconds(data.events[each][0])}`);
    return made;
  });
  byId("chain").replaceChildren(...told);
  draw();
}

function goTo(t) {
  const half = Math.min((view.to - view.from) / 2, 2e6);
  [view.from, view.to] = [t - half, t + half];
  draw();
}

function step(by) {
  const lane = data.lanes.find((each) => each.spans.some((span) => span[3] === view.picked));
  if (!lane) return;
  const next = lane.spans[lane.spans.findIndex((span) => span[3] === view.picked) + by];
  if (!next) return;
  if (next[0] < view.from || next[0] > view.to) goTo(next[0]);
  pick(next[3]);
}

function fit() {
  [view.from, view.to] = [0, data.end_us];
  draw();
}

function zoom(x, factor) {
  const t = tOf(Math.max(x, GUTTER)), span = Math.min(Math.max((view.to - view.from) * factor, MIN_SPAN_US), data.end_us * 1.2);
  const share = (t - view.from) / (view.to - view.from);
  view.from = t - share * span;
  view.to = view.from + span;
  draw();
}

function dress() {
  document.documentElement.lang = view.language;
  byId("title").replaceChildren(data.scenario, element("span", data.verdict, data.verdict));
  const facts = [["target", data.target], ["seed", data.seed], ["simulated", seconds(data.end_us)], ["wall", data.wall_s.toFixed(2) + " s"], ["ratio", data.ratio]];
  byId("facts").replaceChildren(...facts.flatMap(([name, value]) => [`${word(name)} `, element("b", value)]));
  byId("fit").textContent = word("fit");
  byId("all").textContent = word(view.all ? "few" : "all");
  byId("language").textContent = word("other");
  byId("help").textContent = word("help");
  byId("problems").replaceChildren(...data.problems.map((problem, n) => {
    const made = element("li", problem);
    made.onclick = () => goTo(data.marks[n].t_us);
    return made;
  }));
  pick(view.picked);
}

byId("fit").onclick = fit;
byId("all").onclick = () => { view.all = !view.all; dress(); };
byId("language").onclick = () => { view.language = view.language === "en" ? "vi" : "en"; dress(); };
const lanes = byId("lanes");
let held = null;
lanes.onpointerdown = (press) => { held = { x: press.offsetX, from: view.from, to: view.to, moved: false }; lanes.setPointerCapture(press.pointerId); };
lanes.onpointerup = (press) => {
  if (held && !held.moved) { const found = spanAt(press.offsetX, press.offsetY); pick(found ? found.span[3] : -1); }
  held = null;
};
lanes.onpointermove = (move) => {
  if (held && Math.abs(move.offsetX - held.x) > 3) {
    held.moved = true;
    const by = (held.x - move.offsetX) / (width() - GUTTER - 12) * (held.to - held.from);
    [view.from, view.to] = [held.from + by, held.to + by];
    showTip(null);
    return draw();
  }
  const found = spanAt(move.offsetX, move.offsetY), index = found ? found.span[3] : -1;
  showTip(found, move.clientX, move.clientY);
  if (index !== view.hover) { view.hover = index; draw(); }
};
lanes.onpointerleave = () => { view.hover = -1; showTip(null); draw(); };
lanes.addEventListener("wheel", (turn) => {
  if (turn.shiftKey) return;  // shift and wheel scroll the lanes
  turn.preventDefault();
  zoom(turn.offsetX, turn.deltaY > 0 ? 1.25 : 0.8);
}, { passive: false });
window.onkeydown = (key) => {
  if (key.key === "ArrowRight") step(1);
  else if (key.key === "ArrowLeft") step(-1);
  else if (key.key === "+") zoom(width() / 2, 0.6);
  else if (key.key === "-") zoom(width() / 2, 1.6);
  else if (key.key === "0") fit();
};
window.onresize = draw;
const asked = new URLSearchParams(window.location.hash.slice(1));
if (asked.has("from")) [view.from, view.to] = [Number(asked.get("from")), Number(asked.get("to"))];
if (asked.has("event")) view.picked = Number(asked.get("event"));
if (asked.has("language")) view.language = asked.get("language");
dress();
