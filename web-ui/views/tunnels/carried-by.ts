/** What a tunnel's packets travel in; the same in both languages. */
import type { Tunnel } from '../../../firmware/api/tunnels.js';

export const carriedBy = ({ version, encapsulation }: Pick<Tunnel, 'version' | 'encapsulation'>): string =>
  `L2TPv${version}, ${encapsulation === 'ip' ? 'IP 115' : 'UDP'}`;
