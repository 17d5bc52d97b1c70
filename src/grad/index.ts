/** Gradients. */

export { gradients } from "./gradients.ts";
