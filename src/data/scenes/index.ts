/** Generated scenes of named things with exact boxes, and captions whose phrases refer to the boxes. */

export type { Caption, Phrase } from "./caption.ts";
export { composeScene, type Scene, type SceneObject, type SceneOptions } from "./compose.ts";
export { type SceneDataset, writeSceneDataset } from "./dataset.ts";
export { type DownstreamSet, downstreamSets, writeDownstreamSets } from "./downstream.ts";
export {
  checkIconSetsOf as wantIconSetsOf,
  loadWorld,
  renderWorld,
  type Split,
  splits,
  type World,
  type WorldOptions,
} from "./world.ts";
