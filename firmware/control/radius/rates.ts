/**
 * How fast a user may be, in the forms that servers say it in. Pure. "Receive" is from the user, "send" is to the user.
 *
 *   WISPr-Bandwidth-Max-Up and -Down     bits a second, from and to the user
 *   Mikrotik-Rate-Limit                  "rx[/tx] ...": from the user, and to the user; with k, M or G; one counts for both;
 *                                        bursts behind it do not count
 *   Cisco-AVPair                         "lcp:interface-config#1=rate-limit input 2000000 ...", input is from the user, in
 *                                        bits a second; and "ip:..." likewise
 */
import type { RadiusValues } from '../../wire/radius-attributes.js';

/** 0: no limit. undefined: not said. */
export interface Rates {
  receiveRate_bps: number | undefined;
  sendRate_bps: number | undefined;
}

/** The settings' own limit: what is faster is not held back by us. */
const MAX_RATE_BPS = 4_000_000_000;
const UNIT: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

const CISCO_RATE_LIMIT =
  /^(?:lcp:interface-config(?:#\d+)?|ip:[a-z-]+(?:#\d+)?)=\s*rate-limit\s+(input|output)\s+(?:access-group\s+\S+\s+)?(\d{1,12})(?:\s|$)/i;

/** Of several forms the first in the order above that says a direction counts for it. */
export function ratesOf(values: RadiusValues, complain: (problem: string) => void): Rates {
  const { wisprBandwidthMaxUp_bps: up, wisprBandwidthMaxDown_bps: down, mikroTikRateLimit, ciscoAvPair = [] } = values;
  const all: Rates[] = [{ receiveRate_bps: up, sendRate_bps: down }];
  if (mikroTikRateLimit !== undefined) {
    const rates = mikroTikRates(mikroTikRateLimit);
    if (rates === undefined) complain(`Mikrotik-Rate-Limit ${JSON.stringify(mikroTikRateLimit.slice(0, 64))}`);
    else all.push(rates);
  }
  all.push(...ciscoAvPair.flatMap(ciscoRates));
  const first = (name: keyof Rates): number | undefined => {
    const rate_bps = all.find((rates) => rates[name] !== undefined)?.[name];
    return rate_bps && Math.min(rate_bps, MAX_RATE_BPS);
  };
  return { receiveRate_bps: first('receiveRate_bps'), sendRate_bps: first('sendRate_bps') };
}

function mikroTikRates(text: string): Rates | undefined {
  const match = /^\s*(\d{1,12})([kmg]?)(?:\/(\d{1,12})([kmg]?))?(?:\s|$)/i.exec(text);
  if (match === null) return undefined;
  const [, rx, rxUnit, tx, txUnit] = match;
  const receiveRate_bps = Number(rx) * UNIT[rxUnit.toLowerCase()];
  const sendRate_bps = tx === undefined ? receiveRate_bps : Number(tx) * UNIT[txUnit.toLowerCase()];
  return { receiveRate_bps, sendRate_bps };
}

/** Other pairs are other matters: no complaint. */
function ciscoRates(pair: string): Rates[] {
  const match = CISCO_RATE_LIMIT.exec(pair);
  if (match === null) return [];
  const rate_bps = Number(match[2]);
  const isInput = match[1].toLowerCase() === 'input';
  return [{ receiveRate_bps: isInput ? rate_bps : undefined, sendRate_bps: isInput ? undefined : rate_bps }];
}
