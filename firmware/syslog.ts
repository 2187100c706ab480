/**
 * Lines of the log to a syslog server: RFC 5424 in UDP datagrams (RFC 5426). A line that cannot be sent is lost, and told
 * as a problem; nothing here is logged, or each line would bring another. The server's name is looked up when it is set
 * and now and then, never for a line.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { LogLine } from './control/log-ring.js';
import type { OperatingProblem } from './control/view.js';
import type { Settings } from './settings.js';

export interface SyslogSurroundings {
  /** A host name's first address. Rejects with the resolver's reason. */
  resolve(host: string): Promise<string>;
  processId: number;
}

type Target = NonNullable<Settings['logs']['syslog']>;

/** RFC 5424 section 6.2.1. */
const SEVERITY = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7 } as const;
/** What a server should take (RFC 5424 section 6.1), and a datagram without fragments does not hold. */
const MAX_MESSAGE_BYTES = 2_048;
/** Lines that wait for the server's address. */
const MAX_WAITING = 200;
const RESOLVE_EVERY_MS = 300_000;
const RESOLVE_AGAIN_MS = 10_000;

export class SyslogSender {
  readonly #surroundings: SyslogSurroundings;
  #target: Target | undefined;
  #hostName = '';
  #address: string | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: LogLine[] = [];
  #problem: OperatingProblem | undefined;

  constructor(surroundings: SyslogSurroundings) {
    this.#surroundings = surroundings;
  }

  get isOn(): boolean {
    return this.#target !== undefined;
  }

  /** Sends to this server from now on; undefined: to none. */
  configure(target: Target | undefined, hostName: string): void {
    this.#hostName = hostName;
    if (JSON.stringify(target) === JSON.stringify(this.#target)) return;
    this.close();
    this.#target = target;
    if (target !== undefined) void this.#find(target);
  }

  send(line: LogLine): void {
    const { target, address, socket } = { target: this.#target, address: this.#address, socket: this.#socket };
    if (target === undefined) return;
    if (address === undefined || socket === undefined) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(line);
      return;
    }
    const from = { hostName: this.#hostName, processId: this.#surroundings.processId, facility: target.facility };
    socket.send(syslogMessage(line, from), target.port, address, (error) => {
      if (socket !== this.#socket) return;
      this.#problem = error ? cannot(target, error.message) : undefined;
    });
  }

  problems(): OperatingProblem[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    this.#address = undefined;
    this.#target = undefined;
    this.#problem = undefined;
    this.#waiting = [];
  }

  async #find(target: Target): Promise<void> {
    let again_ms = RESOLVE_EVERY_MS;
    try {
      const address = await this.#surroundings.resolve(target.server);
      if (target !== this.#target) return;
      this.#reach(address);
    } catch (error) {
      if (target !== this.#target) return;
      this.#problem = cannot(target, (error as Error).message);
      again_ms = RESOLVE_AGAIN_MS;
    }
    this.#timer = setTimeout(() => void this.#find(target), again_ms).unref();
  }

  #reach(address: string): void {
    if (address === this.#address) return;
    this.#socket?.close();
    this.#socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4').unref();
    // What a send says of itself comes to its callback; what ICMP says of it later is of no use.
    this.#socket.on('error', () => undefined);
    this.#address = address;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const line of waiting) this.send(line);
  }
}

function cannot({ server }: Target, reason: string): OperatingProblem {
  return {
    what: `the syslog server ${server} gets no lines: ${reason}`,
    advice: 'see logs.syslog, the route there and DNS',
  };
}

/**
 * One message, RFC 5424 section 6: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID - MSG`. MSGID is the part of the
 * program; MSG is the line's message and its fields as JSON, cut at MAX_MESSAGE_BYTES.
 */
export function syslogMessage(
  { time, level, part, message, fields }: LogLine,
  from: { hostName: string; processId: number; facility: number },
): Buffer {
  const priority = from.facility * 8 + SEVERITY[level];
  const header = `<${priority}>1 ${time} ${name(from.hostName)} tunnelwerk ${from.processId} ${name(part)} -`;
  const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
  const octets = Buffer.from(`${header} ${oneLine(message)}${rest}`);
  if (octets.length <= MAX_MESSAGE_BYTES) return octets;
  let end = MAX_MESSAGE_BYTES;
  // Not within a character of UTF-8.
  while ((octets[end] & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}

/** PRINTUSASCII, at most 255; `-` for nothing. */
const name = (text: string) => text.replace(/[^\x21-\x7e]/g, '').slice(0, 255) || '-';

/** Whatever a peer has put into it, it is one line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is sought
const oneLine = (text: string) => text.replace(/[\x00-\x1f\x7f]/g, ' ');
