/** Waiting for a state of the world that nothing announces: asked for again and again, within bounds. */

const INTERVAL_MS = 25;

/** Asks until the answer is neither undefined nor false, and gives it. Rejects after the time, naming what did not come. */
export async function until<T>(
  what: string,
  timeout_ms: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline_ms = performance.now() + timeout_ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline_ms) throw new Error(`not in ${timeout_ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
