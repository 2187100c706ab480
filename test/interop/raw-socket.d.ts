/** Types of the npm package raw-socket, which has none: the part of it that is used here. */
declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events';

  export const AddressFamily: { readonly IPv4: number; readonly IPv6: number };
  export const SocketLevel: { readonly IPPROTO_IP: number };
  export const SocketOption: { readonly IP_HDRINCL: number };

  export interface Options {
    protocol: number;
    addressFamily: number;
    /** Of the receive buffer; what is longer is cut. */
    bufferSize: number;
  }

  export interface Socket extends EventEmitter {
    /** With IPv4 the packet begins with its IP header, with IPv6 behind it. */
    on(event: 'message', listener: (packet: Buffer, source: string) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    send(
      packet: Uint8Array,
      offset: number,
      length: number,
      address: string,
      done: (error: Error | null, bytes: number) => void,
    ): this;
    setOption(level: number, option: number, value: Buffer, length: number): this;
    /** Messages wait in the kernel. */
    pauseRecv(): this;
    close(): this;
  }

  export function createSocket(options: Options): Socket;
}
