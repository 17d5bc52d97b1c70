/** What the service is told at its start. */

import type { ModelSetup } from "./task.ts";

/** A name and its file or folder. */
export interface NamedPath {
  readonly name: string;
  readonly path: string;
}

/** Limits of what clients send. */
export interface Limits {
  /** Requests that are read, wait or run at the same time; more are answered with 429. */
  readonly requests: number;
  /** Seconds that a request may take to arrive, and then to be answered. */
  readonly seconds: number;
  /** Bytes of a request, and of a picture that is fetched. */
  readonly bytes: number;
  /** Pixels of a picture. */
  readonly pixels: number;
}

/** From where pictures may be fetched. */
export interface UrlRules {
  /** From public addresses. */
  readonly public: boolean;
  /** From these hosts, as HOST or HOST:PORT, even if their address is private. */
  readonly hosts: readonly string[];
}

export interface ServiceSettings {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** In the order in which they are chosen for a request that names none. */
  readonly models: readonly NamedPath[];
  /** Adapted prompts. */
  readonly adapted: readonly NamedPath[];
  readonly loading: ModelSetup["loading"];
  /** Worker threads of each model. */
  readonly workers: number;
  readonly limits: Limits;
  readonly urls: UrlRules;
  /** Bearer tokens; if there is none, everybody may ask. */
  readonly tokens: readonly string[];
  /** Origins of pages that may ask from a browser. */
  readonly origins: readonly string[];
  /** Label Studio, whose pictures are fetched with its key. */
  readonly labelStudio?: { readonly url: string; readonly key?: string };
  readonly logLevel: "info" | "warn" | "silent";
  /** The module of the worker threads; default: model-worker. */
  readonly module?: URL;
}

/** The settings, unless others are given. */
export const DEFAULT_LIMITS: Limits = { requests: 64, seconds: 30, bytes: 20 * 2 ** 20, pixels: 25_000_000 };
export const DEFAULT_PORT = 8080;
