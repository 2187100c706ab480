/**
 * Whatever happens to box and servers, calls, outages, servers that refuse some, kills, other settings: each record gets to
 * the servers, in the order of its call, and repetitions say what the first said.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallInfo } from '../../../../firmware/roles/role.js';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { SeededRandom } from '../../../simulation/seeded-random.js';
import { Bench, CARRIED, endBy, settingsWith, standingCall, statusOf } from './books.js';

const SEEDS = 40;
const STEPS = 60;
/** After that everything that servers take has been taken. */
const REST_MS = 400_000;

/** What servers do to what comes to them. */
const MOODS: ((random: SeededRandom) => (values: RadiusValues) => boolean)[] = [
  () => () => true,
  () => () => false,
  (random) => () => random.below(2) === 0,
  () => (values) => !statusOf(values).startsWith('tunnel'),
  () => (values) => Number.parseInt(values.acctSessionId?.slice(8) ?? '0', 16) % 5 > 0,
];

class Story {
  readonly bench: Bench;
  readonly random: SeededRandom;
  readonly living: CallInfo[] = [];
  /** Those that an end was told of, and those that a kill ended. */
  readonly ended: CallInfo[] = [];
  readonly killed: CallInfo[] = [];
  #boot = 1;
  #lastCall = 0;

  constructor(bench: Bench, seed: number) {
    this.bench = bench;
    this.random = new SeededRandom(seed);
  }

  step(): void {
    const { bench, random } = this;
    const choice = random.below(20);
    if (choice < 8) this.#callsUp(1 + random.below(10));
    else if (choice < 12) this.#callsEnd(1 + random.below(10));
    else if (choice < 15) bench.pass(1_000 * random.below(50));
    else if (choice < 18) bench.servers.answers = MOODS[random.below(MOODS.length)]!(random);
    else if (choice === 18) bench.configure(settings(20 + random.below(5)));
    else this.#kill();
  }

  #callsUp(count: number): void {
    this.bench.turn((accounting) => {
      for (let left = count; left > 0; left--) {
        this.#lastCall += 1;
        const id = [this.#boot, this.#lastCall]
          .map((part) => part.toString(16).padStart(8, '0').toUpperCase())
          .join('');
        const call = standingCall({ callId: this.#lastCall, accountingId: id });
        this.living.push(call);
        accounting.callUp(call);
      }
    });
  }

  #callsEnd(count: number): void {
    this.bench.turn((accounting) => {
      for (let left = Math.min(count, this.living.length); left > 0; left--) {
        const [call] = this.living.splice(this.random.below(this.living.length), 1);
        accounting.callEnded(call!, endBy('user-request'), CARRIED);
        this.ended.push(call!);
      }
    });
  }

  #kill(): void {
    this.killed.push(...this.living.splice(0));
    this.#boot += 1;
    this.#lastCall = 0;
    this.bench.killAndRestart(1_000 * this.random.below(100));
  }
}

function settings(timeout_s: number) {
  return settingsWith({ tunnelAccounting: true, interimInterval_s: 60, timeout_s });
}

/** The records of a call in the order in which they first came, each as often as it says something else. */
function told(bench: Bench, { accountingId }: CallInfo): RadiusValues[] {
  const records = new Map<string, RadiusValues>();
  for (const { values } of bench.servers.heard) {
    if (values.acctSessionId !== accountingId) continue;
    const { acctDelayTime_s: _, ...rest } = values;
    const content = JSON.stringify(rest);
    if (!records.has(content)) records.set(content, values);
  }
  return [...records.values()];
}

function assertTold(bench: Bench, call: CallInfo, cause: number): void {
  const records = told(bench, call);
  const statuses = records.map(statusOf);
  const interims = statuses.filter((status) => status === 'interimUpdate');
  assert.deepEqual(statuses, ['start', 'tunnelLinkStart', ...interims, 'stop', 'tunnelLinkStop'], call.accountingId);
  assert.equal(records.at(-1)?.acctTerminateCause, cause);
  const times = records.map(({ eventTimestamp_s }) => eventTimestamp_s ?? 0);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
    'in the order in which it happened',
  );
}

test('each record gets to the servers, in the order of its call, and repetitions say the same', async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await t.test(`seed ${seed}`, (t) => {
      const bench = new Bench(t, settings(20));
      const story = new Story(bench, seed);
      for (let step = 0; step < STEPS; step++) story.step();
      bench.servers.answers = () => true;
      bench.pass(REST_MS);
      assert.equal(bench.accounting.view().waiting, 0);
      assert.ok(bench.servers.mostUnderWay <= 64);
      for (const call of story.ended) assertTold(bench, call, 1);
      for (const call of story.killed) assertTold(bench, call, 11);
      assert.equal(bench.store.accounting.sessions.all().length, story.living.length);
    });
  }
});
