/** The style sheet and the script of a report. */

export const pageStyle = `
:root { --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --paper: #fff; --back: #f5f7f9; --a: #2563eb; --b: #d97706; --c: #059669; --bad: #dc2626; --good: #16a34a }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 60px }
h1 { font-size: 24px; margin: 0 0 4px } h2 { font-size: 17px; margin: 0 0 10px }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 16px; margin-top: 16px }
.facts { color: var(--soft) } .facts span { margin-right: 16px; overflow-wrap: anywhere } .note { color: var(--soft); margin: 0 0 10px }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 10px }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: 8px 10px } .tile b { display: block; font-size: 20px; font-variant-numeric: tabular-nums } .tile span { color: var(--soft); overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); gap: 16px } figure { margin: 0 } svg { width: 100%; height: auto; display: block }
.grid { stroke: var(--line) } .tick, .label { fill: var(--soft); font-size: 11px } .line { fill: none; stroke-width: 2 }
.line.a { stroke: var(--a) } .line.b { stroke: var(--b) } .line.c { stroke: var(--c) }
.key { margin-right: 14px; color: var(--soft) } .key::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; background: currentColor }
.key.a::before { background: var(--a) } .key.b::before { background: var(--b) } .key.c::before { background: var(--c) }
.controls { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin-bottom: 10px } input, select { font: inherit; padding: 4px 8px; border: 1px solid var(--line); border-radius: 5px; background: #fff; color: inherit; max-width: 100% }
.overview { height: 70px; width: 100%; margin-bottom: 10px } .overview rect { fill: var(--a); opacity: .75 }
.rows { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); column-gap: 28px; max-height: 640px; overflow-y: auto; border-top: 1px solid var(--line); padding-top: 8px }
.row { display: grid; grid-template-columns: minmax(0, 1fr) 56px 38px 36px; gap: 8px; align-items: center; height: 22px; border: 0; padding: 0 2px; width: 100%; background: none; font: inherit; color: inherit; text-align: left; cursor: pointer }
.row:hover, .row:focus-visible, .row.chosen { background: #eaf1fe; outline: none } .row .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.bar { height: 10px; background: var(--line); border-radius: 2px; overflow: hidden } .bar i { display: block; height: 100%; background: var(--a) }
.number { text-align: right; font-variant-numeric: tabular-nums } .many { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; font-size: 12px }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 12px } th, td { padding: 3px 6px; border: 1px solid var(--line); text-align: right; font-variant-numeric: tabular-nums } th { font-weight: 500; background: var(--back) }
.confusion thead th { vertical-align: bottom } .confusion thead span { display: block; writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; max-height: 150px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap } .confusion th[scope=row] { text-align: left; white-space: nowrap; max-width: 180px; overflow: hidden; text-overflow: ellipsis }
.two { display: grid; grid-template-columns: minmax(0, 3fr) minmax(220px, 1fr); gap: 20px } @media (max-width: 800px) { .two { grid-template-columns: minmax(0, 1fr) } } ol { margin: 0; padding-left: 24px } .two h3 { font-size: 14px; margin: 0 0 8px }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 14px } .card svg { background: #e9edf2; border-radius: 5px; height: 150px } .card p { margin: 6px 0 0; font-size: 12px; overflow-wrap: anywhere } .card p + p { margin: 0; color: var(--soft) }
.truth { fill: none; stroke: var(--good) } .found { fill: none; stroke: var(--bad) } .truth, .found { stroke-width: 2; vector-effect: non-scaling-stroke }
.key.truth::before { background: var(--good) } .key.found::before { background: var(--bad) }
`;

/** Filters and sorts the rows, and draws the curves of the selected class. */
export const pageScript = `
const rows = [...document.querySelectorAll(".row")], list = document.querySelector(".rows");
const data = JSON.parse(document.getElementById("curves")?.textContent || "[]");
const find = document.getElementById("find"), order = document.getElementById("order");
const orders = { value: (a, b) => b.dataset.value - a.dataset.value, worst: (a, b) => a.dataset.value - b.dataset.value,
  name: (a, b) => a.dataset.name < b.dataset.name ? -1 : 1, objects: (a, b) => b.dataset.objects - a.dataset.objects };
order?.addEventListener("change", () => list.append(...rows.sort(orders[order.value])));
find?.addEventListener("input", () => {
  const wanted = find.value.toLowerCase();
  for (const row of rows) row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
  for (const row of rows) row.style.display = row.hidden ? "none" : "";
});
const recall = document.getElementById("recall"), score = document.getElementById("score"), which = document.getElementById("which");
const first = [recall, score].map((figure) => figure?.querySelector(".lines").innerHTML);
const values = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const points = (xs, ys) => [...xs].map((x, i) => (46 + x * 402).toFixed(1) + "," + (260 - ys[i] * 248).toFixed(1)).join(" ");
const line = (style, xs, ys) => '<polyline class="line ' + style + '" points="' + points(xs, ys) + '"/>';
function choose(row) {
  for (const other of rows) other.classList.toggle("chosen", other === row);
  const curves = row && data[row.dataset.index];
  which.textContent = row ? row.dataset.name + " (press again for all classes)" : "all classes";
  if (!curves) { recall.querySelector(".lines").innerHTML = row ? "" : first[0]; score.querySelector(".lines").innerHTML = row ? "" : first[1]; return; }
  const [half, more, scores] = curves.map((text) => [...values(text)].map((value) => value / 250)), r = half.map((_, i) => i / 100);
  recall.querySelector(".lines").innerHTML = line("a", r, half) + line("b", r, more);
  const reached = r.filter((_, i) => half[i] > 0), xs = reached.map((_, i) => scores[i]), p = reached.map((_, i) => half[i]);
  score.querySelector(".lines").innerHTML = line("a", xs, p) + line("b", xs, reached) + line("c", xs, p.map((q, i) => 2 * q * reached[i] / (q + reached[i] || 1)));
}
if (recall) for (const row of rows) row.addEventListener("click", () => choose(row.classList.contains("chosen") ? null : row));
`;
