/** The protocols of evaluation: to add one is to add a file and a row (docs/adding-a-model.md). */

import type { ProtocolRow } from "./protocols/protocol-row.ts";

/** The names are the choices of `groundling eval --protocol`. The code of a protocol is loaded on first use. */
const rows = {
  coco: async () => (await import("./protocols/coco.ts")).coco,
  lvis: async () => (await import("./protocols/lvis.ts")).lvis,
  "lvis-fixed": async () => (await import("./protocols/lvis.ts")).lvisFixed,
  flickr30k: async () => (await import("./protocols/flickr30k.ts")).flickr30k,
  odinw: async () => (await import("./protocols/odinw.ts")).odinw,
  ovd: async () => (await import("./protocols/open-vocabulary.ts")).openVocabulary,
  vqa: async () => (await import("./protocols/answers-and-captions.ts")).vqa,
  captions: async () => (await import("./protocols/answers-and-captions.ts")).captions,
  refcoco: async () => (await import("./protocols/referring.ts")).refcoco,
  phrasecut: async () => (await import("./protocols/referring.ts")).phrasecut,
  "zero-shot": async () => (await import("./protocols/zero-shot.ts")).zeroShot,
  "linear-probe": async () => (await import("./protocols/linear-probe.ts")).linearProbe,
  retrieval: async () => (await import("./protocols/retrieval.ts")).retrieval,
} satisfies Record<string, () => Promise<ProtocolRow>>;

/** The name of a protocol. */
export type Protocol = keyof typeof rows;
/** The names of the protocols. */
export const protocols = Object.keys(rows) as Protocol[];
export const protocolRows: Readonly<Record<Protocol, () => Promise<ProtocolRow>>> = rows;
