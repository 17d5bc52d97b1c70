/** A report as one HTML page that needs no network and no other file. */
import type { CocoGroundTruth } from "../../data/readers/coco-records.ts";
import { xmlText } from "../../files/xml-text.ts";
import type { Mistake } from "../../metrics/mistakes.ts";
import { lineChart } from "./charts.ts";
import { pageScript, pageStyle } from "./page-style.ts";
import { type Cut, cutOut } from "./pictures.ts";
import { meanCurve, type ReportData, type ReportRow } from "./report-data.ts";

export interface ReportPictures {
  images: CocoGroundTruth["images"];
  /** Folder of the pictures; without it, boxes are shown on a blank background. */
  folder?: string;
}

/** Classes shown in the confusion table: those most often confused, then those with the most objects. */
const confusedClasses = 20;

/** The page. */
export async function reportPage(data: ReportData, { images, folder }: ReportPictures): Promise<string> {
  const byId = new Map(images.map((image) => [image.id, image]));
  const cards = async (mistakes: readonly Mistake[], kind: "miss" | "alarm") => {
    const drawn = mistakes.map(async (mistake) =>
      mistakeCard(mistake, kind, { cut: await cutOut(mistake, byId.get(mistake.imageId), folder), rows: data.rows }),
    );
    return (await Promise.all(drawn)).join("");
  };
  const sections = [
    `<section><h2>Numbers</h2><div class="tiles">${tiles(data.metrics)}</div></section>`,
    data.scores ? curvesSection(data) : "",
    rowsSection(data),
    data.confusion ? confusionSection(data) : "",
    data.misses.length
      ? `<section><h2>Worst misses</h2><p class="note">The largest objects without a detection of their class at overlap .5 or more. ${keys}</p><div class="cards">${await cards(data.misses, "miss")}</div></section>`
      : "",
    data.falseAlarms.length
      ? `<section><h2>Worst false positives</h2><p class="note">The highest-scoring detections that match no object at overlap .5. ${keys}</p><div class="cards">${await cards(data.falseAlarms, "alarm")}</div></section>`
      : "",
  ];
  const facts = data.facts.map(([name, value]) => `<span>${xmlText(name)}: <b>${xmlText(value)}</b></span>`);
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${xmlText(data.title)}</title><style>${pageStyle}</style></head><body><main>` +
    `<h1>${xmlText(data.title)}</h1><div class="facts">${facts.join("")}</div>${sections.join("")}` +
    `<script type="application/json" id="curves">${curvesJson(data)}</script><script>${pageScript}</script></main></body></html>\n`
  );
}

const keys = '<span class="key truth">annotated</span><span class="key found">detected</span>';

function share(value: number): string {
  return value <= -1 ? "–" : (100 * value).toFixed(1);
}

function tiles(metrics: Record<string, number>): string {
  return Object.entries(metrics)
    .map(
      ([name, value]) =>
        `<div class="tile"><b>${share(value)}</b><span>${xmlText(name).replaceAll("_", "_<wbr>")}</span></div>`,
    )
    .join("");
}

function curvesSection({ rows, scores }: ReportData): string {
  const against = (curve: readonly number[]) => curve.map((value, r) => [r / 100, value] as const);
  const recall = lineChart(
    [
      { name: "overlap .5", style: "a", points: against(meanCurve(rows, "half")) },
      { name: "overlap .75", style: "b", points: against(meanCurve(rows, "threeQuarters")) },
    ],
    { id: "recall", x: "recall", y: "precision" },
  );
  const { scores: at, precision, recall: reached, bestScore } = scores!;
  const over = (values: readonly number[]) => at.map((score, i) => [score, values[i]!] as const);
  const f1 = at.map((_, i) => (2 * precision[i]! * reached[i]!) / (precision[i]! + reached[i]! || 1));
  const score = lineChart(
    [
      { name: "precision", style: "a", points: over(precision) },
      { name: "recall", style: "b", points: over(reached) },
      { name: "F1", style: "c", points: over(f1) },
    ],
    { id: "score", x: "score threshold", y: "share", range: scoreRange(at) },
  );
  return (
    `<section><h2>Curves: <span id="which">all classes</span></h2><p class="note">Choose a class below to see its curves. ` +
    `Over all classes, F1 at overlap .5 is highest at a threshold of ${Number(bestScore.toPrecision(4))}.</p>` +
    `<div class="charts">${recall}${score}</div></section>`
  );
}

/** From 0 to 1, or the range of the scores. */
function scoreRange(scores: readonly number[]): [number, number] {
  return [scores.reduce((a, b) => Math.min(a, b), 0), scores.reduce((a, b) => Math.max(a, b), 1)];
}

function rowsSection({ rows, barMetric }: ReportData): string {
  const judged = rows.map((row, index) => ({ row, index })).sort((a, b) => b.row.value - a.row.value);
  const bars = judged.filter(({ row }) => row.value > -1);
  const step = 1000 / Math.max(bars.length, 1);
  const overview = bars.map(({ row }, i) => {
    const size = Math.max(0.6, 70 * row.value);
    return `<rect x="${(i * step).toFixed(2)}" y="${(70 - size).toFixed(1)}" width="${Math.max(step * 0.85, 0.5).toFixed(2)}" height="${size.toFixed(1)}"><title>${xmlText(row.name)} ${share(row.value)}</title></rect>`;
  });
  const list = judged.map(
    ({ row, index }) =>
      `<button class="row" data-index="${index}" data-name="${xmlText(row.name)}" data-value="${row.value}" data-objects="${row.objects ?? 0}" title="${xmlText(rowTitle(row))}">` +
      `<span class="name">${xmlText(row.name)}</span><span class="bar"><i style="width:${Math.max(0, 100 * row.value).toFixed(1)}%"></i></span>` +
      `<span class="number">${share(row.value)}</span><span class="many">${row.objects ?? row.metrics.phrases ?? ""}</span></button>`,
  );
  return (
    `<section><h2>${xmlText(barMetric)} of each</h2>` +
    `<p class="note">${bars.length} of ${rows.length} have objects. From best to worst:</p>` +
    `<svg class="overview" viewBox="0 0 1000 70" preserveAspectRatio="none" role="img" aria-label="from best to worst">${overview.join("")}</svg>` +
    `<div class="controls"><input id="find" type="search" placeholder="find a name" aria-label="find a name">` +
    `<select id="order" aria-label="order"><option value="value">best first</option><option value="worst">worst first</option><option value="name">by name</option><option value="objects">most objects first</option></select>` +
    `<span class="note">name, ${xmlText(barMetric)} in percent, objects</span></div><div class="rows">${list.join("")}</div></section>`
  );
}

function rowTitle({ name, metrics }: ReportRow): string {
  return [
    name,
    ...Object.entries(metrics).map(([metric, value]) => `${metric} ${metric === "phrases" ? value : share(value)}`),
  ].join("\n");
}

function confusionSection({ confusion, rows }: ReportData): string {
  const { cells, score } = confusion!;
  const wrong = cells.filter(([truth, called]) => truth >= 0 && called >= 0 && truth !== called);
  const shown = shownClasses(cells, wrong);
  const name = (place: number, none: string) => xmlText(place < 0 ? none : rows[place]!.name);
  const list = wrong
    .slice(0, 15)
    .map(([truth, called, count]) => `<li>${name(truth, "")} called ${name(called, "")}: ${count}</li>`);
  return (
    `<section><h2>Confusion table</h2><p class="note">Rows are objects, columns are what the model called them, at overlap .5 or more${score === undefined ? ", by the best box of each phrase" : ` and a score of ${Number(score.toPrecision(4))} or more`}; ` +
    `${shown.length} of ${rows.length} classes: those most often confused.</p>` +
    `<div class="two"><div class="scroll">${confusionTable(cells, shown, name)}</div><div><h3>Most frequent</h3><ol>${list.join("") || "<li>no confusions</li>"}</ol></div></div></section>`
  );
}

type ConfusionCells = NonNullable<ReportData["confusion"]>["cells"];

/** The classes in the table: those most often confused, then those with the most objects, in ascending order. */
function shownClasses(cells: ConfusionCells, wrong: ConfusionCells): number[] {
  const confused = new Map<number, number>();
  for (const [truth, called, count] of wrong)
    for (const place of [truth, called]) confused.set(place, (confused.get(place) ?? 0) + count);
  const mostFirst = (counts: ReadonlyMap<number, number>) =>
    [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).flatMap(([place]) => (place < 0 ? [] : [place]));
  const places = new Set([...mostFirst(confused), ...mostFirst(objectsOf(cells))]);
  return [...places].slice(0, confusedClasses).sort((a, b) => a - b);
}

/** The number of objects of each class. */
function objectsOf(cells: ConfusionCells): Map<number, number> {
  const objects = new Map<number, number>();
  for (const [truth, , count] of cells) objects.set(truth, (objects.get(truth) ?? 0) + count);
  return objects;
}

function confusionTable(
  cells: ConfusionCells,
  shown: readonly number[],
  name: (place: number, none: string) => string,
): string {
  const objects = objectsOf(cells);
  const counts = new Map(cells.map(([truth, called, count]) => [`${truth} ${called}`, count]));
  const cell = (truth: number, called: number) => {
    if (truth < 0 && called < 0) return "<td></td>";
    const count = counts.get(`${truth} ${called}`) ?? 0;
    const part = count / (objects.get(truth) || 1);
    const colour =
      truth === called ? `rgba(22,163,74,${(0.75 * part).toFixed(2)})` : `rgba(220,38,38,${(0.75 * part).toFixed(2)})`;
    return `<td${count ? ` style="background:${colour}"` : ""}>${count || ""}</td>`;
  };
  const columns = [...shown, -1];
  const head = columns.map((place) => {
    const text = name(place, "missed");
    return `<th scope="col" title="${text}"><span>${text}</span></th>`;
  });
  const rows = columns.map((truth) => {
    const text = name(truth, "nothing there");
    return `<tr><th scope="row" title="${text}">${text}</th>${columns.map((called) => cell(truth, called)).join("")}</tr>`;
  });
  return `<table class="confusion"><thead><tr><td></td>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function mistakeCard(
  mistake: Mistake,
  kind: "miss" | "alarm",
  { cut, rows }: { cut: Cut; rows: readonly ReportRow[] },
): string {
  const { left, top, width, height, address, missing } = cut;
  const box = ([x, y, w, h]: readonly number[], style: string) =>
    `<rect class="${style}" x="${x! - left}" y="${y! - top}" width="${w}" height="${h}"/>`;
  const [own, other] = kind === "miss" ? ["truth", "found"] : ["found", "truth"];
  const near = mistake.nearest;
  const name = mistake.name ?? rows[mistake.category]!.name;
  const explanation = explain(kind, mistake, rows);
  const score = mistake.score === undefined ? "" : ` ${Number(mistake.score.toPrecision(3))}`;
  return (
    `<div class="card"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${xmlText(name)}">` +
    (address ? `<image href="${address}" width="${width}" height="${height}" preserveAspectRatio="none"/>` : "") +
    `${near ? box(near.xywh, other!) : ""}${box(mistake.xywh, own!)}</svg>` +
    `<p><b>${xmlText(name)}</b>${score}</p><p>${xmlText(explanation)}</p><p>image ${xmlText(String(mistake.imageId))}</p>${missing === undefined ? "" : `<p class="note">without its picture: ${xmlText(missing)}</p>`}</div>`
  );
}

function explain(kind: "miss" | "alarm", { nearest, category }: Mistake, rows: readonly ReportRow[]): string {
  if (!nearest) return kind === "miss" ? "no detection there" : "no object there";
  const overlap = nearest.overlap.toFixed(2);
  const isAnotherPhrase = nearest.name !== undefined && nearest.overlap >= 0.5;
  if (isAnotherPhrase) return `the best box is on “${nearest.name}” (overlap ${overlap})`;
  if (nearest.category === category) {
    return nearest.overlap >= 0.5 ? "already matched, or not counted" : `overlap only ${overlap}`;
  }
  const name = nearest.name ?? rows[nearest.category]!.name;
  if (nearest.overlap >= 0.5) return `${kind === "miss" ? "called" : "is"} ${name} (overlap ${overlap})`;
  return `nearest is ${name} (overlap ${overlap})`;
}

/** Curves as base64 bytes (250 means 1), so that a thousand classes stay small. Scores are mapped to the chart's range. */
function curvesJson({ rows, scores }: ReportData): string {
  const [low, high] = scoreRange(scores?.scores ?? []);
  const coded = (values: readonly number[]) =>
    Buffer.from(values.map((value) => Math.round(250 * Math.min(1, Math.max(0, value))))).toString("base64");
  const curves = rows.map((row) =>
    row.curves
      ? [
          coded(row.curves.half),
          coded(row.curves.threeQuarters),
          coded(row.curves.scores.map((s) => (s - low) / (high - low))),
        ]
      : null,
  );
  return scores ? JSON.stringify(curves) : "[]";
}
