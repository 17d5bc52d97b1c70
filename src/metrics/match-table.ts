/** A readable table of the matches of detections and objects in one image and category. */

import type { Id } from "../data/readers/coco-records.ts";
import type { CocoEvaluation } from "./coco.ts";
import { createMatcher, isDetectionIgnored, overlapThresholds } from "./matching.ts";

/** Tables are [threshold][detection] or [threshold][object]. */
export interface MatchTable {
  /** Indices in the list of detections, best score first. */
  detections: number[];
  scores: number[];
  /** Annotation ids in the order of matching: ignored ones last. */
  gtIds: number[];
  gtIgnore: (0 | 1)[];
  /** Annotation id matched with each detection; 0 for none. */
  dtMatches: number[][];
  dtIgnore: (0 | 1)[][];
  /** Index of the (last) detection that was matched with each object; −1 for none. */
  gtMatches: number[][];
  /** [detection][object in file order]; empty where there is no object. */
  iousInFileOrderOfGt: number[][];
}

/** The table of an image and a category (0 where classes are one) in an area range; undefined if there are no detections and no objects. */
export function matchTable(
  evaluation: CocoEvaluation,
  where: { imageId: Id; category: number; area?: number },
): MatchTable | undefined {
  const { problem, pairs, imgIds } = evaluation;
  const { area = 0 } = where;
  const image = imgIds.indexOf(where.imageId);
  const pair = pairs.list.find((candidate) => candidate.image === image && candidate.category === where.category);
  if (!pair) return undefined;
  const matcher = createMatcher(problem, pairs);
  matcher.open(pair);
  matcher.match(area);
  const slots = [...pairs.slots.subarray(pair.slotStart, pair.slotEnd)];
  const objects = [...pairs.objectOrder.subarray(pair.objectStart, pair.objectEnd)];
  const tried = [...objects.keys()].sort((a, b) => matcher.ignored[a]! - matcher.ignored[b]! || a - b);
  const position = (slot: number) => problem.detections.position[slot]!;
  const table: MatchTable = {
    detections: slots.map(position),
    scores: slots.map((slot) => problem.detections.score[slot]!),
    gtIds: tried.map((place) => problem.objects.id[objects[place]!]!),
    gtIgnore: tried.map((place) => (matcher.ignored[place] ? 1 : 0)),
    dtMatches: [],
    dtIgnore: [],
    gtMatches: [],
    iousInFileOrderOfGt: objects.length
      ? slots.map((slot) => objects.map((object) => problem.overlap(slot, object)))
      : [],
  };
  for (let threshold = 0; threshold < overlapThresholds.length; threshold++) {
    const taken = slots.map((_, detection) => matcher.assigned[threshold * slots.length + detection]!);
    const object = (place: number) => ({
      id: problem.objects.id[objects[place]!]!,
      ignored: matcher.ignored[place]!,
    });
    table.dtMatches.push(taken.map((place) => (place < 0 ? 0 : object(place).id)));
    table.dtIgnore.push(
      taken.map((place, detection) =>
        isDetectionIgnored(problem, slots[detection]!, area, place < 0 ? undefined : object(place)) ? 1 : 0,
      ),
    );
    table.gtMatches.push(
      tried.map((place) => {
        const last = taken.lastIndexOf(place);
        return last < 0 ? -1 : position(slots[last]!);
      }),
    );
  }
  return table;
}
