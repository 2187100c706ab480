/**
 * The sessions as the page keeps them: filled from the list, kept up by the events, searched and sorted. Pure; must not
 * know the browser.
 */
import type { SessionsEvent } from '../../../firmware/api/events.js';
import type { SessionList, SessionListRow, SessionRow } from '../../../firmware/api/session-list.js';

export type SortKey = 'user' | 'address' | 'callingNumber' | 'peerAddress' | 'tunnelId' | 'state' | 'since' | 'octets';
export interface Order {
  by: SortKey;
  isDown: boolean;
}

interface Entry {
  row: SessionRow;
  /** What is searched, in small letters. */
  text: string;
}

export class SessionTable {
  readonly #entries = new Map<number, Entry>();
  /** Where each value stands in a row; undefined before the list has come. */
  #places: Readonly<Record<keyof SessionRow, number>> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** Takes the place of all that is known. */
  fill({ columns, rows }: SessionList): void {
    this.#places = Object.fromEntries(columns.map((name, at) => [name, at])) as Record<keyof SessionRow, number>;
    const gone = new Set(this.#entries.keys());
    for (const values of rows) gone.delete(this.#put(values));
    for (const callId of gone) this.#entries.delete(callId);
  }

  /** What comes before the list has come is passed over: the list has it too. */
  apply({ stand, ended }: SessionsEvent): void {
    if (this.#places === undefined) return;
    for (const values of stand) this.#put(values);
    for (const callId of ended) this.#entries.delete(callId);
  }

  /** Those that have each word of `search` somewhere, in order; `tunnel:815` is those of this tunnel alone. */
  rows(search: string, order: Order): SessionRow[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const tunnels = words.flatMap((word) => TUNNEL.exec(word)?.[1] ?? []).map(Number);
    const texts = words.filter((word) => !TUNNEL.test(word));
    const found: SessionRow[] = [];
    for (const { row, text } of this.#entries.values()) {
      const isOfTunnels = tunnels.every((tunnelId) => tunnelId === row.tunnelId);
      if (isOfTunnels && texts.every((word) => text.includes(word))) found.push(row);
    }
    return sorted(found, order);
  }

  /** Answers the callId. */
  #put(values: SessionListRow): number {
    const row = rowOf(values, this.#places!);
    const before = this.#entries.get(row.callId);
    const isSameText = before !== undefined && SEARCHED.every((name) => before.row[name] === row[name]);
    const text = isSameText ? before.text : SEARCHED.map((name) => String(row[name]).toLowerCase()).join('\n');
    this.#entries.set(row.callId, { row, text });
    return row.callId;
  }
}

const TUNNEL = /^tunnel:(\d+)$/;
const SEARCHED = ['user', 'address', 'callingNumber', 'peerAddress', 'tunnelId', 'sessionId', 'role'] as const;

/** Written out: thousands of them come at once. */
function rowOf(values: SessionListRow, places: Readonly<Record<keyof SessionRow, number>>): SessionRow {
  const text = (name: keyof SessionRow) => values[places[name]] as string;
  const number = (name: keyof SessionRow) => values[places[name]] as number;
  return {
    callId: number('callId'),
    sessionId: number('sessionId'),
    tunnelId: number('tunnelId'),
    role: text('role') as SessionRow['role'],
    state: text('state'),
    user: text('user'),
    address: text('address'),
    callingNumber: text('callingNumber'),
    peerAddress: text('peerAddress'),
    since: text('since'),
    receivedOctets: number('receivedOctets'),
    sentOctets: number('sentOctets'),
    encapsulation: text('encapsulation') as SessionRow['encapsulation'],
  };
}

/** By that, and where it is the same, in the order in which the calls came. Keys are made once for each row. */
function sorted(rows: SessionRow[], { by, isDown }: Order): SessionRow[] {
  const sign = isDown ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: KEYS[by](row) }));
  keyed.sort((a, b) => {
    if (a.key < b.key) return -sign;
    return a.key > b.key ? sign : a.row.callId - b.row.callId;
  });
  return keyed.map(({ row }) => row);
}

const KEYS: Readonly<Record<SortKey, (row: SessionRow) => string | number>> = {
  user: ({ user }) => user.toLowerCase(),
  address: ({ address }) => addressKey(address),
  callingNumber: ({ callingNumber }) => callingNumber,
  peerAddress: ({ peerAddress }) => addressKey(peerAddress),
  tunnelId: ({ tunnelId }) => tunnelId,
  state: ({ state }) => state,
  // How long it is up: the newest are the shortest.
  since: ({ since }) => -Date.parse(since),
  octets: ({ receivedOctets, sentOctets }) => receivedOctets + sentOctets,
};

/** IPv4 by its numbers, before all else. */
function addressKey(address: string): string {
  if (address.includes(':')) return `~${address}`;
  return address
    .split('.')
    .map((part) => part.padStart(3, '0'))
    .join('.');
}
