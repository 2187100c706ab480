/**
 * What the tests of accounting share: the shipped accounting over a real store, on virtual time, beside a server that a
 * test tells what to answer.
 */
import type { TestContext } from 'node:test';
import { Accounting } from '../../../../firmware/control/accounting/accounting.js';
import type { AccountingTransport } from '../../../../firmware/control/accounting/delivery.js';
import type { RadiusRequest } from '../../../../firmware/protocol/radius/client-types.js';
import { NO_AUTHORIZATION } from '../../../../firmware/roles/authorization.js';
import type { CallEnd, CallInfo, TerminateCause } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type RadiusSettings, type Settings } from '../../../../firmware/settings.js';
import type { CallCounters } from '../../../../firmware/store/calls.js';
import type { Store } from '../../../../firmware/store/store.js';
import { ACCT_STATUS_TYPE, type RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { temporaryStore } from '../../store/temporary-store.js';
import { VirtualTimers } from './virtual-timers.js';

/** When virtual time begins: Unix time. */
export const EPOCH_MS = 1_700_000_000_000;
/** The life of a request that nobody answers. */
export const REQUEST_LIFE_MS = 20_000;

const SERVER = {
  address: '192.0.2.53',
  port: 1813,
  secret: 'shared',
  requireMessageAuthenticator: true,
  statusServer: true,
};

export function settingsWith(radius: Partial<RadiusSettings> = {}): Settings {
  return {
    ...DEFAULT_SETTINGS,
    radius: { ...DEFAULT_SETTINGS.radius, accounting: [SERVER], tunnelAccounting: false, ...radius },
  };
}

/** A call at the LNS that is up. */
export function standingCall(changes: Partial<CallInfo> = {}): CallInfo {
  const { callId = 7 } = changes;
  return {
    callId,
    role: 'lns',
    version: 2,
    sessionId: 4711,
    generation: callId,
    l2tpSessionId: 4711,
    callSerialNumber: 99,
    cookie_bytes: 0,
    tunnelId: 12,
    peerSessionId: 1,
    peerName: 'lac',
    path: {
      encapsulation: 'udp',
      localAddress: '192.0.2.2',
      localPort: 1701,
      peerAddress: '192.0.2.1',
      peerPort: 1701,
    },
    profile: '',
    userName: 'flopsy',
    callingNumber: '0301234',
    calledNumber: '0800',
    state: 'up',
    since_ms: 0,
    authentication: 'chap-md5',
    localAddress: '10.0.0.1',
    peerAddress: '10.0.0.2',
    dns: [],
    localLinkLocal: '',
    peerLinkLocal: '',
    peerInterfaceId: '',
    mtu_bytes: 1400,
    localMru_bytes: 1400,
    peerMru_bytes: 1400,
    transmitAcfc: false,
    transmitPfc: false,
    routes: [],
    pppoe: undefined,
    isTunnelled: false,
    proxied: 'no',
    tunnel: undefined,
    authorization: NO_AUTHORIZATION,
    accountingId: `00000001${callId.toString(16).padStart(8, '0').toUpperCase()}`,
    ...changes,
  };
}

export function endBy(terminateCause: TerminateCause): CallEnd {
  return { by: 'peer', resultCode: 1, reason: '', terminateCause };
}

export const CARRIED: CallCounters = { receivedPackets: 3, receivedOctets: 300, sentPackets: 2, sentOctets: 200 };

/** Name of the Acct-Status-Type. */
export function statusOf({ acctStatusType }: RadiusValues): string {
  return Object.entries(ACCT_STATUS_TYPE).find(([, number]) => number === acctStatusType)?.[0] ?? 'none';
}

/** One transmission that came to the server. */
export interface Heard {
  at_ms: number;
  status: string;
  values: RadiusValues;
}

/** The servers: answers at once what `answers` says, and nothing else, ever. */
export class Servers {
  readonly heard: Heard[] = [];
  answers: (values: RadiusValues) => boolean = () => true;
  /** Requests that are under way, now and at most. */
  underWay = 0;
  mostUnderWay = 0;
  connections = 0;
  readonly #asked = new Set<string>();
  readonly #now_ms: () => number;

  constructor(now_ms: () => number) {
    this.#now_ms = now_ms;
  }

  connect(): AccountingTransport {
    this.connections += 1;
    this.underWay = 0;
    this.#asked.clear();
    let isClosed = false;
    return {
      request: ({ values }: RadiusRequest, handle) => {
        this.heard.push({ at_ms: this.#now_ms(), status: statusOf(values), values });
        const { acctSessionId = '' } = values;
        if (this.#asked.has(acctSessionId)) throw new Error('two requests of one subject at once');
        this.#asked.add(acctSessionId);
        this.underWay += 1;
        this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
        const end = (type: 'reply' | 'no-reply') => {
          if (isClosed) return;
          this.underWay -= 1;
          this.#asked.delete(acctSessionId);
          handle({ type });
        };
        if (this.answers(values)) setTimeout(() => end('reply'), 1);
        else setTimeout(() => end('no-reply'), REQUEST_LIFE_MS);
      },
      close: () => {
        isClosed = true;
      },
    };
  }

  /** The statuses of one subject in the order in which they came. */
  statuses(accountingId: string): string[] {
    return this.heard.filter(({ values }) => values.acctSessionId === accountingId).map(({ status }) => status);
  }
}

/** A box whose accounting runs, its clock and its servers. */
export class Bench {
  readonly servers = new Servers(() => this.now_ms);
  store: Store;
  accounting: Accounting;
  /** The clock of the day is set wrong by so much. */
  clockError_ms = 0;
  /** Of live calls, by call ID. */
  readonly counters = new Map<number, CallCounters>();
  readonly warnings: string[] = [];
  readonly #timers: VirtualTimers;
  readonly #reopen: () => Store;
  #settings: Settings;

  constructor(t: TestContext, settings: Settings = settingsWith()) {
    this.#timers = new VirtualTimers(t);
    const temporary = temporaryStore(t, () => this.#unixTime_ms());
    this.store = temporary.store;
    this.#reopen = () => temporary.reopen();
    this.#settings = settings;
    this.accounting = this.#open();
    // Before the store is closed, which is what temporaryStore does after the test.
    t.after(() => this.settle());
  }

  get now_ms(): number {
    return this.#timers.now_ms;
  }

  /** One turn, and what follows from it at once. */
  turn(work: (accounting: Accounting) => void): void {
    this.store.inTurn(() => work(this.accounting));
    this.settle();
  }

  configure(settings: Settings): void {
    this.#settings = settings;
    this.turn((accounting) => accounting.configure(settings));
  }

  /** Time goes on, a second after the other, with a tick each. */
  pass(duration_ms: number): void {
    for (const end_ms = this.now_ms + duration_ms; this.now_ms < end_ms; ) {
      this.#timers.advance(Math.min(1000, end_ms - this.now_ms));
      this.turn((accounting) => accounting.tick(this.now_ms));
    }
  }

  /** As long as answers cause requests. */
  settle(): void {
    for (let before = -1; before !== this.servers.heard.length; ) {
      before = this.servers.heard.length;
      this.#timers.advance(1);
      this.#timers.advance(1);
    }
  }

  /** The process is killed, its timers are gone, and after a while another one takes the files. */
  killAndRestart(downTime_ms = 0): void {
    this.#timers.forget();
    this.#timers.advance(downTime_ms);
    this.store = this.#reopen();
    this.accounting = this.#open();
  }

  #open(): Accounting {
    const accounting = new Accounting(
      {
        store: this.store,
        connect: () => this.servers.connect(),
        readCounters: ({ callId }) => this.counters.get(callId) ?? CARRIED,
        now_ms: () => this.now_ms,
        unixTime_ms: () => this.#unixTime_ms(),
        log: {
          info: () => undefined,
          warn: (_fields, message) => this.warnings.push(message),
          error: () => undefined,
        },
      },
      this.#settings,
    );
    this.store.inTurn(() => accounting.start());
    this.accounting = accounting;
    this.settle();
    return accounting;
  }

  #unixTime_ms(): number {
    return EPOCH_MS + this.now_ms + this.clockError_ms;
  }
}
