/** Tells what happens in a simulation, line by line, for whoever looks for the reason of a failure. Decides nothing. */

import { pppDetail } from '../../firmware/roles/describe-ppp.js';
import type { Output } from '../../firmware/roles/role.js';
import type { ControlHeader } from '../../firmware/wire/control-header.js';
import type { Box } from './box.js';
import { isAcknowledgement } from './control-body.js';
import type { Origin } from './delivery-checker.js';
import type { Datagram } from './network.js';
import type { Scenario } from './scenario.js';

export class Story {
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void, scenario: Scenario) {
    this.#tell = tell;
    tell(
      `seed ${scenario.seed} by ${scenario.encapsulation}: ${scenario.kind}, ${scenario.safety_ms} ms of faults ${JSON.stringify(scenario.faults)}`,
    );
    for (const { name, address } of scenario.boxes) tell(`${name} is ${address}`);
  }

  note(now_ms: number, who: string, what: string): void {
    this.#tell(`${(now_ms / 1000).toFixed(3).padStart(9)}  ${who.padEnd(9)} ${what}`);
  }

  handed(
    now_ms: number,
    box: Box,
    { path, corrupted }: Datagram<Origin>,
    header: ControlHeader,
    message: Uint8Array,
  ): void {
    const { version, controlConnectionId, sessionId, ns, nr, payloadOffset, payloadEnd } = header;
    const what = isAcknowledgement(message.subarray(payloadOffset, payloadEnd)) ? 'acknowledgement' : 'message';
    const note = corrupted ? ', corrupted' : '';
    this.note(
      now_ms,
      box.plan.name,
      `<- ${what} from ${path.peerAddress} over ${path.encapsulation}, version ${version}: ` +
        `${controlConnectionId}/${sessionId} Ns ${ns} Nr ${nr}${note}`,
    );
  }

  output(now_ms: number, box: Box, output: Output): void {
    const tell = (what: string) => this.note(now_ms, box.plan.name, what);
    switch (output.type) {
      case 'trace': {
        const { kind, label, tunnelId, sessionId, packet } = output.record;
        const detail = packet === undefined ? output.record.detail : pppDetail(packet.protocol, packet.octets);
        const arrow = { sent: '->', received: '<-', question: '??', answer: '!!', note: '--' }[kind];
        tell(`${arrow} ${label} (${tunnelId}/${sessionId}) ${JSON.stringify(detail)}`);
        break;
      }
      case 'tunnel-add':
      case 'tunnel-remove':
        tell(`   ${output.type} ${output.tunnelId}`);
        break;
      case 'session-add':
        tell(`   session-add ${output.row.sessionId} to ${output.row.peerTunnelId}/${output.row.peerSessionId}`);
        break;
      case 'session-update':
        tell(`   session-update ${output.sessionId} ${JSON.stringify(output.changes)}`);
        break;
      case 'session-remove':
        tell(`   session-remove ${output.sessionId}`);
        break;
      case 'pseudowire-up':
      case 'pseudowire-down':
        tell(`   ${output.type} ${output.name}`);
        break;
      case 'tunnel-refused':
        tell(`   ${output.peerAddress} refused: ${output.reason}`);
        break;
      case 'dial-ended':
        tell(`   ${output.profile}: ${output.reason}`);
        break;
    }
  }
}
