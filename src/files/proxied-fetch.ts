/** Fetches through the proxies in the environment. */

/** Variables with a proxy, or with hosts to reach without one, in upper or lower case. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/**
 * `fetch` through HTTPS_PROXY or HTTP_PROXY (or in lower case), if one is set and NO_PROXY does not list the host. The library for proxies
 * is loaded only then.
 */
export async function proxiedFetch(
  address: URL,
  init: RequestInit,
  environment: ProxyVariables = process.env,
): Promise<Response> {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const [httpsProxy, httpProxy, noProxy] = [read("HTTPS_PROXY"), read("HTTP_PROXY"), read("NO_PROXY")];
  if (!httpsProxy && !httpProxy) return fetch(address, init);
  const { EnvHttpProxyAgent, fetch: fetchThrough } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    ...(httpProxy ? { httpProxy } : {}),
    ...(httpsProxy ? { httpsProxy } : {}),
    noProxy: noProxy ?? "",
  });
  // The same `fetch` from another copy of the library; its types differ only in unused parts.
  return (await fetchThrough(address, { ...init, dispatcher } as Parameters<
    typeof fetchThrough
  >[1])) as unknown as Response;
}
