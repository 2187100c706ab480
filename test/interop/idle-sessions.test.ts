/** What sessions cost while nothing happens: the links' and tunnels' signs of life alone, of the shipped program. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ADDRESS, ManySessions, SESSIONS_PER_TUNNEL } from '../bench/many-sessions.js';
import { threadTimes_ns, usedSince_ns } from '../bench/processor.js';
import { Capture, judge } from '../lab/capture.js';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';

const SESSIONS = 1_000;
/** An Echo-Reply is life of the tunnel, too: HELLO goes out only where it is due before the next of them. */
const HELLO_INTERVAL_S = 10;
const ECHO_INTERVAL_S = 30;
/** Within it each session has one Echo-Request; those that came up first wait for theirs the least. */
const IDLE_MS = (ECHO_INTERVAL_S + 1) * 1_000;
const MOST_OF_A_CORE = 0.01;
const MOST_WINDOWS = 3;

describe(`${SESSIONS} sessions whose users do nothing`, { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: ManySessions;

  before(async () => {
    lab = await Lab.open();
    box = await ManySessions.start(lab, SESSIONS);
    await box.appliance.api.configure({
      l2tp: { helloInterval_s: HELLO_INTERVAL_S },
      ppp: { echoInterval_s: ECHO_INTERVAL_S },
    });
  });
  after(() => lab?.close());

  it('are asked for life by LCP Echo (RFC 1661 section 5.8) and HELLO (RFC 2661 section 5.5) for less than 1 % of a core', async (context) => {
    const { sessions } = await box.bringUp(SESSIONS);
    const { pid } = box.appliance;
    const capture = await Capture.start(lab, box.namespace, 'internet', 'idle');
    const shareOfWindow = async () => {
      const [before, began_ms] = [threadTimes_ns(pid), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      return usedSince_ns(pid, before).all_ns / ((performance.now() - began_ms) * 1e6);
    };
    let share = await shareOfWindow();
    const { packets, complaints } = await judge(await capture.stop(), { sentBy: ADDRESS });
    const sent = packets.filter(({ source }) => source === ADDRESS);
    const asked = (what: string, id: 'sessionId' | 'tunnelId') =>
      new Set(sent.filter((packet) => packet.what === what).map((packet) => packet[id])).size;
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      { sessions, echoes: asked('LCP Echo-Request', 'sessionId'), hellos: asked('HELLO', 'tunnelId') },
      { sessions: SESSIONS, echoes: SESSIONS, hellos: SESSIONS / SESSIONS_PER_TUNNEL },
    );
    // Whoever else uses the processor makes everything on it take longer: the least tells what the box itself takes.
    for (let window = 1; window < MOST_WINDOWS && share >= MOST_OF_A_CORE; window++) {
      share = Math.min(share, await shareOfWindow());
    }
    context.diagnostic(`${(share * 100).toFixed(2)} % of a core`);
    assert.ok(share < MOST_OF_A_CORE, `${(share * 100).toFixed(2)} % of a core`);
    const { lost } = await box.hangUp();
    assert.equal(lost, 0);
  });
});
