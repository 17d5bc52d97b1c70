/** Fetches pictures for clients, only from where the service allows it, and never from private addresses unless their host is listed. */

import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import type ipaddr from "ipaddr.js";
import { Agent, fetch } from "undici";
import { InputError } from "../../../errors.ts";
import { optional } from "../../../files/optional-package.ts";
import type { UrlRules } from "../models/settings.ts";
import { Refusal } from "./refusal.ts";

const MOST_REDIRECTS = 3;

export interface FetchRules extends UrlRules {
  readonly bytes: number;
  /** Headers for one origin, such as a token of Label Studio. */
  readonly credentials?: { readonly origin: string; readonly headers: Readonly<Record<string, string>> };
}

/** Fetches the bytes of a picture. Throws InputError, and Refusal for an address that is not allowed. */
export type FetchPicture = (address: string, signal: AbortSignal) => Promise<Uint8Array>;

/** Makes what fetches pictures. Throws InputError if the package that tells private addresses is missing. */
export async function pictureFetcher(rules: FetchRules): Promise<FetchPicture> {
  if (!rules.public && rules.hosts.length === 0) return refused;
  const { default: addresses } = await optional(() => import("ipaddr.js"), {
    purpose: "fetching pictures for clients",
    packages: ["ipaddr.js"],
  });
  // The connection goes to the address that was checked: the name is looked up once.
  const checked = new Agent({ connect: { lookup: publicLookup(addresses) } });
  const listed = new Agent();
  return async (given, signal) => {
    let url = parsed(given);
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const isListed = rules.hosts.includes(url.host) || rules.hosts.includes(url.hostname);
      if (!isListed) refusePrivate(url, rules, addresses);
      const { credentials } = rules;
      const response = await fetch(url, {
        signal,
        redirect: "manual",
        dispatcher: isListed ? listed : checked,
        headers: credentials?.origin === url.origin ? { ...credentials.headers } : {},
      }).catch((error: unknown) => fetchFailed(error, signal));
      const location = response.headers.get("location");
      if (response.status < 300 || response.status >= 400 || location === null)
        return response.ok
          ? bytesOf(response, rules.bytes, signal)
          : unreadable(`the server answered ${response.status}`);
      await response.body?.cancel();
      url = parsed(URL.canParse(location, url) ? new URL(location, url).href : location);
    }
    return unreadable(`it is redirected more than ${MOST_REDIRECTS} times`);
  };
}

async function refused(): Promise<never> {
  throw new Refusal(403, "this service fetches no pictures; send the bytes, or start it with --allow-urls");
}

function parsed(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : unreadable("it is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") unreadable("it is not a URL with http: or https:");
  if (url.username || url.password) unreadable("it holds a name or a password");
  return url;
}

function refusePrivate(url: URL, rules: UrlRules, addresses: typeof ipaddr): void {
  if (!rules.public)
    throw new Refusal(
      403,
      `this service fetches no pictures from ${url.host}; it must be started with --allow-urls-from`,
    );
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) && !isPublic(host, addresses)) throw privateAddress();
}

function isPublic(address: string, addresses: typeof ipaddr): boolean {
  return addresses.process(address).range() === "unicast";
}

/** Looks a name up, and fails if one of its addresses is private. */
function publicLookup(addresses: typeof ipaddr): LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, "", 0);
      if (found.length === 0 || found.some(({ address }) => !isPublic(address, addresses)))
        return done(privateAddress(), "", 0);
      // Who asks for all addresses gets all.
      if (options.all) return done(null, found);
      done(null, found[0]!.address, found[0]!.family);
    });
  };
}

function privateAddress(): Refusal {
  return new Refusal(403, "the picture's URL leads to a private address, from which this service fetches nothing");
}

function fetchFailed(error: unknown, signal: AbortSignal): never {
  signal.throwIfAborted();
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Refusal) throw cause;
  const { cause } = error as Error;
  return unreadable(cause instanceof Error ? cause.message : String(error));
}

async function bytesOf(
  { body }: { body: AsyncIterable<Uint8Array> | null },
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > most) break;
      chunks.push(chunk);
    }
  } catch (error) {
    fetchFailed(error, signal);
  }
  if (size > most) throw new Refusal(413, `the picture has more than ${most} bytes`);
  return size > 0 ? new Uint8Array(Buffer.concat(chunks)) : unreadable("it is empty");
}

function unreadable(reason: string): never {
  throw new InputError(`the picture cannot be fetched: ${reason}`);
}
