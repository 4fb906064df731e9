/** The HTTP API for tests: throws what it answers when it does not do what was asked. */
export async function call(
  httpPort: number,
  path: string,
  json?: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/${path}`, {
    method: json === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json" },
    body: json === undefined ? null : JSON.stringify(json),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${answer.detail}`);
  return answer;
}
