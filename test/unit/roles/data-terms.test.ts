/** What the two ends of a version 3 session agree on for its data packets, RFC 3931 section 5.4.4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreedTerms, changedTerms, localTerms, termsAvps } from '../../../firmware/roles/data-terms.js';

const random = (length_bytes: number) => new Uint8Array(length_bytes).fill(7);
const NONE = new Uint8Array(0);

test('an end that wants numbers asks for the sublayer and for all packets; one that does not asks for neither', () => {
  assert.deepEqual(termsAvps(localTerms(random, 8, true)), {
    ...{ assignedCookie: random(8), l2SpecificSublayer: 1, dataSequencing: 2 },
  });
  assert.deepEqual(termsAvps(localTerms(random, 0, false)), {});
});

test('each end sends as the other wants to receive', () => {
  const local = localTerms(random, 4, true);
  assert.deepEqual(agreedTerms(local, {}), {
    ...{ localCookie: random(4), peerCookie: NONE, localSublayer: true, peerSublayer: false, sequencing: false },
  });
  const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  for (const dataSequencing of [1, 2]) {
    const peer = { assignedCookie: cookie, l2SpecificSublayer: 1, dataSequencing };
    assert.deepEqual(agreedTerms(localTerms(random, 0, false), peer), {
      ...{ localCookie: NONE, peerCookie: cookie, localSublayer: false, peerSublayer: true, sequencing: true },
    });
  }
});

test('an ICCN changes what it says, and leaves the rest', () => {
  assert.deepEqual(changedTerms({}), {});
  assert.deepEqual(changedTerms({ dataSequencing: 0 }), { sequencing: false });
  assert.deepEqual(changedTerms({ l2SpecificSublayer: 1, dataSequencing: 2 }), {
    peerSublayer: true,
    sequencing: true,
  });
});
