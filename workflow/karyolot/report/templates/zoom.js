/* The genome plots of copy number, which zoom together. The still figures stay where this does not run, and on paper. */
(() => {
  "use strict";
  const DENSITY = 6;               // size of a point = DENSITY * sqrt(pixels per point), within:
  const SMALLEST = 1.1, LARGEST = 3;
  const RIGHT = 34, NARROW = 700;  // room for the axis of copies; below this width fewer words stand in the plot
  const ROW = 17, AXIS = 34, HEAD = 22;
  const BAND = 15, GENE_ROWS = 3;  // height of the strip of cytobands; rows of gene names
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

  const data = JSON.parse(document.getElementById("zoom-data").textContent);
  const { chromosomes, calls } = data, [low, high] = data.reach;
  const total = chromosomes.at(-1).end;
  const least = Math.min(total, 20 * data.window);
  const figures = [...document.querySelectorAll(".zoom")];
  const controls = document.querySelector(".zoom-controls"), said = document.querySelector(".zoom-view");
  const select = controls.querySelector("select");
  const names = kind => [...controls.querySelectorAll(`optgroup[data-of=${kind}] option`)].map(o => o.textContent);
  chromosomes.forEach((c, i) => { c.name = names("chromosomes")[i]; });
  calls.forEach((c, i) => { c.name = names("calls")[i]; });
  const marks = {}; // bands and genes, by kind
  for (const [kind, places] of Object.entries(data.marks)) {
    const named = controls.dataset[kind].split("\n");
    marks[kind] = places.map(([start, end], i) => ({ start, end, name: named[i] }));
  }

  const x = new Float64Array(data.runs.reduce((sum, run) => sum + run[2], 0));
  let filled = 0;
  for (const [chromosome, first, count] of data.runs) {
    for (let k = 0; k < count; k++) x[filled++] = chromosomes[chromosome].start + (first + k + 0.5) * data.window;
  }
  const decode = text => {
    const view = new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
    return Float64Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true) / data.steps);
  };
  const from = at => { // the first point at or after a position
    let low = 0, high = x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < at) low = middle + 1; else high = middle;
    }
    return low;
  };

  let colours = {};
  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ink", "quiet", "line", "page", "gain", "loss", "lot", "donor", "bin", "median", "casing", "limit",
      "stripe", "hatch", "own-limit"]) colours[name] = style.getPropertyValue(`--${name}`).trim();
  };
  const COPIES = [1, 2, 3, 4];
  const signed = value => (value ? (value > 0 ? "+" : "−") + Math.abs(value) : "0");
  const log2 = value => signed(Number(value.toPrecision(3)));
  const mb = at => (at / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });

  const note = document.querySelector("[data-track=ratio]").dataset;
  let view = [0, total];
  const shown = list => list.filter(mark => mark.end > view[0] && mark.start < view[1]);

  const plots = figures.flatMap(figure => [...figure.querySelectorAll("[data-track]")].map(holder => {
    const kind = holder.dataset.track, last = "last" in holder.dataset;
    const y = decode(data.tracks[kind]);
    const top = kind === "ratio" ? HEAD + ROW * (data.rows - 1) : HEAD;
    const height = Number(holder.dataset.height) + top + (last ? AXIS : 8);
    const plot = new uPlot({
      width: Math.max(holder.clientWidth, 100), height,
      padding: [top, 0, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { setScale: false }, bind: { dblclick: () => () => show(0, total) } },
      scales: { x: { time: false, range: () => view }, y: { range: [low, high] } },
      axes: [
        { size: last ? AXIS : 8, splits: () => [], grid: { show: false }, ticks: { show: false } },
        {
          size: 52, gap: 3, font: FONT, grid: { show: false },
          splits: () => (kind === "ratio" ? [-1, -0.5, 0, 0.5, 1] : [-1, 0, 1]), values: (_, ticks) => ticks.map(signed),
          stroke: () => colours.quiet, ticks: { size: 5, width: 1, stroke: () => colours.quiet },
        },
        {
          side: 1, scale: "y", size: RIGHT, gap: 3, font: FONT, grid: { show: false },
          splits: () => COPIES.map(copies => Math.log2(copies / 2)), values: () => COPIES.map(String),
          stroke: () => colours.quiet, ticks: { size: 5, width: 1, stroke: () => colours.quiet },
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [u => draw(u, kind, y, last, holder.dataset.axis)],
        setCursor: [u => point(kind, y, u.cursor.left < 0 ? null : u.posToVal(u.cursor.left, "x"))],
        setSelect: [u => {
          if (u.select.width > 3) show(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    }, [x, y], holder);
    plot.root.setAttribute("aria-hidden", "true");
    plot.kind = kind;
    new ResizeObserver(() => { if (holder.clientWidth) plot.setSize({ width: holder.clientWidth, height }); }).observe(holder);
    return plot;
  }));

  function draw(u, kind, values, last, axis) {
    const { ctx } = u, scale = devicePixelRatio || 1;
    const box = { left: u.bbox.left / scale, top: u.bbox.top / scale, width: u.bbox.width / scale, height: u.bbox.height / scale };
    const right = box.left + box.width, bottom = box.top + box.height;
    const px = at => box.left + (box.width * (at - view[0])) / (view[1] - view[0]);
    const py = value => box.top + (box.height * (high - value)) / (high - low);
    const inside = at => Math.min(Math.max(px(at), box.left), right);
    const line = (from, to, value, colour, width, dash = []) => {
      ctx.beginPath(); ctx.setLineDash(dash); ctx.strokeStyle = colour; ctx.lineWidth = width;
      ctx.moveTo(from, value); ctx.lineTo(to, value); ctx.stroke(); ctx.setLineDash([]);
    };
    const words = (text, at, height, colour, align) => {
      ctx.fillStyle = colour; ctx.textAlign = align; ctx.fillText(text, at, height);
    };
    const triangle = (at, up, size) => {
      const tip = up ? box.top + 1 : bottom - 1, base = up ? tip + 1.7 * size : tip - 1.7 * size;
      ctx.beginPath(); ctx.moveTo(at, tip); ctx.lineTo(at + size, base); ctx.lineTo(at - size, base); ctx.closePath(); ctx.fill();
    };

    ctx.save();
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    ctx.save();
    ctx.beginPath(); ctx.rect(box.left, box.top, box.width, box.height); ctx.clip();
    for (const c of shown(chromosomes)) {
      const left = px(c.start), width = px(c.end) - left;
      if (!c.used) hatch(ctx, Math.max(left, box.left), box.top, Math.min(left + width, right), bottom);
      else if (chromosomes.indexOf(c) % 2) { ctx.fillStyle = colours.stripe; ctx.fillRect(left, box.top, width, box.height); }
      if (c.used && c.centromere !== null) {
        ctx.beginPath(); ctx.setLineDash([2, 3]); ctx.strokeStyle = colours.line; ctx.lineWidth = 1;
        ctx.moveTo(px(c.centromere), box.top); ctx.lineTo(px(c.centromere), bottom); ctx.stroke(); ctx.setLineDash([]);
      }
    }
    if (kind === "ratio" && data.band) {
      ctx.fillStyle = colours["own-limit"];
      ctx.fillRect(box.left, py(data.band[0]), box.width, py(data.band[1]) - py(data.band[0]));
    }
    if (kind === "ratio") {
      for (const [start, end] of data.blind) if (end > view[0] && start < view[1]) hatch(ctx, inside(start), box.top, inside(end), bottom);
      ctx.globalAlpha = 0.17;
      for (const call of shown(calls)) {
        ctx.fillStyle = note.uninterpreted ? colours.quiet : colours[call.type];
        ctx.fillRect(px(call.start), box.top, Math.max(px(call.end) - px(call.start), 2), box.height);
      }
      ctx.globalAlpha = 1;
    } else {
      for (const copies of COPIES) line(box.left, right, py(Math.log2(copies / 2)), colours.line, 1);
    }

    const start = from(view[0]), end = from(view[1]);
    const size = Math.min(Math.max(DENSITY * Math.sqrt(box.width / Math.max(end - start, 1)), SMALLEST), LARGEST);
    ctx.fillStyle = kind === "ratio" ? colours.bin : colours[kind];
    for (let i = start; i < end; i++) {
      if (values[i] >= low && values[i] <= high) ctx.fillRect(px(x[i]) - size / 2, py(values[i]) - size / 2, size, size);
    }
    for (let i = start; i < end; i++) if (values[i] < low || values[i] > high) triangle(px(x[i]), values[i] > 0, 4);

    if (kind === "ratio") {
      line(box.left, right, py(0), colours.ink, 1.4);
      for (const [value] of data.limits) line(box.left, right, py(value), colours.limit, 1.4, [7, 4]);
      for (const c of shown(chromosomes)) { // one copy gained where a normal cell has one: log2(2 / 1)
        if (c.used && c.copies === 1) line(inside(c.start), inside(c.end), py(1), colours.limit, 1.6, [2, 3]);
      }
      for (const [colour, width] of [[colours.casing, 4.2], [colours.median, 2.6]]) {
        for (const [first, last, value] of data.segments) {
          if (last <= view[0] || first >= view[1]) continue;
          const height = py(Math.min(Math.max(value, low), high));
          line(px(first), Math.max(px(last), px(first) + 1.5), height, colour, width);
        }
      }
      ctx.fillStyle = colours.median;
      for (const [first, last, value] of data.segments) {
        const off = value < low || value > high;
        if (off && last > view[0] && first < view[1]) triangle((inside(first) + inside(last)) / 2, value > 0, 6);
      }
    } else {
      for (const c of shown(chromosomes)) {
        if (c.used && c.copies) line(inside(c.start), inside(c.end), py(Math.log2(c.copies / 2)), colours.ink, 1.2);
      }
    }
    ctx.restore();
    ctx.strokeStyle = colours.quiet; ctx.lineWidth = 0.8; ctx.strokeRect(box.left, box.top, box.width, box.height);

    const narrow = u.width < NARROW;
    if (kind !== "ratio") words(axis, box.left, box.top - 9, colours.quiet, "left");
    if (kind === "ratio") {
      if (!narrow) for (const [value, name] of data.limits) words(name, box.left + 6, py(value) - 8, colours.limit, "left");
      if (data.band && !narrow) words(`shaded: ${note.band}`, box.left + 6, py(data.band[1]) + 36, colours.quiet, "left");
      const taken = label(ctx, words, px, box, narrow);
      if (taken > box.left + ctx.measureText(axis).width + 6) words(axis, box.left, box.top - 9, colours.quiet, "left");
      else if (!narrow) upright(ctx, words, axis, box);
      if (shown(chromosomes).length === 1) places(ctx, words, px, box, narrow);
      const warning = narrow ? note.uninterpreted.split(":")[0] : note.uninterpreted;
      if (warning) boxed(ctx, words, warning, box.left + box.width / 2, box.top + 18, colours.ink);
    }
    if (!narrow || kind === "ratio") words("copies", u.width, box.top - 9, colours.quiet, "right");
    if (last) ruler(ctx, words, px, box);
    ctx.restore();
  }

  function boxed(ctx, words, text, at, height, colour) {
    ctx.font = `600 ${FONT}`;
    const half = ctx.measureText(text).width / 2 + 7;
    ctx.fillStyle = colours.page; ctx.strokeStyle = colour; ctx.lineWidth = 1;
    ctx.beginPath(); ctx.roundRect(at - half, height - 9, 2 * half, 17, 3); ctx.fill(); ctx.stroke();
    words(text, at, height, colour, "center");
    ctx.font = FONT;
  }

  // The name of the left axis beside it, where a label stands above.
  function upright(ctx, words, axis, box) {
    ctx.save();
    ctx.translate(7, box.top + box.height / 2); ctx.rotate(-Math.PI / 2);
    words(axis, 0, 0, colours.quiet, "center");
    ctx.restore();
  }

  function hatch(ctx, left, top, right, bottom) {
    ctx.save();
    ctx.beginPath(); ctx.rect(left, top, right - left, bottom - top); ctx.clip();
    ctx.beginPath(); ctx.strokeStyle = colours.hatch; ctx.lineWidth = 1.5;
    for (let at = left - (bottom - top); at < right; at += 8) { ctx.moveTo(at, bottom); ctx.lineTo(at + bottom - top, top); }
    ctx.stroke();
    ctx.restore();
  }

  function label(ctx, words, px, box, narrow) { // each call takes the lowest row where its label touches no other
    const rows = Array.from({ length: data.rows }, () => []), seen = shown(calls);
    ctx.font = `600 ${FONT}`;
    for (const call of seen) {
      const text = seen.length > 6 || narrow ? call.name.split(" ", 1)[0] : call.name;
      const half = ctx.measureText(text).width / 2 + 8;
      const middle = (Math.max(px(call.start), box.left) + Math.min(px(call.end), box.left + box.width)) / 2;
      const at = Math.min(Math.max(middle, box.left + half), box.left + box.width - half);
      const colour = note.uninterpreted ? colours.quiet : colours[call.type];
      const row = rows.findIndex(spans => spans.every(([low, high]) => at + half <= low || at - half >= high));
      if (row < 0) continue;
      rows[row].push([at - half, at + half]);
      ctx.beginPath(); ctx.strokeStyle = colour; ctx.moveTo(middle, box.top - 2 - ROW * row); ctx.lineTo(middle, box.top + 6); ctx.stroke();
      boxed(ctx, words, text, at, box.top - 11 - ROW * row, colour);
      ctx.font = `600 ${FONT}`;
    }
    ctx.font = FONT;
    return Math.min(...rows[0].map(([low]) => low), Infinity); // where the lowest row begins
  }

  function places(ctx, words, px, box, narrow) { // of a single chromosome: its bands at the top, genes of what changed at the bottom
    const right = box.left + box.width, bottom = box.top + box.height;
    const ends = mark => [Math.max(px(mark.start), box.left), Math.min(px(mark.end), right)];
    shown(marks.band).forEach(band => {
      const [from, to] = ends(band);
      ctx.fillStyle = marks.band.indexOf(band) % 2 ? colours.stripe : colours.page; ctx.strokeStyle = colours.quiet; ctx.lineWidth = 0.6;
      ctx.fillRect(from, box.top, to - from, BAND); ctx.strokeRect(from, box.top, to - from, BAND);
      if (ctx.measureText(band.name).width + 6 < to - from) words(band.name, (from + to) / 2, box.top + BAND / 2 + 0.5, colours.ink, "center");
    });
    // The lowest row first; beside the name of a limit there is none.
    const rows = Array.from({ length: GENE_ROWS }, (_, row) => (row && !narrow ? [[box.left, box.left + 250]] : []));
    for (const kind of ["listed", "gene"]) {
      ctx.font = kind === "listed" ? `600 ${FONT}` : FONT;
      for (const gene of shown(marks[kind])) {
        const [from, to] = ends(gene), half = ctx.measureText(gene.name).width / 2 + 4;
        ctx.fillStyle = colours.ink; ctx.fillRect(from, bottom - 4, Math.max(to - from, 1.5), 4);
        const at = Math.min(Math.max((from + to) / 2, box.left + half), right - half);
        const row = rows.findIndex(spans => spans.every(([low, high]) => at + half <= low || at - half >= high));
        if (row < 0) continue;
        rows[row].push([at - half, at + half]);
        ctx.lineWidth = 3; ctx.lineJoin = "round"; ctx.strokeStyle = colours.page; ctx.textAlign = "center";
        ctx.strokeText(gene.name, at, bottom - 12 - 14 * row);
        words(gene.name, at, bottom - 12 - 14 * row, colours.ink, "center");
      }
    }
    ctx.font = FONT;
  }

  function ruler(ctx, words, px, box) { // names of chromosomes; of a single one, megabases
    const bottom = box.top + box.height, seen = shown(chromosomes);
    if (seen.length > 1) {
      const rows = [-Infinity, -Infinity];
      for (const c of seen) {
        const left = Math.max(px(c.start), box.left), right = Math.min(px(c.end), box.left + box.width);
        const half = ctx.measureText(c.name).width / 2 + 1, row = rows.findIndex(taken => (left + right) / 2 - half >= taken);
        if (row < 0) continue;
        rows[row] = (left + right) / 2 + half;
        words(c.name, (left + right) / 2, bottom + 11 + 14 * row, colours.quiet, "center");
      }
    } else if (seen.length) {
      const rough = ((view[1] - view[0]) * 90) / box.width, power = 10 ** Math.floor(Math.log10(rough));
      const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
      for (let at = Math.ceil((view[0] - seen[0].start) / step) * step; at <= view[1] - seen[0].start; at += step) {
        if (at < 0 || seen[0].start + at > seen[0].end) continue;
        const place = px(seen[0].start + at);
        ctx.fillStyle = colours.quiet; ctx.fillRect(place - 0.5, bottom, 1, 5);
        words(`${(at / 1e6).toLocaleString("en", { maximumFractionDigits: 3 })} Mb`, place, bottom + 14, colours.quiet, "center");
      }
      words(`chromosome ${seen[0].name}`, box.left + box.width / 2, bottom + 29, colours.quiet, "center");
    }
  }

  function sentence() {
    const points = from(view[1]) - from(view[0]), seen = shown(chromosomes), first = seen[0], last = seen.at(-1);
    const called = shown(calls).map(call => call.name);
    let place = "whole genome";
    if (first === last) {
      const bands = shown(marks.band).map(band => band.name), inside = bands.length ? ` (${[...new Set([bands[0], bands.at(-1)])].join(" to ")})` : "";
      place = `chromosome ${first.name}, ${mb(Math.max(view[0] - first.start, 0))} to ${mb(view[1] - first.start)} Mb${inside}`;
    }
    if (first !== last && (view[0] > 0 || view[1] < total)) {
      place = `chromosome ${first.name} from ${mb(view[0] - first.start)} Mb to chromosome ${last.name} at ${mb(view[1] - last.start)} Mb`;
    }
    const what = called.length ? (called.length > 6 ? `${called.length} called changes` : called.join("; ")) : "no called change";
    return `In view: ${place}. ${points.toLocaleString("en")} points; ${what}.`;
  }

  function show(start, end, keep = true) {
    const width = Math.min(Math.max(end - start, least), total);
    const from = Math.min(Math.max((start + end - width) / 2, 0), total - width);
    view = [from, from + width];
    for (const plot of plots) plot.setScale("x", { min: view[0], max: view[1] });
    said.querySelector("[data-view]").textContent = sentence();
    select.value = [...select.options].find(o => o.value === view.map(Math.round).join(" "))?.value ?? "";
    if (keep) history.replaceState(null, "", width === total ? location.pathname + location.search : `#at=${view.map(Math.round).join("-")}`);
  }

  function fromAddress() { // a view in the address: #at=from-to, in bases along the genome
    const found = location.hash.match(/^#at=(\d+)-(\d+)$/);
    if (found && Number(found[1]) < Number(found[2])) show(Number(found[1]), Number(found[2]), false);
    return Boolean(found);
  }

  function point(kind, values, at) { // the value under the pointer
    const place = said.querySelector("[data-value]"), chromosome = at === null ? undefined : chromosomes.find(c => at >= c.start && at < c.end);
    const next = at === null ? 0 : from(at), near = next > 0 && (next === x.length || at - x[next - 1] < x[next] - at) ? next - 1 : next;
    if (!chromosome || Math.abs(x[near] - at) > (view[1] - view[0]) / 50) { place.textContent = ""; return; }
    const copies = (kind === "ratio" ? chromosome.copies : 2) * 2 ** values[near];
    const band = marks.band.find(mark => x[near] >= mark.start && x[near] < mark.end);
    place.textContent = `Pointer: chromosome ${chromosome.name}${band ? ` ${band.name}` : ""}, ${mb(x[near] - chromosome.start)} Mb, log2 ${signed(Number(values[near].toFixed(2)))}, ${copies.toFixed(1)} copies.`;
  }

  const steps = {
    in: (a, b) => [a + (b - a) / 4, b - (b - a) / 4],
    out: (a, b) => [a - (b - a) / 2, b + (b - a) / 2],
    left: (a, b) => [a - (b - a) / 4, b - (b - a) / 4],
    right: (a, b) => [a + (b - a) / 4, b + (b - a) / 4],
    all: () => [0, total],
  };
  const keys = { "+": "in", "=": "in", "-": "out", "0": "all", ArrowLeft: "left", ArrowRight: "right", ArrowUp: "in", ArrowDown: "out" };
  select.addEventListener("change", event => { if (event.target.value) show(...event.target.value.split(" ").map(Number)); });
  for (const button of controls.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => show(...steps[button.dataset.step](...view)));
  }
  for (const figure of figures) {
    figure.querySelector(".canvas").addEventListener("keydown", event => {
      const step = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!step) return;
      event.preventDefault();
      show(...steps[step](...view));
    });
  }

  const offer = (blob, kind) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob); link.download = `${controls.dataset.name}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const save = {
    png() { // what is in view
      const { canvas } = plots.find(plot => plot.kind === "ratio").ctx, copy = document.createElement("canvas");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      const ctx = copy.getContext("2d");
      ctx.fillStyle = colours.page; ctx.fillRect(0, 0, copy.width, copy.height); ctx.drawImage(canvas, 0, 0);
      copy.toBlob(blob => offer(blob, "png"));
    },
    svg() { // the whole genome, with the rules of the page written into it
      const still = document.querySelector("svg.genome.ratio"), copy = still.cloneNode(true);
      const own = [still, ...still.querySelectorAll("*")], copies = [copy, ...copy.querySelectorAll("*")];
      own.forEach((element, i) => {
        const style = getComputedStyle(element);
        for (const name of ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "font-size",
          "font-weight", "font-family", "text-anchor"]) {
          const value = style.getPropertyValue(name);
          if (!value.startsWith("url")) copies[i].style.setProperty(name, value);
        }
      });
      copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
      offer(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }), "svg");
    },
  };
  for (const button of controls.querySelectorAll("[data-save]")) button.addEventListener("click", save[button.dataset.save]);

  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); plots.forEach(plot => plot.redraw()); });
  for (const figure of figures) {
    figure.hidden = false;
    const still = figure.previousElementSibling; // out of sight, not out of the page: paper shows it, and its text is read out
    still.classList.add("still");
    for (const name of ["tabindex", "role", "aria-label"]) still.removeAttribute(name);
  }
  controls.hidden = said.hidden = false;
  for (const plot of plots) plot.setSize({ width: Math.max(plot.root.parentElement.clientWidth, 100), height: plot.height });
  if (!fromAddress()) show(0, total, false);
  addEventListener("hashchange", fromAddress);
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = ""; }));
})();
