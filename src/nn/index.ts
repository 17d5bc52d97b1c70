/** Scopes, layers and first values. */

export * from "./initialisers.ts";
export * from "./layers.ts";
export * from "./scope.ts";
