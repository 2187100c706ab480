/** What a session costs in memory: the slope over some thousand, from a fresh start of the shipped program. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SESSION_MEMORY_BYTES } from '../../firmware/control/session-memory.js';
import { ManySessions } from '../bench/many-sessions.js';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';

const [FEW, MANY] = [1_000, 10_000];
/** Collections of garbage come when they come: over so few sessions one of them is a KiB a session. */
const SLACK = 1.25;

describe(`from ${FEW} sessions to ${MANY}`, { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: ManySessions;

  before(async () => {
    lab = await Lab.open();
    box = await ManySessions.start(lab, MANY);
  });
  after(() => lab?.close());

  it('one costs no more resident memory than the operator is told, and each carries packets to its user alone', async () => {
    const few = await box.bringUp(FEW);
    const many = await box.bringUp(MANY);
    assert.deepEqual([few.failures, many.failures, many.sessions], [{}, {}, MANY]);
    const perSession_bytes = (many.resident_bytes - few.resident_bytes) / (MANY - FEW);
    assert.ok(perSession_bytes < SLACK * SESSION_MEMORY_BYTES, `${(perSession_bytes / 1024).toFixed(2)} KiB a session`);
    assert.deepEqual(await box.echo(), { type: 'echoed', calls: MANY, answered: MANY });
    const { sessions, memory } = await box.appliance.api.status();
    assert.equal(sessions, MANY);
    assert.ok(memory.perSession_bytes < SLACK * SESSION_MEMORY_BYTES, `told: ${memory.perSession_bytes} bytes`);
    assert.ok(memory.sessionsThatFit > MANY);
  });
});
