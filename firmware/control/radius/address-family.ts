/** Tells addresses from other text, as servers write them. Must not resolve names. */
import { isIP } from 'node:net';

/** 4 or 6; 0 for text that is no address, and for one with a zone (`fe80::1%eth0`), which means nothing to another box. */
export function addressFamily(text: string): 0 | 4 | 6 {
  return text.includes('%') ? 0 : (isIP(text) as 0 | 4 | 6);
}
