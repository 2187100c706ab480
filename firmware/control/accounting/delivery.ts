/**
 * Brings the records that wait on disk to the accounting servers: those of one subject one after the other, many subjects
 * at once, each until it is answered. Must not know what a record says.
 *
 * What got no answer is put aside and tried again with a few like it, so that records that servers refuse do not hold up
 * the others. When no server answers at all, a few records are tried from time to time, others each time: one that is
 * refused must not hide that servers live.
 */
import type { RadiusRequest } from '../../protocol/radius/client-types.js';
import type { AccountingQueue, QueuedRecord } from '../../store/accounting-queue.js';
import type { Log } from '../call-log.js';
import { RatedLog } from '../radius/rated-log.js';
import { decodeValues } from './record.js';

/** The way to the servers, which it asks in their order; `handle` is called once, unless it is closed first. */
export interface AccountingTransport {
  request(request: RadiusRequest, handle: (event: { type: 'reply' | 'no-reply' }) => void): void;
  close(): void;
}

export interface DeliveryClocks {
  /** Of this boot, monotonic. */
  now_ms(): number;
  unixTime_ms(): number;
}

const MAX_OUTSTANDING = 64;
/** So many of these may be records that were tried in vain before. */
const MAX_TRIED_OUTSTANDING = 16;
const TRY_AGAIN_MS = 60_000;
/** Records on the way while no server answers, and the waits between. */
const PROBES = 4;
const FIRST_PROBE_MS = 1_000;
const MAX_PROBE_MS = 15_000;

interface Outstanding {
  record: QueuedRecord;
  wasTried: boolean;
}

export class AccountingDelivery {
  readonly #queue: AccountingQueue;
  readonly #bootNumber: number;
  readonly #clocks: DeliveryClocks;
  readonly #log: RatedLog;
  #transport: AccountingTransport | undefined;
  /** By subject. */
  readonly #outstanding = new Map<string, Outstanding>();
  #answered: Outstanding[] = [];
  #unanswered: { record: QueuedRecord; wasIgnored: boolean }[] = [];
  /** Untried records up to this one have been looked at. */
  #cursor = 0;
  #triedCursor = 0;
  #tryAgainAt_ms: number;
  #isSilent = false;
  #probeAt_ms = 0;
  #probeWait_ms = FIRST_PROBE_MS;
  #lastReply_ms = Number.NEGATIVE_INFINITY;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delivered = 0;
  #onRest = () => {};

  constructor(queue: AccountingQueue, bootNumber: number, clocks: DeliveryClocks, log: Log) {
    this.#queue = queue;
    this.#bootNumber = bootNumber;
    this.#clocks = clocks;
    this.#log = new RatedLog(log, clocks.now_ms);
    this.#tryAgainAt_ms = clocks.now_ms();
  }

  /** Records that a server has taken since the start. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Delivers by this way from now on, and what is under way once more; undefined: nothing. */
  use(transport: AccountingTransport | undefined): void {
    this.#transport?.close();
    this.#transport = transport;
    this.#outstanding.clear();
    this.#unanswered = [];
    this.#cursor = 0;
    this.#isSilent = false;
    this.#probeWait_ms = FIRST_PROBE_MS;
    this.wake();
  }

  /** There may be new records. They are sent when the turn that wrote them is over. */
  wake(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#run();
    });
  }

  /** Resolves when nothing waits any more, no server answers, or the time is over. */
  rest(within_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onRest(), within_ms);
      this.#onRest = () => {
        clearTimeout(timer);
        this.#onRest = () => {};
        resolve();
      };
      this.wake();
    });
  }

  /** What is not delivered waits for the next start. */
  close(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#settle();
    this.#transport?.close();
    this.#transport = undefined;
  }

  #run(): void {
    clearTimeout(this.#timer);
    const following = this.#settle();
    if (this.#transport === undefined) {
      this.#onRest();
      return;
    }
    const now_ms = this.#clocks.now_ms();
    for (const record of following) this.#send(record, now_ms);
    if (!this.#isSilent) this.#sendAll(now_ms);
    else if (this.#outstanding.size === 0 && now_ms >= this.#probeAt_ms) this.#probe(now_ms);
    if (this.#queue.length === 0 || this.#isSilent) this.#onRest();
    this.#setTimer(now_ms);
  }

  /** What servers answered, or did not: gives the records that may follow. */
  #settle(): QueuedRecord[] {
    const answered = this.#answered;
    this.#answered = [];
    this.#queue.remove(answered.map(({ record }) => record.id));
    this.#delivered += answered.length;
    for (const { record } of answered) this.#outstanding.delete(record.subject);
    const unanswered = this.#unanswered;
    this.#unanswered = [];
    for (const { record, wasIgnored } of unanswered) {
      this.#outstanding.delete(record.subject);
      this.#queue.noteTry(record.id);
      if (!wasIgnored && !this.#isSilent) this.#fallSilent();
    }
    if (this.#isSilent && unanswered.length > 0 && this.#outstanding.size === 0) this.#postponeProbe();
    return answered.flatMap(({ record }) => this.#queue.firstOf(record.subject) ?? []);
  }

  #fallSilent(): void {
    this.#isSilent = true;
    this.#log.warn('silent', { waiting: this.#queue.length }, 'no accounting server answers');
  }

  #postponeProbe(): void {
    this.#probeAt_ms = this.#clocks.now_ms() + this.#probeWait_ms;
    this.#probeWait_ms = Math.min(2 * this.#probeWait_ms, MAX_PROBE_MS);
  }

  #heard(now_ms: number): void {
    this.#lastReply_ms = now_ms;
    this.#probeWait_ms = FIRST_PROBE_MS;
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#triedCursor = 0;
    this.#tryAgainAt_ms = now_ms;
    this.#log.info('answered', { waiting: this.#queue.length }, 'accounting is answered again');
  }

  /** Other records each time, tried or not, and round again. */
  #probe(now_ms: number): void {
    let records = this.#queue.firsts('untried', this.#cursor, PROBES);
    if (records.length > 0) this.#cursor = records.at(-1)!.id;
    else {
      records = this.#queue.firsts('tried', this.#triedCursor, PROBES);
      this.#triedCursor = records.at(-1)?.id ?? 0;
      if (records.length === 0) {
        records = this.#queue.firsts('untried', 0, PROBES);
        this.#cursor = records.at(-1)?.id ?? 0;
      }
    }
    for (const record of records) this.#send(record, now_ms);
    if (records.length === 0) this.#postponeProbe();
  }

  #sendAll(now_ms: number): void {
    if (now_ms >= this.#tryAgainAt_ms) this.#sendTried(now_ms);
    // As long as some are left to be tried again, the others leave room for them.
    const limit = now_ms >= this.#tryAgainAt_ms ? MAX_OUTSTANDING - MAX_TRIED_OUTSTANDING : MAX_OUTSTANDING;
    while (this.#outstanding.size < limit) {
      const records = this.#queue.firsts('untried', this.#cursor, limit - this.#outstanding.size);
      if (records.length === 0) return;
      this.#cursor = records.at(-1)!.id;
      for (const record of records) this.#send(record, now_ms);
    }
  }

  /** A round of those that were tried in vain; when it is over, what was first of its subject may be given up: look again. */
  #sendTried(now_ms: number): void {
    const underWay = [...this.#outstanding.values()].filter(({ wasTried }) => wasTried).length;
    const room = Math.min(MAX_TRIED_OUTSTANDING - underWay, MAX_OUTSTANDING - this.#outstanding.size);
    if (room <= 0) return;
    const records = this.#queue.firsts('tried', this.#triedCursor, room);
    for (const record of records) this.#send(record, now_ms, true);
    this.#triedCursor = records.at(-1)?.id ?? 0;
    if (records.length > 0) return;
    this.#tryAgainAt_ms = now_ms + TRY_AGAIN_MS;
    this.#cursor = 0;
  }

  #send(record: QueuedRecord, now_ms: number, wasTried = false): void {
    const transport = this.#transport;
    if (transport === undefined || this.#outstanding.has(record.subject)) return;
    const outstanding = { record, wasTried };
    this.#outstanding.set(record.subject, outstanding);
    const values = { ...decodeValues(record.attributes), acctDelayTime_s: this.#delay_s(record, now_ms) };
    transport.request({ values }, ({ type }) => {
      if (transport !== this.#transport) return;
      const end_ms = this.#clocks.now_ms();
      if (type === 'reply') {
        this.#answered.push(outstanding);
        this.#heard(end_ms);
      } else {
        // A server that died meanwhile has answered others at first: what counts is whether it did to the end.
        const wasIgnored = this.#lastReply_ms > (now_ms + end_ms) / 2;
        this.#unanswered.push({ record, wasIgnored });
      }
      this.wake();
    });
  }

  /** Since it happened; the clock of the day may have been set since, so that of this boot counts where it can. */
  #delay_s({ at_ms, bootNumber, uptime_ms }: QueuedRecord, now_ms: number): number {
    const delay_ms = bootNumber === this.#bootNumber ? now_ms - uptime_ms : this.#clocks.unixTime_ms() - at_ms;
    return Math.max(0, Math.floor(delay_ms / 1000));
  }

  #setTimer(now_ms: number): void {
    if (this.#queue.length === 0 || (this.#isSilent && this.#outstanding.size > 0)) return;
    const at_ms = this.#isSilent ? this.#probeAt_ms : this.#tryAgainAt_ms;
    // What is due and was not done waits for an answer, and that wakes us.
    if (at_ms > now_ms) this.#timer = setTimeout(() => this.#run(), at_ms - now_ms);
  }
}
