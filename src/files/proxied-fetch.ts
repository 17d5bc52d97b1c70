/** Fetching through the proxies that the environment names. */

/** Variables that name a proxy, or hosts to be reached without one, in either case. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/**
 * `fetch` by way of HTTPS_PROXY or HTTP_PROXY (or their small letters) where one is set and NO_PROXY does not except the host. The
 * library for it is loaded only then.
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
  // The same fetch in another copy: its types differ in what is not used here.
  return (await fetchThrough(address, { ...init, dispatcher } as Parameters<
    typeof fetchThrough
  >[1])) as unknown as Response;
}
