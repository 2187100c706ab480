/** What the operator is told of sessions and memory, on readings that the test makes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SESSION_MEMORY_BYTES, SessionMemory } from '../../../firmware/control/session-memory.js';

const MIB = 2 ** 20;
const reading = { resident_bytes: 120 * MIB, available_bytes: 60 * MIB };

test('with few sessions the most that one may cost is told, and the machine bears what is available divided by that', () => {
  const memory = new SessionMemory(() => reading);
  const { perSession_bytes, sessionsThatFit } = memory.view(10);
  assert.equal(perSession_bytes, SESSION_MEMORY_BYTES);
  assert.equal(sessionsThatFit, 10 + (60 * MIB) / SESSION_MEMORY_BYTES);
});

test('with many it is the slope from the last that belong to the warming up, whatever the program itself has grown by', () => {
  let resident_bytes = 120 * MIB;
  const memory = new SessionMemory(() => ({ resident_bytes, available_bytes: 60 * MIB }));
  resident_bytes = 150 * MIB;
  memory.note(1_000);
  resident_bytes = 150 * MIB + 4_000 * 9_000;
  memory.note(10_000);
  const { perSession_bytes, sessionsThatFit } = memory.view(10_000);
  assert.equal(perSession_bytes, 4_000);
  assert.equal(sessionsThatFit, 10_000 + Math.floor((60 * MIB) / 4_000));
});

test('RFC 2661 section 3.1: 65,535 sessions at most, whatever the memory', () => {
  const memory = new SessionMemory(() => ({ resident_bytes: 0, available_bytes: 2 ** 40 }));
  assert.equal(memory.view(0).sessionsThatFit, 65_535);
});

test('settings that allow more sessions than the machine bears are a problem, in words', () => {
  const memory = new SessionMemory(() => reading);
  assert.deepEqual(memory.problems(10_240, 0), []);
  const [problem] = memory.problems(10_241, 0);
  assert.match(problem?.what ?? '', /l2tp\.maxSessions is 10241, and the memory of this machine bears some 10240/);
  assert.match(problem?.advice ?? '', /set it to 10240 at most/);
});
