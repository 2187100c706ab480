/**
 * Writes down what happens to something that is accounted for, a call, a tunnel or the box: a record for each event, and
 * what its Stop would say as long as it is open. All within a turn of the store. Must not decide what is accounted for.
 */
import type { AccountedUse } from '../../store/accounting-sessions.js';
import type { Store } from '../../store/store.js';
import { ACCT_STATUS_TYPE, type RadiusValues } from '../../wire/radius-attributes.js';
import type { DeliveryClocks } from './delivery.js';
import { decodeValues, encodeValues, TERMINATE_CAUSE, type Use, useValues, worthOf } from './record.js';

/** When something happened: Unix time, and the monotonic clock. */
export interface Moment {
  at_ms: number;
  uptime_ms: number;
}

/** One that has been told to begin. */
export interface OpenEntry {
  id: number;
  /** Without Acct-Status-Type. */
  values: RadiusValues;
  encoded: Uint8Array;
}

const NO_USE: Use = { duration_s: 0, receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

export class Ledger {
  readonly #store: Pick<Store, 'accounting' | 'bootNumber'>;
  readonly #clocks: DeliveryClocks;

  constructor(store: Pick<Store, 'accounting' | 'bootNumber'>, clocks: DeliveryClocks) {
    this.#store = store;
    this.#clocks = clocks;
  }

  now(): Moment {
    return { at_ms: this.#clocks.unixTime_ms(), uptime_ms: this.#clocks.now_ms() };
  }

  /** One record; `values` have the subject's Acct-Session-Id. */
  record(status: keyof typeof ACCT_STATUS_TYPE, values: RadiusValues, moment: Moment): void {
    const whole = {
      ...values,
      acctStatusType: ACCT_STATUS_TYPE[status],
      eventTimestamp_s: Math.floor(moment.at_ms / 1000),
    };
    this.#store.accounting.queue.append({
      subject: values.acctSessionId ?? '',
      worth: worthOf(whole),
      ...moment,
      bootNumber: this.#store.bootNumber,
      attributes: encodeValues(whole),
    });
  }

  /** From now on a restart tells the Stop of what has these values. */
  open(values: RadiusValues, stop: 'stop' | 'tunnelStop', moment: Moment): OpenEntry {
    const encoded = encodeValues({ ...values, acctStatusType: ACCT_STATUS_TYPE[stop] });
    const subject = values.acctSessionId ?? '';
    const session = { subject, attributes: encoded, at_ms: moment.at_ms, ...NO_USE };
    return { id: this.#store.accounting.sessions.open(session), values, encoded };
  }

  change(entry: OpenEntry, values: RadiusValues): void {
    const { acctStatusType } = decodeValues(entry.encoded);
    const encoded = encodeValues({ ...values, ...(acctStatusType !== undefined && { acctStatusType }) });
    entry.values = values;
    if (Buffer.compare(encoded, entry.encoded) === 0) return;
    entry.encoded = encoded;
    this.#store.accounting.sessions.change(entry.id, encoded);
  }

  count(entry: OpenEntry, use: Use, { at_ms }: Moment): void {
    this.#store.accounting.sessions.count(entry.id, { at_ms, ...use });
  }

  close(entry: OpenEntry): void {
    this.#store.accounting.sessions.close(entry.id);
  }

  /** Nobody is to hear of the ends of what is open. */
  forget(): void {
    this.#store.accounting.sessions.closeAll();
  }

  /**
   * The Stops of what the end of another process left open, as of the time at which it was last counted;
   * `withLinks`: calls in tunnels are links too.
   */
  stopWhatWasLeft(withLinks: boolean): void {
    const { sessions } = this.#store.accounting;
    for (const { attributes, ...use } of sessions.all()) {
      const { acctStatusType, ...values } = decodeValues(attributes);
      this.#stopOfBefore(values, acctStatusType === ACCT_STATUS_TYPE.stop, use, withLinks);
    }
    sessions.closeAll();
  }

  #stopOfBefore(values: RadiusValues, isCall: boolean, use: AccountedUse, withLinks: boolean): void {
    // Of the clock that said this only its number is known, which is another's: the time of day counts.
    const moment = { at_ms: use.at_ms, uptime_ms: this.#clocks.now_ms() - (this.#clocks.unixTime_ms() - use.at_ms) };
    const said = { ...values, ...useValues(use), acctTerminateCause: TERMINATE_CAUSE['nas-reboot'] };
    if (!isCall) this.record('tunnelStop', said, moment);
    else {
      this.record('stop', said, moment);
      if (withLinks && values.tunnelType !== undefined) this.record('tunnelLinkStop', said, moment);
    }
  }
}
