/** Bearer tokens. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Whether a presented token is one of the service's. */
export type TokenCheck = (presented: string | undefined) => boolean;

/** Compares digests with every token, so that the time tells nothing about a token. Without tokens everybody may ask. */
export function tokenCheck(tokens: readonly string[]): TokenCheck {
  const digests = tokens.map(digest);
  return (presented) => {
    if (digests.length === 0) return true;
    const given = digest(presented ?? "");
    let matches = 0;
    for (const known of digests) matches |= Number(timingSafeEqual(known, given));
    return presented !== undefined && matches === 1;
  };
}

/** The token of a request: a bearer token, the password of basic authorization (Label Studio), or `api_key` (Roboflow). */
export function presentedToken(
  { authorization = "" }: IncomingHttpHeaders,
  query: URLSearchParams,
): string | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() === "basic")
    return Buffer.from(value, "base64")
      .toString("utf8")
      .replace(/^[^:]*:/, "");
  return query.get("api_key") ?? undefined;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
