/**
 * A joined call as text: the fourteen steps by their names, and under each the lines that belong to it, with the time since
 * the call began, who spoke to whom, and which of the two boxes saw it. Prints nothing itself.
 */
import type { JoinedLine } from '../../firmware/control/trace-join.js';

/** In their order, the first is step 1. */
const STEPS = [
  'the remote PC asks for a call (PPPoE)',
  'LCP between PC and LAC',
  'the LAC authenticates the user',
  'the LAC asks its RADIUS server',
  'the answer; the tunnel to the LNS',
  'the session, with what PC and LAC have settled',
  'the LNS takes that over, or begins LCP anew',
  'the LNS asks its RADIUS server',
  'the answer',
  'the LNS has the user authenticate once more',
  'the LNS asks its RADIUS server again',
  'the answer',
  'IPCP and IPV6CP: the user’s address',
  'the user reaches the head office',
] as const;

const CONTROL_MESSAGE = /^(SCC(RQ|RP|CN)|IC(RQ|RP|CN)|CDN|StopCCN|HELLO|SLI|WEN)$/;

function route({ box, direction, what }: JoinedLine): string {
  if (direction === 'within') {
    if (what === 'authenticate') return `${box} → RADIUS`;
    return what === 'accepted' || what === 'refused' ? `${box} ← RADIUS` : box;
  }
  const isSent = direction === 'sent';
  if (!CONTROL_MESSAGE.test(what)) return `PC ${isSent ? '←' : '→'} ${box}`;
  return `LAC ${isSent === (box === 'LAC') ? '→' : '←'} LNS`;
}

/** One line of text for each step's name and for each line of the call. Lines of no step, as keep-alive, are left out. */
export function stepTable(lines: readonly JoinedLine[]): string[] {
  let shown = 0;
  return lines
    .filter(({ step }) => step > 0)
    .flatMap((line) => {
      const isNew = line.step !== shown;
      shown = line.step;
      const time = `${(line.at_ms / 1000).toFixed(3)} s`;
      const seenBy = line.arrived === undefined ? line.box : 'both';
      const columns = [time.padStart(14), seenBy.padEnd(4), route(line).padEnd(12), line.what.padEnd(27), line.detail];
      const text = columns.join('  ').trimEnd();
      return isNew ? [`  ${String(line.step).padStart(2)}  ${STEPS[line.step - 1]}`, text] : [text];
    });
}
