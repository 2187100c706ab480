/** Rates of a session from its counters, read again and again. Pure. */

export interface Counted {
  /** Unix time. */
  at_ms: number;
  receivedOctets: number;
  sentOctets: number;
}

export interface LiveRates {
  times_s: readonly number[];
  received_bps: readonly number[];
  sent_bps: readonly number[];
}

const KEPT = 300;
export const NO_RATES: LiveRates = { times_s: [], received_bps: [], sent_bps: [] };

/** The rates with one more, that between two readings; the oldest go. The same where no time has passed. */
export function withReading(rates: LiveRates, before: Counted, now: Counted): LiveRates {
  const passed_s = (now.at_ms - before.at_ms) / 1000;
  if (passed_s <= 0) return rates;
  // Counters that fell belong to another call that has got the same ID.
  const rate = (earlier: number, later: number) => (Math.max(0, later - earlier) * 8) / passed_s;
  return {
    times_s: [...rates.times_s, now.at_ms / 1000].slice(-KEPT),
    received_bps: [...rates.received_bps, rate(before.receivedOctets, now.receivedOctets)].slice(-KEPT),
    sent_bps: [...rates.sent_bps, rate(before.sentOctets, now.sentOctets)].slice(-KEPT),
  };
}
