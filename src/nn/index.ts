/** Scopes, layers and initial values. */

export * from "./initialisers.ts";
export * from "./layers.ts";
export * from "./scope.ts";
