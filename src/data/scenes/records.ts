/** Converts scenes to records of datasets: COCO's for boxes of names, MDETR's for boxes of words in captions. */

import type { Scene } from "./compose.ts";
import type { World } from "./world.ts";

/** Ids of a scene in a dataset. */
export interface Place {
  readonly id: number;
  readonly file: string;
}

/** Annotations of one scene for both files. */
export interface SceneRecords {
  readonly instances: { readonly image: object; readonly annotations: readonly object[] };
  readonly grounding: { readonly image: object; readonly annotations: readonly object[] };
}

/** Annotation ids start at 1 (COCO's evaluation treats a match with 0 as none) and allow this many things per scene. */
const room = 100;

/**
 * COCO annotations (`bbox` as x, y, width, height; masks as run lengths; names related to those shown under
 * `not_exhaustive_category_ids`, as LVIS does) and MDETR annotations (`tokens_positive`: letters of the caption;
 * `tokens_positive_eval`: those of each phrase, for the evaluation of grounding).
 */
export function recordsOf(scene: Scene, { id, file }: Place, world: World): SceneRecords {
  const { picture, objects, owners, caption, phrases } = scene;
  const { width, height } = picture;
  const image = { id, file_name: file, width, height };
  const kin = new Set(objects.flatMap(({ name }) => [...world.relatedTo(name)]));
  const masks = maskRuns(owners, width, height, objects.length);
  const boxed = objects.map(({ box: [left, top, right, bottom] }, i) => ({
    id: 1 + id * room + i,
    image_id: id,
    bbox: [left, top, right - left, bottom - top],
    area: masks[i]!.filter((_, run) => run % 2 === 1).reduce((sum, length) => sum + length, 0),
    iscrowd: 0,
  }));
  return {
    instances: {
      image: {
        ...image,
        not_exhaustive_category_ids: world.names.flatMap((name, i) => (kin.has(name) ? [i + 1] : [])),
      },
      annotations: boxed.map((annotation, i) => ({
        ...annotation,
        category_id: world.names.indexOf(objects[i]!.name) + 1,
        segmentation: { size: [height, width], counts: masks[i] },
      })),
    },
    grounding: {
      image: {
        ...image,
        original_img_id: id,
        sentence_id: 0,
        caption,
        dataset_name: "scenes",
        tokens_negative: [[0, caption.length]],
        tokens_positive_eval: phrases.map(({ span }) => [span]),
      },
      annotations: boxed.map((annotation, i) => ({
        ...annotation,
        category_id: 1,
        tokens_positive: phrases.filter((phrase) => phrase.objects.includes(i)).map(({ span }) => span),
      })),
    },
  };
}

/** For each object, its mask as run lengths down the columns. */
function maskRuns(owners: Uint8Array, width: number, height: number, count: number): number[][] {
  const runs = Array.from({ length: count }, () => [] as number[]);
  const ends = new Array<number>(count).fill(0);
  let [owner, start] = [0, 0];
  const close = (end: number) => {
    const own = runs[owner - 1];
    if (!own) return;
    own.push(start - ends[owner - 1]!, end - start);
    ends[owner - 1] = end;
  };
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0; y < height; y++, at++) {
      const next = owners[y * width + x]!;
      if (next === owner) continue;
      close(at);
      [owner, start] = [next, at];
    }
  close(width * height);
  return runs.map((own, i) => (ends[i] === width * height ? own : [...own, width * height - ends[i]!]));
}
